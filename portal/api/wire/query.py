"""The query language of lists: `q=name=~app,creation_time=[2026-01-01~],id={1 2}` and `sort=-name`.

Each list declares a table of the `Field`s it can be asked for. What a table does not have is ignored, as Harbor's
clients expect; what cannot be read is refused.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus

from django.db.models import QuerySet
from django.utils.dateparse import parse_datetime
from rest_framework.request import Request

from portal.errors import Invalid

LONGEST = 4096
MOST_CONDITIONS = 20
_BIGGEST = 2**63 - 1
# Commas part conditions, unless they stand inside a list or a range.
_CONDITION = re.compile(r"(?:\[[^\]]*\]|\{[^}]*\}|\([^)]*\)|[^,])+")
_ITEM = re.compile(r'"([^"]*)"|\'([^\']*)\'|(\S+)')
_NEW_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_TRUTH = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class Condition:
    """What one key is asked for: `operator` is exact, fuzzy, range, any or all; of a range's two values one may be empty."""

    key: str
    operator: str
    values: tuple[str, ...]


def text(value: str) -> str:
    """A text as it stands."""
    return value


def number(value: str) -> int:
    """A whole number. Raises ValueError."""
    found = int(value)
    if abs(found) > _BIGGEST:
        raise ValueError
    return found


def boolean(value: str) -> bool:
    """True or false. Raises ValueError."""
    if value.lower() not in _TRUTH:
        raise ValueError
    return _TRUTH[value.lower()]


def moment(value: str) -> datetime:
    """A time such as `2026-11-24T15:04:05`, in UTC unless it says otherwise, or seconds since 1970. Raises ValueError."""
    if value.isdecimal():
        return _from_seconds(int(value))
    found = parse_datetime(value) or parse_datetime(f"{value} 00:00:00")
    if found is None:
        raise ValueError
    try:  # Near both ends of the calendar a time may be in UTC what no date can be.
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except OverflowError as error:
        raise ValueError from error


def _from_seconds(seconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError) as error:
        raise ValueError from error


Narrow = Callable[[QuerySet[Any], Condition], QuerySet[Any]]


@dataclass(frozen=True, slots=True)
class Field:
    """One key of a list: the column behind it and how its values are read.

    `narrow` replaces the comparison with a column for keys that have none; such keys cannot be sorted by.
    """

    column: str = ""
    read: Callable[[str], Any] = text
    narrow: Narrow | None = None


Fields = Mapping[str, Field]


def conditions(q: str) -> list[Condition]:
    """The conditions of a `q`, one for each key: the last that it has. Raises Invalid."""
    if len(q) > LONGEST or "\0" in q:
        raise Invalid(f"q takes at most {LONGEST} characters, and no NUL.")
    # Clients escape its values once more than the URL needs.
    parts = [part.strip() for part in _CONDITION.findall(unquote_plus(q)) if part.strip()]
    if len(parts) > MOST_CONDITIONS:
        raise Invalid(f"q takes at most {MOST_CONDITIONS} conditions.")
    return list({found.key: found for found in map(_condition, parts)}.values())


def _condition(part: str) -> Condition:
    key, equals, value = part.partition("=")
    if not (key and equals and value):
        raise Invalid(f"q: {part!r} is not key=value.")
    key = _name_of(key)
    if value[0] == "~":
        if value == "~":
            raise Invalid(f"q: {part!r} lacks the part to look for.")
        return Condition(key, "fuzzy", (_unescaped(value[1:]),))
    if value[0] == "[" and value[-1] == "]":
        low, tilde, high = value[1:-1].partition("~")
        bounds = (_unquoted(low), _unquoted(high))
        if not tilde or not any(bounds):
            raise Invalid(f"q: {part!r} is not a range [from~to], [from~] or [~to].")
        return Condition(key, "range", bounds)
    for operator, opening, closing in (("any", "{", "}"), ("all", "(", ")")):
        if value[0] == opening and value[-1] == closing:
            return Condition(key, operator, tuple("".join(found) for found in _ITEM.findall(value[1:-1])))
    if value[0] in "[{(":
        raise Invalid(f"q: the bracket in {part!r} is not closed.")
    return Condition(key, "exact", (_unescaped(value),))


def _name_of(key: str) -> str:
    """A key as lists know it: Harbor's clients may also say `ProjectID` for `project_id`."""
    return _NEW_WORD.sub("_", key).lower()


def _unescaped(value: str) -> str:
    return value.removeprefix("\\")


def _unquoted(value: str) -> str:
    return value.strip().strip("\"'")


def asked(request: Request, rows: QuerySet[Any], fields: Fields, default: tuple[str, ...]) -> QuerySet[Any]:
    """The rows that a request asks for by `q`, ordered as its `sort` says or else as `default`. Raises Invalid."""
    query = request.query_params
    return order(narrow(rows, query.get("q", ""), fields), query.get("sort", ""), fields, default)


def narrow(rows: QuerySet[Any], q: str, fields: Fields) -> QuerySet[Any]:
    """The rows that meet every condition of `q`. Raises Invalid."""
    for condition in conditions(q):
        field = fields.get(condition.key)
        if field is None:
            continue
        try:
            rows = (field.narrow or compare(field))(rows, condition)
        except ValueError:
            raise Invalid(f"q: {condition.key} cannot be compared with {' '.join(condition.values)!r}.") from None
    return rows


def compare(field: Field) -> Narrow:
    """The comparison of a key with its column, as `narrow` makes it for keys that have one."""

    def compared(rows: QuerySet[Any], condition: Condition) -> QuerySet[Any]:
        values = condition.values
        match condition.operator:
            case "exact":
                return rows.filter(**{field.column: field.read(values[0])})
            case "fuzzy" if field.read is text:
                return rows.filter(**{f"{field.column}__icontains": values[0]})
            case "any":
                return rows.filter(**{f"{field.column}__in": [field.read(value) for value in values]})
            case "range":
                bounds = zip(("gte", "lte"), values, strict=True)
                return rows.filter(**{f"{field.column}__{end}": field.read(value) for end, value in bounds if value})
            case _:
                raise Invalid(
                    f"q: {condition.key} takes one value, a range [from~to] or alternatives {{a b}}; ~ and a part if it is a text."
                )

    return compared


def order(rows: QuerySet[Any], sort: str, fields: Fields, default: tuple[str, ...]) -> QuerySet[Any]:
    """The rows in the order asked for, or else in the default one; the primary key decides between equals."""
    wanted = [_name_of(name.strip()) for name in sort.split(",")]
    known = [(name[:1] == "-", fields[name.lstrip("-")]) for name in wanted if name.lstrip("-") in fields]
    columns = [f"{'-' if down else ''}{field.column}" for down, field in known if field.column] or list(default)
    if not {"pk", "-pk"} & set(columns):
        columns.append("-pk" if columns[-1].startswith("-") else "pk")
    return rows.order_by(*columns)
