"""The part of a Celery worker that needs no broker: a thread that sweeps, looks for due jobs and hands them to the pool."""

import logging
import random
import threading
import time
from typing import Any

from celery import bootsteps
from celery.concurrency.thread import TaskPool
from celery.signals import worker_shutting_down
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, close_old_connections, connection

from jobs.runner import due, shutdown, work
from jobs.services import declare_schedules
from jobs.sweeper import sweep

LOOK = 0.25  # Seconds between two looks for due jobs where no broker tells of them,
LOOK_BESIDE_BELL = 2.0  # and where one does.
SWEEP = 1.5  # Seconds between two sweeps.

logger = logging.getLogger(__name__)


class Ticker(bootsteps.StartStopStep):  # type: ignore[misc] # Celery has no types
    """Celery boot step: starts the thread when the pool is up, before the broker is connected, and ends it first.

    So jobs keep running while the broker is away, and a shutdown reaches the running jobs before the pool waits for them.
    """

    requires = {"celery.worker.components:Pool"}

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self._thread: threading.Thread | None = None

    def start(self, worker: Any) -> None:
        """Begins to tick. Raises `ImproperlyConfigured` unless jobs run in threads of this process."""
        if not isinstance(worker.pool, TaskPool):
            raise ImproperlyConfigured("Jobs run in threads: start the worker with --pool threads.")
        worker_shutting_down.connect(_on_shutdown)
        self._thread = threading.Thread(target=_tick, args=(worker.pool,), name="jobs ticker", daemon=True)
        self._thread.start()

    def stop(self, worker: Any) -> None:  # noqa: ARG002 - Celery's signature
        """Asks the running jobs to yield and ends the thread."""
        shutdown.set()
        if self._thread:
            self._thread.join()

    terminate = stop


def _on_shutdown(**_: Any) -> None:
    """Tells the running jobs at once, from within Celery's signal handler; the steps are stopped a little later."""
    shutdown.set()


def _tick(pool: TaskPool) -> None:
    calls: list[Any] = []
    pause = LOOK_BESIDE_BELL if settings.REDIS_URL else LOOK
    next_sweep = 0.0
    declared = False
    while not shutdown.wait(pause * random.uniform(0.8, 1.2)):  # noqa: S311 - keeps workers out of step
        try:
            if not declared:
                declare_schedules()
                declared = True
            if time.monotonic() >= next_sweep:
                sweep()
                next_sweep = time.monotonic() + SWEEP
            calls = [call for call in calls if not call.f.done()]
            calls += [pool.apply_async(work, callback=_ignore) for _ in due()[: pool.limit - len(calls)]]
        except DatabaseError as error:
            logger.warning("The database fails the work queue: %s", error)
            connection.close()
        except Exception:
            logger.exception("The work queue could not be looked after; trying again")
    close_old_connections()


def _ignore(_: object) -> None:
    """A pool wants to tell somebody of the result; jobs tell it by their rows."""
