"""Events as the spool holds them, on their way to becoming journal entries."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
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


def fold(lines: Iterable[bytes]) -> list[Event | None]:
    """One event for all lines that differ only in time and request id, None for lines that are no event.

    Lines are compared before they are read: a cluster that pulls one image writes thousands of the same.
    """
    alike: dict[bytes, list[bytes]] = {}
    for line in lines:
        alike.setdefault(line.partition(b",{")[2] or line, []).append(line)
    return [_folded(group) for group in alike.values()]


def _folded(lines: list[bytes]) -> Event | None:
    ends = [parse(lines[0]), parse(lines[-1])]
    events = [event for event in ends if event]
    count = len(lines)
    if len(events) < len(ends):  # A torn line is among them, so each has to be looked at.
        events = [event for event in map(parse, lines) if event]
        count = len(events)
    if not events:
        return None
    event = events[0]
    event.first, event.last = min(each.first for each in events), max(each.last for each in events)
    event.count = count
    return event


def _event(line: list[Any]) -> Event:
    spooled_at, request_id, fields = line
    given = {"result": "success", **fields, "request_id": request_id}
    texts = {name: given.get(name, "") for name in (*_ORIGIN, *_ABOUT)}
    if not all(isinstance(text, str) for text in texts.values()):
        raise TypeError
    if not all(texts[name] for name in _NEEDED):
        raise ValueError
    at = datetime.fromtimestamp(spooled_at, UTC)
    origin = Origin(**{name: texts[name] for name in _ORIGIN})
    return Event(origin, **{name: texts[name] for name in _ABOUT}, first=at, last=at)
