"""The signs of life of a worker process: one small write now and then, and none for each job."""

import os
import socket
import time
from datetime import timedelta

from django.db.models.functions import Now

from jobs.models import WorkerPool
from jobs.runner import pool_id

BEAT = 10.0  # Seconds between two signs of life.
FORGET = timedelta(minutes=5)  # After which the row of a process that vanished is removed.


class Presence:
    """Keeps this process's row alive."""

    def __init__(self, concurrency: int) -> None:
        self._concurrency = concurrency
        self._next = 0.0

    def beat(self) -> None:
        """Gives a sign of life if it is time for one, and then removes the rows of those that have given none."""
        if time.monotonic() < self._next:
            return
        own = {"host": socket.gethostname()[:64], "pid": os.getpid(), "concurrency": self._concurrency}
        if not WorkerPool.objects.filter(pk=pool_id()).update(heartbeat_at=Now()):
            WorkerPool.objects.create(pk=pool_id(), **own)
        WorkerPool.objects.filter(heartbeat_at__lt=Now() - FORGET).delete()
        self._next = time.monotonic() + BEAT

    def leave(self) -> None:
        """Tells that this process works no more."""
        WorkerPool.objects.filter(pk=pool_id()).delete()
