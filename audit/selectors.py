"""The journal as people read it: narrowed by who, what, where and when, the newest first.

The order is that of the time at which things happened, `-at, -id`: every index of entries ends with it, so that a range
of time costs no more than a page of it. Pulls, which are recorded a little later, stand where they belong.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from audit.models import Entry, EntryQuerySet

NEWEST_FIRST = ("-at", "-id")


def entries(
    *,
    actor: str = "",
    actions: Collection[str] | None = None,
    projects: Collection[str] | None = None,
    target: str = "",
    result: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> EntryQuerySet:
    """The entries that meet every condition given. `target` is a part of the target's name; `until` is excluded."""
    conditions: dict[str, Any] = {
        "actor": actor or None,
        "action__in": None if actions is None else list(actions),
        "project__in": None if projects is None else list(projects),
        "target__contains": target or None,
        "result": result or None,
        "at__gte": since,
        "at__lt": until,
    }
    given = {name: value for name, value in conditions.items() if value is not None}
    return Entry.objects.filter(**given).order_by(*NEWEST_FIRST)
