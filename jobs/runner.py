"""Claims jobs that are due and runs them: the one path that all work takes, however a worker was woken."""

import logging
import os
import secrets
import socket
import threading
import time
import uuid
from typing import Any

from django.db import DatabaseError, IntegrityError, close_old_connections, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from jobs.kinds import kind_named, kinds
from jobs.models import Job, State
from jobs.outcomes import backoff, ended, failed, yielded
from jobs.run import JobRun, LeaseLost, Stopped, Yielded, beating

RETRY = 1.0  # Seconds between two attempts to tell the database how a run ended.

logger = logging.getLogger(__name__)

shutdown = threading.Event()
"""Set when this process is to end: nothing more is claimed, and runs go back to the queue at their next checkpoint."""


def due() -> QuerySet[Job]:
    """Jobs that may begin now, best first: kinds known here, and no exclusive kind that is already running."""
    running = Job.objects.filter(kind=OuterRef("kind"), state=State.RUNNING, exclusive=True)
    return (
        Job.objects.filter(state=State.PENDING, run_at__lte=Now(), kind__in=[kind.name for kind in kinds()])
        .exclude(Q(exclusive=True) & Exists(running))
        .order_by("-priority", "run_at")
    )


def claim(*, only: uuid.UUID | None = None) -> JobRun | None:
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
    job.owner = f"{socket.gethostname()[:64]}:{os.getpid()}:{secrets.token_hex(8)}"
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
        )
    )


def execute(run: JobRun) -> None:
    """Runs a claimed job and records how it ended, unless its lease was lost meanwhile."""
    close_old_connections()  # The job may take hours; it opens a connection when it needs one.
    with beating(run):
        recorded = _record(run, _attempt(run))
    if not recorded:
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
        logger.exception("%s failed, attempt %d of %d", job, job.attempts, job.max_attempts)
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
