"""Six-field cron expressions as Harbor writes them: seconds first, then the five usual fields, read in UTC."""

from datetime import UTC, datetime, timedelta

FIELDS = 6
LONGEST = 128


def next_after(expression: str, after: datetime) -> datetime:
    """The first time later than `after` that matches `second minute hour day-of-month month day-of-week`.

    The second is one number, since Celery's parser, which reads the rest, counts in minutes. `?` means `*`.
    A day must match both the day of the month and the day of the week. Raises `ValueError` for anything else.
    """
    from celery.schedules import ParseException, crontab  # Late, because most processes that load this never need it.

    if len(expression) > LONGEST:
        raise ValueError(f"A cron expression has at most {LONGEST} characters.")
    fields = expression.replace("?", "*").split()
    if len(fields) != FIELDS:
        raise ValueError(
            f"Cron {expression!r} has {len(fields)} fields: it takes six, seconds first, as in 0 30 2 * * *."
        )
    second, minute, hour, day_of_month, month, day_of_week = fields
    if not (second.isdecimal() and int(second) in range(60)):
        raise ValueError(f"Cron {expression!r} begins with {second!r}: the second is one number from 0 to 59.")
    try:
        minutes = crontab(minute, hour, day_of_week, day_of_month, month)
    except (ValueError, ParseException) as error:
        raise ValueError(f"Cron {expression!r} cannot be read: {error}") from None
    offset = timedelta(seconds=int(second))
    start, delta, _ = minutes.remaining_delta(after.astimezone(UTC) - offset, tz="UTC")
    found: datetime = start + delta
    return found.astimezone(UTC) + offset
