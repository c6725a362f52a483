"""Readers of the journal that remember by name how far they have come."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from audit.cursor import START, Cursor
from audit.functions import beyond
from audit.journal import read, settled
from audit.models import Consumer, Entry


@dataclass(frozen=True, slots=True)
class Lag:
    """What a consumer has still to read."""

    entries: int  # Counted up to a limit.
    since: datetime | None  # When the oldest of them was written; None if there are none.


def subscribe(name: str, cursor: Cursor = START) -> None:
    """Makes a consumer that begins after `cursor`, or `journal.head()` for what is to come; leaves an existing one."""
    Consumer.objects.get_or_create(name=name, defaults={"txid": cursor.txid, "last_id": cursor.id})


def advance(name: str, handle: Callable[[list[Entry]], None], limit: int = 500) -> int:
    """Hands the next entries, at most `limit`, to `handle`; the number of them, 0 when there are none.

    What `handle` writes to the database and the step of the cursor are one transaction: both happen or neither does,
    and no two processes handle the same entries. A consumer that is not subscribed begins at the start of the journal.
    """
    with transaction.atomic():
        consumer = hold(name)
        entries = read(consumer.cursor, limit)
        if entries:
            handle(entries)
            consumer.move(entries[-1].cursor)
        return len(entries)


def hold(name: str) -> Consumer:
    """The consumer, locked until the end of the caller's transaction, so that it is moved by one process at a time."""
    consumer, _ = Consumer.objects.select_for_update().get_or_create(name=name)
    return consumer


def lag(name: str, limit: int = 10_000) -> Lag:
    """How far a consumer is behind; entries beyond `limit` are not counted. One that never ran lacks everything."""
    consumer = Consumer.objects.filter(name=name).first()
    waiting = settled().filter(beyond(consumer.cursor if consumer else START))
    oldest = waiting.first()
    return Lag(waiting[:limit].count(), oldest.at) if oldest else Lag(0, None)
