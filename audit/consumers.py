"""Readers of the journal that remember by name how far they have come."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from audit.cursor import START, Cursor
from audit.functions import beyond
from audit.journal import read, settled
from audit.models import Consumer, Entry, EntryQuerySet

Handle = Callable[[list[Entry]], int | None]
"""Is given entries, at least one; gives how many of them it took, at least one, or None for all. The rest come again."""

LEASE = timedelta(seconds=60)  # How long `deliver` may take before another process begins the same entries.


@dataclass(frozen=True, slots=True)
class Lag:
    """What a consumer has still to read."""

    entries: int  # Counted up to a limit.
    since: datetime | None  # When the oldest of them was written; None if there are none.


def subscribe(name: str, cursor: Cursor = START) -> None:
    """Makes a consumer that begins after `cursor`, or `journal.head()` for what is to come; leaves an existing one."""
    Consumer.objects.get_or_create(name=name, defaults={"txid": cursor.txid, "last_id": cursor.id})


def subscribed(name: str) -> bool:
    """Whether there is a consumer of that name."""
    return Consumer.objects.filter(name=name).exists()


def advance(name: str, handle: Handle, limit: int = 500) -> int:
    """Hands the next entries, at most `limit`, to `handle`; how many it took, 0 when there are none.

    What `handle` writes to the database and the step of the cursor are one transaction: both happen or neither does,
    and no two processes handle the same entries. A consumer that is not subscribed begins at the start of the journal.
    """
    with transaction.atomic():
        consumer = hold(name)
        entries = read(consumer.cursor, limit)
        if entries:
            entries = entries[: handle(entries)]
            consumer.move(entries[-1].cursor)
        return len(entries)


def deliver(name: str, send: Handle, limit: int = 500) -> int:
    """Hands the next entries to `send`, which takes them out of the database, each at least once; how many it took.

    `send` runs outside of any transaction, and the cursor moves once it has returned: if it raises, or the process
    dies, the same entries come again. While one process sends, others are given nothing; but one that takes longer
    than `LEASE` is taken for dead, and both may send the same entries. 0 when there are none or another one sends.
    """
    token = secrets.token_hex(8)
    Consumer.objects.get_or_create(name=name)
    ours = Consumer.objects.filter(name=name, holder=token)
    if not _free(name).update(holder=token, held_until=Now() + LEASE):
        return 0
    try:
        entries = read(ours.get().cursor, limit)
        if entries:
            entries = entries[: send(entries)]
            end = entries[-1].cursor
            ours.update(txid=end.txid, last_id=end.id, moved_at=Now())
        return len(entries)
    finally:
        ours.update(holder="", held_until=None)


def hold(name: str) -> Consumer:
    """The consumer, locked until the end of the caller's transaction, so that it is moved by one process at a time."""
    consumer, _ = Consumer.objects.select_for_update().get_or_create(name=name)
    return consumer


def behind(name: str) -> bool:
    """Whether a consumer has anything to read."""
    return _waiting(name).exists()


def lag(name: str, limit: int = 10_000) -> Lag:
    """How far a consumer is behind; entries beyond `limit` are not counted. One that never ran lacks everything."""
    waiting = _waiting(name)
    oldest = waiting.first()
    return Lag(waiting[:limit].count(), oldest.at) if oldest else Lag(0, None)


def moved_least() -> Cursor:
    """How far every consumer has read."""
    return min((consumer.cursor for consumer in Consumer.objects.all()), default=START)


def _waiting(name: str) -> EntryQuerySet:
    consumer = Consumer.objects.filter(name=name).first()
    return settled().filter(beyond(consumer.cursor if consumer else START))


def _free(name: str) -> QuerySet[Consumer]:
    """The consumer, unless somebody sends its entries."""
    return Consumer.objects.filter(Q(holder="") | Q(held_until__lt=Now()), name=name)
