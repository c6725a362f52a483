"""The spool: where pulls are noted at a cost of microseconds, until `audit.ingestion` makes journal entries of them.

Each process appends JSON lines, `[time, request id, {what happened}]`, to a file of its own, a segment. Many lines differ
only in time and request id, so whoever appends remembers the rest as text. The process holds an flock on the segment for
as long as it may append, so an unlocked segment is complete: its writer has gone on to another one or has died. What was
appended sits in the kernel and survives `kill -9`; it is not fsynced, so a power cut may lose the last seconds.
"""

import errno
import fcntl
import json
import logging
import os
import secrets
import threading
import time
import weakref
from collections.abc import Mapping
from pathlib import Path

logger = logging.getLogger(__name__)

SEGMENT_BYTES = 32 * 2**20
SEGMENT_SECONDS = 300
RETRY_SECONDS = 1

_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
_spools: "weakref.WeakSet[Spool]" = weakref.WeakSet()


def encoded(event: Mapping[str, str]) -> str:
    """What happened, as `Spool.append` takes it.

    The keys are those of an Origin without its request id, and `action`, `project`, `target`, `result` and `digest`:
    `actor`, `kind` and `action` are needed, the others are optional.
    """
    return _encode(event)


class Spool:
    """Appends events to a directory that other processes, writers and ingesters, may share. Safe in threads and forks."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lost = 0
        self._reset()
        _spools.add(self)

    def append(self, event: str, request_id: str = "", *, at: float | None = None) -> None:
        """Notes one `encoded` event; never raises for want of space or rights, and never waits for the database.

        at: when it happened, in seconds since 1970; now by default.
        """
        line = f"[{time.time() if at is None else at!r},{_encode(request_id)},{event}]\n".encode()
        with self._lock:
            try:
                if time.monotonic() >= self._until or self._size >= SEGMENT_BYTES:
                    self._rotate()
                if self._descriptor is not None:
                    self._write(self._descriptor, line)
                    return
            except OSError as error:
                self._fail(error)
            self._lost += 1

    def close(self) -> None:
        """Gives up the current segment, so that it can be taken in and removed; the next append begins another."""
        with self._lock:
            self._release()

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._descriptor: int | None = None
        self._path: Path | None = None
        self._size = 0
        self._until = 0.0  # The segment serves until this moment; after a failure nothing is tried before it.

    def _rotate(self) -> None:
        self._release()
        self._descriptor, self._path = _new_segment(self._directory)
        self._until = time.monotonic() + SEGMENT_SECONDS

    def _write(self, descriptor: int, line: bytes) -> None:
        written = os.write(descriptor, line)
        if written < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._size += written
        if self._lost:
            logger.warning("The spool %s can be written again; %d events are missing.", self._directory, self._lost)
            self._lost = 0

    def _release(self) -> None:
        if self._descriptor is not None and self._path is not None:
            if not self._size:
                self._path.unlink(missing_ok=True)
            os.close(self._descriptor)
        self._descriptor, self._path, self._size, self._until = None, None, 0, 0.0

    def _fail(self, error: OSError) -> None:
        """Leaves the segment, whose last line may be torn, and rests; says so once until appending works again."""
        if not self._lost:
            logger.error("Events are being lost, because the spool %s cannot be written: %s.", self._directory, error)
        self._release()
        self._until = time.monotonic() + RETRY_SECONDS

    def _start_afresh(self) -> None:
        """In a forked child: the segment is the parent's, and so is the lock that some thread of it may have held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._lost = 0
        self._reset()


def _new_segment(directory: Path) -> tuple[int, Path]:
    """A new file, open for appending and locked."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    while True:
        path = directory / f"{time.time_ns()}-{secrets.token_hex(8)}.jsonl"
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)  # An ingester was faster, takes the empty file for a dead writer's and removes it.
            continue
        except OSError:
            os.close(descriptor)
            raise
        if path.exists():
            return descriptor, path
        os.close(descriptor)  # It has already been removed.


def _after_fork() -> None:
    for spool in list(_spools):
        spool._start_afresh()  # noqa: SLF001


os.register_at_fork(after_in_child=_after_fork)
