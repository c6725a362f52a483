"""Events as the spool holds them, on their way to becoming journal entries."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from audit.journal import entry
from audit.models import Entry
from audit.origin import Origin

_ORIGIN = ("actor", "kind", "credential", "address", "user_agent", "request_id")
_ABOUT = ("action", "project", "target", "result", "digest")
_NEEDED = ("actor", "kind", "action")


@dataclass(slots=True)
class Event:
    """What happened `count` times between `first` and `last`."""

    origin: Origin
    action: str
    project: str
    target: str
    result: str
    digest: str
    first: datetime
    last: datetime
    count: int = 1

    @property
    def key(self) -> tuple[object, ...]:
        """What events have in common that are folded into one."""
        return replace(self.origin, request_id=""), self.action, self.project, self.target, self.result, self.digest

    def fold(self, other: "Event") -> None:
        """Counts another event with the same key in."""
        self.first, self.last = min(self.first, other.first), max(self.last, other.last)
        self.count += other.count

    def entry(self) -> Entry:
        """The unsaved journal entry."""
        after = {"digest": self.digest} if self.digest else {}
        if self.count > 1:
            after["last"] = self.last.isoformat()
        return entry(
            self.origin,
            self.action,
            project=self.project,
            target=self.target,
            result=self.result,
            at=self.first,
            count=self.count,
            after=after or None,
        )


def parse(line: bytes) -> Event | None:
    """The event of one spooled line; None if it is none."""
    try:
        return _event(json.loads(line))
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, OSError, RecursionError):
        return None  # A torn line, or anything else that whoever can write to the spool put there.


def fold(events: Iterable[Event]) -> list[Event]:
    """Events with the same key become one; in the order of their first."""
    folded: dict[tuple[object, ...], Event] = {}
    for event in events:
        first = folded.setdefault(event.key, event)
        if first is not event:
            first.fold(event)
    return list(folded.values())


def _event(fields: dict[str, Any]) -> Event:
    given = {"result": "success", **fields}
    texts = {name: given.get(name, "") for name in (*_ORIGIN, *_ABOUT)}
    if not all(isinstance(text, str) for text in texts.values()):
        raise TypeError
    if not all(texts[name] for name in _NEEDED):
        raise ValueError
    at = datetime.fromtimestamp(given["at"], UTC)
    origin = Origin(**{name: texts[name] for name in _ORIGIN})
    return Event(origin, **{name: texts[name] for name in _ABOUT}, first=at, last=at)
