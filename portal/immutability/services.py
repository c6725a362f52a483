"""What can be done to immutable rules. Each verb validates, changes and journals in one transaction."""

import hashlib
import json
from typing import Any

from django.db import transaction

from audit.journal import record
from audit.origin import Origin
from portal.errors import Invalid
from portal.immutability.models import ImmutableRule
from portal.immutability.patterns import Scope, Selector, checked_scope, checked_tags
from portal.projects.models import Project
from portal.projects.services import project_held
from portal.rows import locked, once
from registry.oci import patterns

MOST = 100  # Every push that moves a tag looks at all rules of the project,
COST_LIMIT = 50_000  # and tries all of their patterns on it, while it holds its locks.


@transaction.atomic
def immutable_rule_create(
    *,
    project: Project,
    tag_selectors: list[Selector],
    scope_selectors: Scope,
    disabled: bool,
    priority: int,
    origin: Origin,
) -> ImmutableRule:
    """A new rule of the project. Raises Invalid, Missing, or Conflict when there is the same one already."""
    project = project_held(project)
    if project.immutable_rules.count() >= MOST:
        raise Invalid(f"A project has at most {MOST} immutable rules.")
    rule = ImmutableRule(project=project, disabled=disabled, priority=priority)
    _select(rule, tag_selectors, scope_selectors)
    _save(rule)
    record(origin, "immutablerule.create", project=project.name, target=_target(rule), after=_told(rule))
    return rule


@transaction.atomic
def immutable_rule_update(
    *,
    rule: ImmutableRule,
    tag_selectors: list[Selector],
    scope_selectors: Scope,
    disabled: bool,
    priority: int,
    origin: Origin,
) -> ImmutableRule:
    """Replaces the rule. Raises Invalid, Missing, or Conflict when there is another such rule."""
    project_held(rule.project)  # The sum of what its rules cost must not change meanwhile.
    rule = locked(rule, "project__namespace")
    before = _told(rule)
    rule.disabled, rule.priority = disabled, priority
    _select(rule, tag_selectors, scope_selectors)
    _save(rule)
    record(
        origin,
        "immutablerule.update",
        project=rule.project.name,
        target=_target(rule),
        before=before,
        after=_told(rule),
    )
    return rule


@transaction.atomic
def immutable_rule_delete(*, rule: ImmutableRule, origin: Origin) -> None:
    """Removes the rule. Raises Missing."""
    rule = locked(rule, "project__namespace")
    record(origin, "immutablerule.delete", project=rule.project.name, target=_target(rule), before=_told(rule))
    rule.delete()


def _select(rule: ImmutableRule, tag_selectors: list[Selector], scope_selectors: Scope) -> None:
    rule.tag_selectors, rule.scope_selectors = checked_tags(tag_selectors), checked_scope(scope_selectors)
    selectors = json.dumps([rule.tag_selectors, rule.scope_selectors], sort_keys=True)
    rule.fingerprint = hashlib.sha256(selectors.encode()).hexdigest()
    others = ImmutableRule.objects.filter(project=rule.project).exclude(pk=rule.pk)
    if sum(map(_cost, [rule, *others])) > COST_LIMIT:
        raise Invalid("The immutable rules of the project are too costly together: use fewer * and braces.")


def _cost(rule: ImmutableRule) -> int:
    selectors = [*rule.tag_selectors, *rule.scope_selectors["repository"]]
    return sum(patterns.cost(selector["pattern"]) for selector in selectors)


def _save(rule: ImmutableRule) -> None:
    with once("The project has an immutable rule with these selectors already."):
        rule.save()


def _target(rule: ImmutableRule) -> str:
    return f"{rule.project.name}/immutable-rule/{rule.pk}"


def _told(rule: ImmutableRule) -> dict[str, Any]:
    return {
        "tag_selectors": rule.tag_selectors,
        "scope_selectors": rule.scope_selectors,
        "disabled": rule.disabled,
        "priority": rule.priority,
    }
