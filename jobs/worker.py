"""The part of a Celery worker that needs no broker: the thread that looks after the queue, and the journal's followers.

The former sweeps, looks for due jobs and hands them to the pool.
"""

import logging
import random
import threading
import time
from contextlib import suppress
from typing import Any

from celery import bootsteps
from celery.concurrency.thread import TaskPool
from celery.signals import worker_shutting_down
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, Error, connection

from jobs.followers import followers
from jobs.pools import Presence
from jobs.runner import due, shutdown, work
from jobs.services import declare_schedules
from jobs.sweeper import sweep

LOOK = 0.25  # Seconds between two looks for due jobs where no broker tells of them,
LOOK_BESIDE_BELL = 2.0  # and where one does.
LOOK_AFTER_FAILURE = 5.0
SWEEP = 1.5  # Seconds between two sweeps.
PATIENCE = 5.0  # Seconds for which a shutdown waits for a follower.

logger = logging.getLogger(__name__)


class Ticker(bootsteps.StartStopStep):  # type: ignore[misc] # Celery has no types
    """Celery boot step: starts the threads when the pool is up, before the broker is connected, and ends them first.

    So jobs keep running while the broker is away, and a shutdown reaches the running jobs before the pool waits for them.
    """

    requires = {"celery.worker.components:Pool"}

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self._threads: list[threading.Thread] = []

    def start(self, worker: Any) -> None:
        """Begins to tick. Raises `ImproperlyConfigured` unless jobs run in threads of this process."""
        if not isinstance(worker.pool, TaskPool):
            raise ImproperlyConfigured("Jobs run in threads: start the worker with --pool threads.")
        worker_shutting_down.connect(_on_shutdown)
        self._threads = [threading.Thread(target=_tick, args=(worker.pool,), name="jobs ticker", daemon=True)]
        for follower in followers():
            name = f"follower {follower.name}"
            self._threads.append(threading.Thread(target=follower.run, args=(shutdown,), name=name, daemon=True))
        for thread in self._threads:
            thread.start()

    def stop(self, worker: Any) -> None:  # noqa: ARG002 - Celery's signature
        """Asks the running jobs to yield and ends the threads."""
        worker_shutting_down.disconnect(_on_shutdown)  # A signal during the next line would wait for that line's lock.
        shutdown.set()
        for thread in self._threads:
            # What a follower that hangs has in hand, another takes up: the cursor says where.
            thread.join(None if thread is self._threads[0] else PATIENCE)

    terminate = stop


def _on_shutdown(**_: Any) -> None:
    """Tells the running jobs at once, from within Celery's signal handler; the steps are stopped a little later."""
    shutdown.set()


def _tick(pool: TaskPool) -> None:
    usual = LOOK_BESIDE_BELL if settings.REDIS_URL else LOOK
    look, pause = Look(pool), 0.0
    while not shutdown.wait(pause * random.uniform(0.8, 1.2)):  # noqa: S311 - keeps workers out of step
        try:
            look()
            pause = usual
        except Exception as error:
            # Whatever it was, the thread must go on, or this worker would sit idle for ever.
            logger.warning(
                "The work queue could not be looked after: %s", error, exc_info=not isinstance(error, DatabaseError)
            )
            connection.close()
            pause = LOOK_AFTER_FAILURE
    with suppress(Error):
        look.presence.leave()
    connection.close()


class Look:
    """Looks after the queue once each time it is called."""

    def __init__(self, pool: TaskPool) -> None:
        self.presence = Presence(pool.limit)
        self._pool = pool
        self._calls: list[Any] = []
        self._declared = False
        self._next_sweep = 0.0

    def __call__(self) -> None:
        """Sweeps if it is time to, and gives idle threads of the pool as much work as is due."""
        if not self._declared:
            declare_schedules()
            self._declared = True
        self.presence.beat()
        if time.monotonic() >= self._next_sweep:
            sweep()
            self._next_sweep = time.monotonic() + SWEEP
        self._calls = [call for call in self._calls if not call.f.done()]
        idle = self._pool.limit - len(self._calls)
        self._calls += [self._pool.apply_async(work, callback=_ignore) for _ in due()[:idle]]


def _ignore(_: object) -> None:
    """A pool wants to tell somebody of the result; jobs tell it by their rows."""
