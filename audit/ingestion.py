"""Makes journal entries of what the spool holds: every event exactly once, whoever is killed when.

How far a segment has been taken in is a row, written in the transaction that writes its entries. Segments still being
written are read too, up to their last complete line, so that an event waits for the next run and not for its writer.
A segment is removed when it is complete and taken in; only then may its row go.
"""

import fcntl
import logging
import os
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO, NamedTuple

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from audit.events import fold
from audit.models import Entry, SpoolSegment

logger = logging.getLogger(__name__)

BATCH_BYTES = 2**19
ROWS_PER_INSERT = 500
# The row of a segment that is gone tells nothing, yet the directory may be on another machine, and come back.
FORGET_AFTER = timedelta(days=365)


class Batch(NamedTuple):
    """What one transaction takes in."""

    size: int  # In bytes.
    lines: int
    skipped: int  # Lines that are no event.
    entries: list[Entry]


def ingest(directory: Path) -> int:
    """Takes in at most `BATCH_BYTES` of each segment, a transaction each; the number of lines, 0 when all is done."""
    paths = sorted(directory.glob("*.jsonl"))
    known = SpoolSegment.objects.in_bulk([path.name for path in paths])
    return sum(_ingest_segment(path, known[path.name].offset if path.name in known else 0) for path in paths)


def _ingest_segment(path: Path, offset: int) -> int:
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return 0  # Another ingester has finished it.
    with file:
        complete = _is_complete(file)
        batch = _batch(os.pread(file.fileno(), BATCH_BYTES, offset), complete=complete)
        if not batch.size and not complete:
            return 0  # The usual case, told without a write to the database.
        segment = _take_in(path, offset, batch)
        if segment and complete and segment.offset >= os.fstat(file.fileno()).st_size:
            _finish(path, segment)
        return batch.lines if segment else 0


def _is_complete(file: BinaryIO) -> bool:
    """Whether nobody appends any more. The lock is kept until the file is closed, but readers need none."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _batch(chunk: bytes, *, complete: bool) -> Batch:
    """The complete lines of a chunk; made outside the transaction, because on SQLite that keeps all others waiting."""
    size = chunk.rfind(b"\n") + 1
    if not size and (complete or len(chunk) == BATCH_BYTES):
        size = len(chunk)  # The torn end of a dead writer's last line, or a monster that is no event either.
    lines = chunk[:size].removesuffix(b"\n").split(b"\n") if size else []
    events = [event for event in fold(lines) if event]
    skipped = len(lines) - sum(event.count for event in events)
    return Batch(size, len(lines), skipped, [event.entry() for event in events])


@transaction.atomic
def _take_in(path: Path, offset: int, batch: Batch) -> SpoolSegment | None:
    """Writes the batch read at `offset` and how far it reaches; None if another ingester has been faster."""
    try:
        segment, _ = SpoolSegment.objects.select_for_update().get_or_create(name=path.name)
    except IntegrityError:
        return None  # It had a row for a moment, that of another one who has finished.
    if not path.exists():
        # The other one has removed the file, and perhaps the row too: then the row in hand is a new one.
        segment.delete()
        return None
    if segment.offset != offset:
        return None
    Entry.objects.bulk_create(batch.entries, batch_size=ROWS_PER_INSERT)
    segment.offset += batch.size
    segment.skipped += batch.skipped
    segment.save()
    return segment


def _finish(path: Path, segment: SpoolSegment) -> None:
    path.unlink(missing_ok=True)
    if segment.skipped:
        logger.warning("The spool segment %s held %d lines that are no event.", path.name, segment.skipped)
    SpoolSegment.objects.filter(Q(name=path.name) | Q(updated_at__lt=timezone.now() - FORGET_AFTER)).delete()
