"""Claims jobs that are due and runs them: the one path that all work takes, however a worker was woken."""

import logging
import os
import secrets
import socket
import threading
import time
from functools import lru_cache
from typing import Any

from django.db import DatabaseError, IntegrityError, close_old_connections, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from jobs.kinds import kind_named, kinds
from jobs.models import Job, Pause, State
from jobs.outcomes import backoff, ended, failed, yielded
from jobs.run import JobRun, LeaseLost, Stopped, Yielded, beating
from jobs.signals import run_ended

RETRY = 1.0  # Seconds between two attempts to tell the database how a run ended.

logger = logging.getLogger(__name__)

shutdown = threading.Event()
"""Set when this process is to end: nothing more is claimed, and runs go back to the queue at their next checkpoint."""


def pool_id() -> str:
    """What this process calls itself in `WorkerPool.id` and at the beginning of `Job.owner`."""
    return _pool_id(os.getpid())  # Not the parent's, in a forked child.


@lru_cache(maxsize=1)
def _pool_id(pid: int) -> str:
    return f"{socket.gethostname()[:64]}:{pid}:{secrets.token_hex(4)}"


def due() -> QuerySet[Job]:
    """Jobs that may begin now, best first: of kinds known here and not paused, and of no exclusive one that runs."""
    running = Job.objects.filter(kind=OuterRef("kind"), state=State.RUNNING, exclusive=True)
    return (
        Job.objects.filter(state=State.PENDING, run_at__lte=Now(), kind__in=[kind.name for kind in kinds()])
        .exclude(Q(exclusive=True) & Exists(running))
        .exclude(Exists(Pause.objects.filter(kind=OuterRef("kind"))))
        .order_by("-priority", "run_at")
    )


def claim(*, only: int | None = None) -> JobRun | None:
    """Takes a due job (or just the one named), so that nobody else runs it while the lease lasts; None if there is none.

    A plain look comes first: an idle worker neither writes nor locks anything.
    """
    candidates = due().filter(pk=only) if only else due()
    while candidates.exists():
        claimed = time.monotonic()
        try:
            with transaction.atomic():
                job = candidates.select_for_update(skip_locked=True).first()
                if job is None or not _lease(job):
                    return None
        except IntegrityError:
            continue  # Another job of this exclusive kind began just now, and is seen by the next look.
        return JobRun(job, kind_named(job.kind).lease, claimed, shutdown)
    return None


def _lease(job: Job) -> bool:
    """Writes the lease. Databases without row locks need the comparison: there the first of two writers wins."""
    job.owner = f"{pool_id()}:{secrets.token_hex(8)}"
    job.attempts += 1
    return bool(
        Job.objects.filter(pk=job.pk, state=State.PENDING).update(
            state=State.RUNNING,
            owner=job.owner,
            attempts=job.attempts,
            lease_expires_at=Now() + kind_named(job.kind).lease,
            started_at=Now(),
            progress_done=0,
            progress_total=None,
            progress_message="",
            result={},
        )
    )


def execute(run: JobRun) -> None:
    """Runs a claimed job and records how it ended, unless its lease was lost meanwhile."""
    close_old_connections()  # The job may take hours; it opens a connection when it needs one.
    began = time.monotonic()
    with beating(run):
        outcome = _attempt(run)
        recorded = _record(run, outcome)
    if recorded:
        # Of an attempt that failed the database decides what becomes of its job.
        state = outcome["state"] if isinstance(outcome["state"], str) else State.ERROR
        run_ended.send(Job, kind=run.job.kind, state=str(state), seconds=time.monotonic() - began)
    else:
        logger.warning("%s lost its lease, so what became of this run is not recorded", run.job)


def _attempt(run: JobRun) -> dict[str, Any]:
    job = run.job
    try:
        kind_named(job.kind).function(run, **job.args)
    except Stopped:
        return ended(State.STOPPED)
    except Yielded:
        return yielded()
    except LeaseLost:
        return failed(job, "The lease was lost.", wait=0)
    except Exception as error:
        # That a target is away is told in a line; whatever else went wrong needs its traceback.
        is_ours = not isinstance(error, ConnectionError)
        level, what = (logging.ERROR, "") if is_ours else (logging.WARNING, f": {error}")
        logger.log(level, "%s failed, attempt %d of %d%s", job, job.attempts, job.max_attempts, what, exc_info=is_ours)
        return failed(job, f"{type(error).__name__}: {error}", wait=backoff(job.attempts))
    return ended(State.SUCCESS)


def _record(run: JobRun, changes: dict[str, Any]) -> bool:
    """Stores what became of the run; while the database is away, tries again for as long as the lease lasts."""
    while True:
        close_old_connections()
        try:
            return run.close(**changes)
        except DatabaseError:
            if run.lost:
                raise
            time.sleep(RETRY)


def work() -> None:
    """Claims and runs what is due until nothing is left or the process is to end. Never raises for a database's sake."""
    try:
        while not shutdown.is_set() and (run := claim()):
            execute(run)
            close_old_connections()
    except DatabaseError as error:
        # Leases that were left behind run out, and then the sweeper returns the jobs to the queue.
        logger.warning("The database fails the work queue: %s", error)
    finally:
        close_old_connections()
