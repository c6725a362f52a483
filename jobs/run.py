"""One attempt at a job, as the job's function sees it, kept alive by a heartbeat in the background.

The function works on memory only: `checkpoint`, `progress` and `log` never wait for the database, so a job may call them
for every item. The heartbeat carries what they leave to the rows about once a second.
"""

import json
import logging
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, NoReturn

from django.db import DatabaseError, connection
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from audit.sanitise import clean_json, clean_text
from jobs.models import Job, JobLog, State

LOG_LINES = 1000  # The newest lines kept per job,
LINE_LENGTH = 2000  # and the characters kept of each.
BEAT = 1.0  # Seconds between two looks at the row.

logger = logging.getLogger(__name__)


class Interrupted(BaseException):
    """Raised by a checkpoint to end the run; a BaseException, so that `except Exception` in a job lets it through."""


class Stopped(Interrupted):
    """Nobody wants the job done any more."""


class LeaseLost(Interrupted):
    """Another worker may have taken over; whatever this run still did would be done twice."""


class Yielded(Interrupted):
    """The worker is shutting down; the job goes back to the queue."""


class JobRun:
    """What a job's function holds of its run: where it reports and where it learns that it must end."""

    def __init__(self, job: Job, lease: timedelta, claimed: float, shutdown: threading.Event) -> None:
        self.job = job
        self.lease = lease
        self._shutdown = shutdown
        # Counted on this machine's clock from before the claim or the renewal was sent, it can only be early.
        self._deadline = claimed + lease.total_seconds()
        self._lost = self._stop = False
        self._report: dict[str, Any] = {}  # What the job told last, replaced as a whole by the job's thread,
        self._stored = self._report  # and what of it is in the row already.
        self._lines: deque[tuple[datetime, str]] = deque(maxlen=LOG_LINES)

    @property
    def lost(self) -> bool:
        """True once somebody took over or, by this machine's clock, may have."""
        return self._lost or time.monotonic() >= self._deadline

    def progress(self, done: int, total: int | None = None, message: str = "") -> None:
        """Tells how far the job is, in units of its own choice; shown to people within a second or two."""
        told = {"progress_done": done, "progress_total": total, "progress_message": clean_text(message, 255)}
        self._report = {**self._report, **told}

    def result(self, **values: Any) -> None:
        """Tells what has come out so far, added to what was told before: values that JSON can carry, and no secrets.

        Kept however the run ends, and seen when progress is. Raises `TypeError` or `ValueError` for other values.
        """
        json.dumps(values, allow_nan=False)
        self._report = {**self._report, "result": {**self._report.get("result", {}), **clean_json(values)}}

    def log(self, text: str) -> None:
        """Adds a line to the job's log, which people with access to the job can read: no secrets."""
        self._lines.append((timezone.now(), clean_text(text, LINE_LENGTH)))

    def checkpoint(self) -> None:
        """Ends the run here if it must end: raises `LeaseLost`, `Stopped`, or `Yielded` when the worker shuts down.

        Cheap enough for every item. Call it where nothing is half done, outside of transactions.
        """
        if self.lost:
            raise LeaseLost
        if self._stop:
            raise Stopped
        if self._shutdown.is_set():
            raise Yielded

    def abandon(self, why: str) -> NoReturn:
        """Ends the run and the job here as stopped, not as a success or a failure; the log tells why."""
        self.log(why)
        raise Stopped

    def beat(self) -> None:
        """Renews the lease when a third of it has passed, stores what was reported, and looks for a request to stop."""
        sent = time.monotonic()
        report = self._report
        changes = {} if report is self._stored else report
        if changes or self._deadline - sent < self.lease.total_seconds() * 2 / 3:
            if not self.mine().update(lease_expires_at=Now() + self.lease, **changes):
                self._lost = True
                return
            self._deadline = sent + self.lease.total_seconds()
            self._stored = report
        stop = self.mine().values_list("stop_requested", flat=True).first()
        self._lost, self._stop = stop is None, bool(stop)
        self._write_log()

    def close(self, **changes: Any) -> bool:
        """Stores what is left of the report and gives up the lease; False, and no change, if the lease was lost."""
        self._write_log()
        closing = {**self._report, "owner": "", "lease_expires_at": None, **changes}
        return bool(self.mine().update(**closing))

    def mine(self) -> QuerySet[Job]:
        """The job's row while this run holds the lease; otherwise nothing."""
        return Job.objects.filter(pk=self.job.pk, owner=self.job.owner, state=State.RUNNING)

    def _write_log(self) -> None:
        lines = list(self._new_lines())
        if not lines:
            return
        try:
            JobLog.objects.bulk_create(JobLog(job=self.job, at=at, text=text) for at, text in lines)
        except DatabaseError:
            self._lines.extendleft(reversed(lines))  # For the next time.
            raise
        newest = JobLog.objects.filter(job=self.job).order_by("-id")
        if oldest_kept := newest.values_list("id", flat=True)[LOG_LINES - 1 : LOG_LINES].first():
            JobLog.objects.filter(job=self.job, id__lt=oldest_kept).delete()

    def _new_lines(self) -> Iterator[tuple[datetime, str]]:
        with suppress(IndexError):  # The heartbeat and the end of the run may both be at it.
            for _ in range(len(self._lines)):
                yield self._lines.popleft()


@contextmanager
def beating(run: JobRun) -> Iterator[None]:
    """Keeps the run's lease alive from a thread of its own, which has its own database connection."""
    done = threading.Event()
    thread = threading.Thread(target=_keep_alive, args=(run, done), name=f"lease of {run.job}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _keep_alive(run: JobRun, done: threading.Event) -> None:
    interval = min(BEAT, run.lease.total_seconds() / 5)
    try:
        while not done.wait(interval):
            try:
                run.beat()
            except DatabaseError as error:
                # The lease has its deadline on our own clock, so a database that stays away ends the run by itself.
                logger.warning("%s could not renew its lease: %s", run.job, error)
                connection.close()
    finally:
        connection.close()
