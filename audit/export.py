"""The journal as a file, written while it is read: CSV for spreadsheets, JSON lines for programs."""

import csv
import json
from collections.abc import Callable, Iterator
from datetime import UTC
from io import StringIO
from typing import Any, Literal

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Q

from audit.models import Entry, EntryQuerySet
from audit.selectors import NEWEST_FIRST

BATCH = 200
_FIELDS = tuple(field.name for field in Entry._meta.concrete_fields if field.name != "txid")  # noqa: SLF001
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # What a cell begins with that a spreadsheet would compute.

Format = Literal["csv", "json"]


def rows(entries: EntryQuerySet, form: Format) -> Iterator[str]:
    """The entries as text, the newest first, a batch of lines at a time: however many there are, few are in memory."""
    if form == "csv":
        yield _table([_FIELDS])
    lines: Callable[[list[Entry]], str] = _csv if form == "csv" else json_lines
    for batch in _batches(entries.order_by(*NEWEST_FIRST)):
        yield lines(batch)


def document(entry: Entry) -> dict[str, Any]:
    """All that an entry says, by field."""
    return {name: getattr(entry, name) for name in _FIELDS} | {"at": entry.at.astimezone(UTC).isoformat()}


def json_lines(entries: list[Entry]) -> str:
    """One JSON object a line, in ASCII."""
    return "".join(f"{json.dumps(document(entry), cls=DjangoJSONEncoder)}\n" for entry in entries)


def _csv(entries: list[Entry]) -> str:
    return _table([[_cell(value) for value in document(entry).values()] for entry in entries])


def _table(table: list[Any]) -> str:
    out = StringIO()
    csv.writer(out).writerows(table)
    return out.getvalue()


def _cell(value: Any) -> str:
    """A value as a spreadsheet may show it: never one that it takes for a formula."""
    if value is None:
        return ""
    if isinstance(value, dict | list):
        return json.dumps(value, cls=DjangoJSONEncoder)
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _batches(entries: EntryQuerySet) -> Iterator[list[Entry]]:
    batch = list(entries[:BATCH])
    while batch:
        yield batch
        last = batch[-1]
        # The first condition says no more than the second, but an index can begin there.
        older = Q(at__lte=last.at) & (Q(at__lt=last.at) | Q(at=last.at, id__lt=last.id))
        batch = list(entries.filter(older)[:BATCH]) if len(batch) == BATCH else []
