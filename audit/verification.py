"""Checks the journal against its seals."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import zip_longest

from audit.cursor import START, Cursor
from audit.functions import beyond
from audit.journal import read, settled
from audit.models import Consumer, Entry, Seal
from audit.sealing import CONSUMER, GENESIS, entry_digest, is_whole, marks, outline

SEALS_PER_PAGE = 20


class BrokenError(Exception):
    """The journal is not what was sealed; the message names the first place."""


@dataclass(slots=True)
class Report:
    """What was verified. `broken` names the first seal and entry that are not as sealed; None: the journal is whole."""

    seals: int = 0
    entries: int = 0
    purged: int = 0  # Entries that were sealed and have been purged since.
    unsealed: int = 0  # Entries after the last seal that is whole.
    head: str = GENESIS  # Digest of the last seal: who notes it elsewhere can later show that it is still there.
    broken: str | None = None


def verify(expect: str = "", progress: Callable[[int], None] = lambda _entries: None) -> Report:
    """Recomputes every seal in turn and stops at the first that is broken.

    Finds entries changed, removed, inserted or reordered and seals changed or removed. Someone who can write to the
    database may still cut off the end of the journal, seals included: give a digest noted earlier as `expect` to find
    that too. `progress` is called with the number of entries verified so far. Takes constant memory. Entries that were
    purged are counted: the seals of their stretches stay, and cover what is left.
    """
    return _Verifier(expect, progress).run()


@dataclass
class _Verifier:
    expect: str
    progress: Callable[[int], None]
    report: Report = field(default_factory=Report)
    end: Cursor = START

    def run(self) -> Report:
        # Read first, because a seal made while this runs moves it.
        consumer = Consumer.objects.filter(name=CONSUMER).first()
        try:
            self._check_all(consumer.cursor if consumer else START)
        except BrokenError as error:
            self.report.broken = str(error)
        self.report.unsealed = settled().filter(beyond(self.end)).count()
        return self.report

    def _check_all(self, sealed_up_to: Cursor) -> None:
        seen = not self.expect
        for seal in _seals():
            self._check(seal)
            seen = seen or seal.digest == self.expect
            self.progress(self.report.entries)
        if sealed_up_to > self.end:
            raise BrokenError(f"the seals after number {self.report.seals} are missing")
        if not seen:
            raise BrokenError("no seal has the expected digest")

    def _check(self, seal: Seal) -> None:
        if seal.number != self.report.seals + 1:
            raise BrokenError(f"seal {self.report.seals + 1} is missing")
        entries = stretch(seal, self.end)
        while not is_whole(seal, entries):
            before = seal.purged
            seal.refresh_from_db()
            if seal.purged == before:  # Otherwise a purge came between reading the seal and reading its entries.
                raise BrokenError(f"seal {seal.number} is broken: {_difference(seal.outline, entries)}")
            entries = stretch(seal, self.end)
        if seal.previous != self.report.head:
            raise BrokenError(f"seal {seal.number} does not follow on the seal before it")
        self.report.seals, self.report.head, self.end = seal.number, seal.digest, seal.last
        self.report.entries += len(entries)
        self.report.purged += seal.purged


def stretch(seal: Seal, after: Cursor) -> list[Entry]:
    """The entries that a seal covers, given the end of the seal before; one too many where any were added."""
    return [entry for entry in read(after, len(marks(seal.outline)) + 1) if entry.cursor <= seal.last]


def _seals() -> Iterator[Seal]:
    number = START.txid
    while page := list(Seal.objects.filter(number__gt=number).order_by("number")[:SEALS_PER_PAGE]):
        yield from page
        number = page[-1].number


def _difference(sealed: bytes | memoryview, found: list[Entry]) -> str:
    """What happened to the entries since they were sealed, told of the first that differs."""
    before, now = marks(sealed), marks(outline(found, [entry_digest(entry) for entry in found]))
    for was, entry in zip_longest(before, now):
        if was == entry:
            continue
        if entry and entry[0] not in dict(before):
            return f"entry {entry[0]} was inserted"
        if was and was[0] not in dict(now):
            return f"entry {was[0]} is missing"
        if was and entry and was[0] != entry[0]:
            return f"entry {entry[0]} was moved"
        return f"entry {(was or entry)[0]} was changed"
    return "the seal itself was changed, or made with another secret key"
