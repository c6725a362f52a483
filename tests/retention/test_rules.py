from datetime import UTC, datetime, timedelta

import pytest

from portal.errors import Conflict, Invalid
from portal.retention.rules import MOST, Candidate, checked, retained
from tests.retention.conftest import rule, selectors

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def ago(days: float | None) -> datetime | None:
    return None if days is None else NOW - timedelta(days=days)


def artifact(number: int, *tags: str, pushed: float, pulled: float | None = None) -> Candidate:
    return Candidate(number, f"sha256:{number}", ago(pushed), ago(pulled), tags)


# By number: pushed and pulled so many days ago.
ARTIFACTS = [
    artifact(1, "v1", pushed=40, pulled=1),
    artifact(2, "v2", pushed=30, pulled=20),
    artifact(3, "v3", "stable", pushed=20),
    artifact(4, pushed=10),
    artifact(5, "latest", pushed=0.5),
]


@pytest.mark.parametrize(
    ("rules", "kept"),
    [
        ([rule("latestPushedK", 2)], {4, 5}),
        ([rule("latestPushedK", 0)], set()),
        ([rule("latestPushedK", 99)], {1, 2, 3, 4, 5}),
        ([rule("latestPushedK", 2, tags="v*")], {3, 4}),
        ([rule("latestPushedK", 2, tag_selectors=selectors("matches", "v*", '{"untagged":false}'))], {2, 3}),
        ([rule("latestPushedK", 9, tag_selectors=selectors("excludes", "v*", '{"untagged":true}'))], {3, 5}),
        ([rule("latestPulledN", 1)], {1, 5}),
        ([rule("latestPulledN", 3)], {1, 2, 5}),
        ([rule("nDaysSinceLastPush", 25)], {3, 4, 5}),
        ([rule("nDaysSinceLastPull", 15)], {1, 4, 5}),
        ([rule("always", tags="stable", tag_selectors=selectors("matches", "stable", '{"untagged":false}'))], {3}),
        ([rule("latestActiveK", 2)], {1, 5}),
        ([rule("lastXDays", 25)], {3, 4, 5}),
        ([rule("latestPushedK", 1), rule("latestPulledN", 1)], {1, 5}),
        ([], set()),
    ],
)
def test_an_artifact_stays_if_any_rule_keeps_it(rules, kept):
    assert set(retained(checked(rules), ARTIFACTS, NOW)) == kept


def test_the_reason_names_the_first_rule_that_keeps_an_artifact():
    reasons = retained(checked([rule("latestPushedK", 1), rule("always")]), ARTIFACTS, NOW)
    assert reasons[5] == "rule 1: the 1 artifacts pushed last"
    assert reasons[1] == "rule 2: everything"


def test_artifacts_pushed_at_one_instant_are_told_apart():
    twins = [artifact(number, pushed=1) for number in range(4)]
    assert set(retained(checked([rule("latestPushedK", 2)]), twins, NOW)) == {2, 3}


@pytest.mark.parametrize(
    "change",
    [
        {"template": "newestMoon"},
        {"action": "dance"},
        {"params": {}},
        {"params": {"latestPushedK": "1"}},
        {"params": {"latestPushedK": True}},
        {"params": {"latestPushedK": 1.5}},
        {"params": {"latestPushedK": -1}},
        {"params": {"latestPushedK": 10**30}},
        {"tag_selectors": []},
        {"tag_selectors": selectors("matches", "[")},
        {"scope_selectors": {}},
    ],
)
def test_what_is_no_rule_is_refused(change):
    with pytest.raises(Invalid):
        checked([rule("latestPushedK", 1) | change])


def test_a_policy_has_each_rule_once_and_not_too_many():
    with pytest.raises(Conflict):
        checked([rule("latestPushedK", 1), rule("always"), rule("latestPushedK", 1)])
    with pytest.raises(Invalid):
        checked([rule("latestPushedK", number) for number in range(MOST + 1)])
