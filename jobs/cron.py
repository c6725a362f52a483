"""Six-field cron expressions as Harbor writes them: seconds first, then the five usual fields, read in UTC."""

import re
from datetime import UTC, datetime, timedelta

FIELDS = 6
LONGEST = 128
HIGHEST = (59, 23, 31, 12, 6)  # Of minute, hour, day of month, month and day of week.
_OPEN_STEP = re.compile(r"(?<![^,])(\w+)/")
_ANY = {"*", "*/1"}


def next_after(expression: str, after: datetime) -> datetime:
    """The first time later than `after` that matches `second minute hour day-of-month month day-of-week`.

    The second is one number, since Celery's parser, which reads the rest, counts in minutes. `?` means `*`, and `5/10`
    means from 5 to the highest number in steps of 10. Where both the day of the month and the day of the week are
    restricted, a day that matches either will do. Raises `ValueError` for anything else.
    """
    if len(expression) > LONGEST:
        raise ValueError(f"A cron expression has at most {LONGEST} characters.")
    fields = expression.replace("?", "*").split()
    if len(fields) != FIELDS:
        raise ValueError(
            f"Cron {expression!r} has {len(fields)} fields: it takes six, seconds first, as in 0 30 2 * * *."
        )
    second = fields[0]
    if not (second.isdecimal() and int(second) in range(60)):
        raise ValueError(f"Cron {expression!r} begins with {second!r}: the second is one number from 0 to 59.")
    offset = timedelta(seconds=int(second))
    minute, hour, day_of_month, month, day_of_week = (
        _OPEN_STEP.sub(rf"\1-{highest}/", field) for field, highest in zip(fields[1:], HIGHEST, strict=True)
    )
    days = [(day_of_month, "*"), ("*", day_of_week)]
    if _is_any(day_of_month) or _is_any(day_of_week):
        days = [(day_of_month, day_of_week)]
    try:
        return min(_next(minute, hour, *day, month, after.astimezone(UTC) - offset) for day in days) + offset
    except ValueError as error:
        raise ValueError(f"Cron {expression!r} cannot be read: {error}") from None


def _next(minute: str, hour: str, day_of_month: str, day_of_week: str, month: str, after: datetime) -> datetime:
    """The first minute later than `after` that matches all five. Raises `ValueError`."""
    from celery.schedules import ParseException, crontab  # Late, because most processes that load this never need it.

    try:
        start, delta, _ = crontab(minute, hour, day_of_week, day_of_month, month).remaining_delta(after, tz="UTC")
    except ParseException as error:
        raise ValueError(str(error)) from None
    found: datetime = start + delta
    return found.astimezone(UTC)


def _is_any(field: str) -> bool:
    return not _ANY.isdisjoint(field.split(","))
