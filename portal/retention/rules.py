"""The rules of retention: what they look like, and which artifacts each of them keeps.

An artifact stays if any rule keeps it. `TEMPLATES` is the table of what a rule can say. Two things protect what nobody
has had the time to pull yet: the days since the last pull count from the push as long as there was no pull, and
`latestPulledN`, for which an artifact that was never pulled is older than any other, leaves alone what was pushed less
than a day ago.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from portal.errors import Conflict, Invalid
from portal.immutability.patterns import checked_scope, checked_tags, covers, fits_tag, takes_untagged

MOST = 15
LARGEST = 100_000  # Of anything, artifacts or days.
GRACE = timedelta(days=1)
ACTION = "retain"

Rule = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Candidate:
    """An artifact that a run decides about. It was last pushed or pulled when one of its tags was, if that was later."""

    id: int
    digest: str
    pushed_at: datetime
    pulled_at: datetime | None
    tags: tuple[str, ...]

    @property
    def active_at(self) -> datetime:
        """When it was last pushed or pulled."""
        return max(self.pushed_at, self.pulled_at or self.pushed_at)


Keep = Callable[[Sequence[Candidate], int, datetime], Sequence[Candidate]]


def _newest(when: Callable[[Candidate], datetime]) -> Keep:
    return lambda found, count, _now: sorted(found, key=lambda one: (when(one), one.id), reverse=True)[:count]


def _within(when: Callable[[Candidate], datetime]) -> Keep:
    return lambda found, days, now: [one for one in found if when(one) >= now - timedelta(days=days)]


def _latest_pulled(found: Sequence[Candidate], count: int, now: datetime) -> list[Candidate]:
    def rank(one: Candidate) -> tuple[bool, datetime, int]:
        return one.pulled_at is not None, one.pulled_at or one.pushed_at, one.id

    ranked = sorted(found, key=rank, reverse=True)
    young = [one for one in ranked[count:] if one.pulled_at is None and one.pushed_at >= now - GRACE]
    return ranked[:count] + young


@dataclass(frozen=True, slots=True)
class Template:
    """A kind of rule: how it reads with # for its number, the number's unit (none: it has no number), what it keeps.

    pulls: whether it counts on knowing who pulled what. shown: whether clients are told that there is such a rule.
    """

    text: str
    unit: str
    keep: Keep
    pulls: bool = False
    shown: bool = True


TEMPLATES = {
    "latestPushedK": Template("the # artifacts pushed last", "COUNT", _newest(lambda one: one.pushed_at)),
    "latestPulledN": Template("the # artifacts pulled last", "COUNT", _latest_pulled, pulls=True),
    "nDaysSinceLastPush": Template("what was pushed in the last # days", "DAYS", _within(lambda one: one.pushed_at)),
    "nDaysSinceLastPull": Template(
        "what was pulled in the last # days", "DAYS", _within(lambda one: one.pulled_at or one.pushed_at), pulls=True
    ),
    "always": Template("everything", "", lambda found, _count, _now: found),
    "latestActiveK": Template(
        "the # artifacts used last", "COUNT", _newest(lambda one: one.active_at), pulls=True, shown=False
    ),
    "lastXDays": Template("what was pushed in these # days", "DAYS", _within(lambda one: one.pushed_at), shown=False),
}


def checked(rules: Sequence[Rule]) -> list[dict[str, Any]]:
    """The rules as they are kept. Raises Invalid, or Conflict when one is there twice."""
    if len(rules) > MOST:
        raise Invalid(f"A retention policy has at most {MOST} rules.")
    kept: list[dict[str, Any]] = []
    for number, rule in enumerate(rules, 1):
        full = _checked(rule)
        if full in kept:
            raise Conflict(f"Rule {number} is the same as rule {kept.index(full) + 1}.")
        kept.append(full)
    return [rule | {"id": number} for number, rule in enumerate(kept, 1)]


def applying(rules: Sequence[Rule], repository: str) -> list[Rule]:
    """The rules about the repository, whose name comes without the project."""
    return [rule for rule in rules if not rule["disabled"] and covers(rule["scope_selectors"], repository)]


def retained(rules: Sequence[Rule], candidates: Sequence[Candidate], now: datetime) -> dict[int, str]:
    """The ids of the artifacts to keep, each with the first rule that keeps it, in words."""
    kept: dict[int, str] = {}
    for rule in rules:
        template = TEMPLATES[rule["template"]]
        meant = [one for one in candidates if _selects(rule, one)]
        number = rule["params"].get(rule["template"], 0)
        reason = f"rule {rule['id']}: {template.text.replace('#', str(number))}"
        for one in template.keep(meant, number, now):
            kept.setdefault(one.id, reason)
    return kept


def _selects(rule: Rule, candidate: Candidate) -> bool:
    """Whether one tag, or its having none, makes the artifact one that each selector means."""
    return all(
        any(fits_tag(selector, tag) for tag in candidate.tags) if candidate.tags else takes_untagged(selector)
        for selector in rule["tag_selectors"]
    )


def _checked(rule: Rule) -> dict[str, Any]:
    template = TEMPLATES.get(rule["template"])
    if template is None:
        raise Invalid(f"The template of a rule is one of {', '.join(TEMPLATES)}.")
    if rule["action"] != ACTION:
        raise Invalid(f"The action of a rule is {ACTION}.")
    return {
        "action": ACTION,
        "template": rule["template"],
        "params": {rule["template"]: _number(rule)} if template.unit else {},
        "disabled": rule["disabled"],
        "priority": rule["priority"],
        "tag_selectors": checked_tags(rule["tag_selectors"]),
        "scope_selectors": checked_scope(rule["scope_selectors"]),
    }


def _number(rule: Rule) -> int:
    number = (rule["params"] or {}).get(rule["template"])
    if type(number) is not int or not 0 <= number <= LARGEST:
        raise Invalid(f"{rule['template']} takes a whole number from 0 to {LARGEST}, in params under its own name.")
    return number
