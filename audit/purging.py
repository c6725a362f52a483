"""Removes old entries, and leaves a journal that can still be verified.

A stretch of the journal that was sealed is purged as one: it must be whole, the seal keeps its place in the chain, and
what is left of its entries is sealed anew. What is not sealed, or what a consumer has still to read, stays.
"""

from collections.abc import Callable, Collection
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from audit.consumers import moved_least
from audit.cursor import START, Cursor
from audit.functions import beyond
from audit.journal import record, settled
from audit.models import Entry, EntryQuerySet, Seal
from audit.origin import Origin
from audit.sealing import is_whole, reseal
from audit.verification import BrokenError, stretch


def purge(
    before: datetime,
    *,
    origin: Origin,
    actions: Collection[str] | None = None,
    dry_run: bool = False,
    progress: Callable[[int], None] = lambda _purged: None,
) -> int:
    """Deletes the entries written earlier than `before`, of these actions or of all; how many went, or would go.

    Works in small transactions, one for each seal, between which `progress` is told how many have gone, and may raise
    to end it. The journal tells that a purge began, with its first deletion, and what it has removed in the end.
    Raises BrokenError where a stretch is not as it was sealed: evidence is not deleted.
    """
    wanted = settled().filter(at__lt=before)
    if actions is not None:
        wanted = wanted.filter(action__in=list(actions))
    if dry_run:
        return _readable(wanted).count()
    run = _Purge(wanted, origin, {"before": before, "actions": None if actions is None else sorted(actions)})
    try:
        while run.step():
            progress(run.purged)
    finally:
        run.finish()
    return run.purged


class _Purge:
    """A purge on its way through the journal."""

    def __init__(self, wanted: EntryQuerySet, origin: Origin, asked: dict[str, object]) -> None:
        self.purged = 0
        self._wanted, self._origin, self._asked = wanted, origin, asked
        self._done = START

    def step(self) -> bool:
        """Purges the next stretch that holds any of what is wanted; False if there is none."""
        first = _readable(self._wanted).filter(beyond(self._done)).first()
        if first is None:
            return False
        with transaction.atomic():
            seal = _seal_over(first.cursor)
            if seal is None:
                return False
            going = self._purge(seal)
        self.purged += going
        self._done = seal.last
        return True

    def finish(self) -> None:
        """Tells the journal what was removed."""
        if self.purged:
            with transaction.atomic():
                record(self._origin, "audit.purge", target="journal", after=self._asked | {"purged": self.purged})

    def _purge(self, seal: Seal) -> int:
        entries = stretch(seal, _end_before(seal))
        if not is_whole(seal, entries):
            raise BrokenError(
                f"seal {seal.number} is broken, so nothing under it is purged: see `manage.py audit verify`"
            )
        going = set(_readable(self._wanted).filter(pk__in=[entry.pk for entry in entries]).values_list("pk", flat=True))
        if not going:  # Another purge was faster.
            return 0
        if not self.purged:
            record(self._origin, "audit.purge", target="journal", after=self._asked, result="started")
        reseal(seal, [entry for entry in entries if entry.pk not in going], len(going))
        QuerySet(Entry).filter(pk__in=going).delete()  # The queryset of entries refuses.
        return len(going)


def _readable(entries: EntryQuerySet) -> EntryQuerySet:
    """Those of the entries that every consumer, the sealer included, has read."""
    return entries.exclude(beyond(moved_least()))


def _seal_over(cursor: Cursor) -> Seal | None:
    """The seal of the entry at `cursor`, locked."""
    # Two searches of the index: SQLite would walk it to compare both columns at once.
    seals = Seal.objects.select_for_update().order_by("last_txid", "last_id")
    return (
        seals.filter(last_txid=cursor.txid, last_id__gte=cursor.id).first()
        or seals.filter(last_txid__gt=cursor.txid).first()
    )


def _end_before(seal: Seal) -> Cursor:
    """Where the stretch before a seal's ends."""
    before = Seal.objects.filter(number=seal.number - 1).first()
    return before.last if before else START
