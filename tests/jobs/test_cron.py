"""When a cron expression comes round."""

from datetime import UTC, datetime

import pytest

from jobs.cron import next_after

MOMENT = datetime(2026, 2, 27, 22, 30, 15, tzinfo=UTC)  # A Friday.


@pytest.mark.parametrize(
    ("expression", "then"),
    [
        ("0 * * * * *", datetime(2026, 2, 27, 22, 31, tzinfo=UTC)),
        ("20 * * * * *", datetime(2026, 2, 27, 22, 30, 20, tzinfo=UTC)),
        ("15 30 22 * * *", datetime(2026, 2, 28, 22, 30, 15, tzinfo=UTC)),
        ("0 0 0 * * *", datetime(2026, 2, 28, tzinfo=UTC)),
        ("0 0 0 * * 0", datetime(2026, 3, 1, tzinfo=UTC)),
        ("0 0 0 ? * MON-FRI", datetime(2026, 3, 2, tzinfo=UTC)),
        ("0 */15 8-18 * * *", datetime(2026, 2, 28, 8, tzinfo=UTC)),
        ("0 0 3 1 * *", datetime(2026, 3, 1, 3, tzinfo=UTC)),
        ("59 59 23 31 12 *", datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("0 0 0 29 2 *", datetime(2028, 2, 29, tzinfo=UTC)),
        ("0 0 0 1 jan *", datetime(2027, 1, 1, tzinfo=UTC)),
        # Where both are restricted, a day matches by its month or by its week.
        ("0 0 0 15 * MON", datetime(2026, 3, 2, tzinfo=UTC)),
        ("0 0 0 28 * MON", datetime(2026, 2, 28, tzinfo=UTC)),
        ("0 0 0 1-10/5 * ?", datetime(2026, 3, 1, tzinfo=UTC)),
        ("0 0 0 */30 * SAT", datetime(2026, 2, 28, tzinfo=UTC)),
        ("0 0 0 */1 * MON", datetime(2026, 3, 2, tzinfo=UTC)),
        # A step from a number goes on to the highest one.
        ("0 50/4 * * * *", datetime(2026, 2, 27, 22, 50, tzinfo=UTC)),
        ("0 3,40/15 * * * *", datetime(2026, 2, 27, 22, 40, tzinfo=UTC)),
        ("0 0 5/20 * * *", datetime(2026, 2, 28, 5, tzinfo=UTC)),
        ("0 0 0 10/7 * *", datetime(2026, 3, 10, tzinfo=UTC)),
        ("0 0 0 1 mar/6 *", datetime(2026, 3, 1, tzinfo=UTC)),
        ("0 0 0 * * MON/3", datetime(2026, 3, 2, tzinfo=UTC)),
    ],
)
def test_the_next_time_is_the_first_later_match(expression, then):
    assert next_after(expression, MOMENT) == then


def test_times_follow_each_other_without_a_gap():
    moment, seen = MOMENT, []
    for _ in range(6):
        moment = next_after("30 0,30 */12 * * *", moment)
        seen.append(f"{moment:%d %H:%M:%S}")
    assert seen == ["28 00:00:30", "28 00:30:30", "28 12:00:30", "28 12:30:30", "01 00:00:30", "01 00:30:30"]


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ("* * * * *", "has 5 fields: it takes six"),
        ("", "has 0 fields"),
        ("* * * * * *", "the second is one number"),
        ("60 * * * * *", "the second is one number"),
        ("0 60 * * * *", "cannot be read"),
        ("0 x * * * *", "cannot be read"),
        ("0 */0 * * * *", "cannot be read"),
        ("0 60/5 * * * *", "cannot be read"),
        ("0 5/0 * * * *", "cannot be read"),
        ("0 , * * * *", "cannot be read"),
        ("0 - * * * *", "cannot be read"),
        ("0 0 0 30 2 *", "cannot be read"),
    ],
)
def test_what_never_comes_or_means_nothing_is_refused(expression, complaint):
    with pytest.raises(ValueError, match=complaint):
        next_after(expression, MOMENT)
