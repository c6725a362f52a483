"""What can be done to retention policies. Each verb validates, changes and journals in one transaction."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from audit.journal import record
from audit.origin import Origin
from jobs.cron import next_after
from jobs.models import ACTIVE
from jobs.services import enqueue, schedule_delete, schedule_set, stop
from portal.errors import Invalid
from portal.projects.models import Project
from portal.projects.services import project_held
from portal.retention.models import RetentionExecution, RetentionPolicy
from portal.retention.rules import Rule, checked
from portal.rows import locked, once

KIND = "retention.run"


@transaction.atomic
def retention_create(*, project: Project, rules: Sequence[Rule], cron: str, origin: Origin) -> RetentionPolicy:
    """A policy for the project. Raises Invalid, also when it has one already, Missing, or Conflict for a rule twice."""
    project = project_held(project)
    policy = RetentionPolicy(project=project, rules=checked(rules), cron=_checked_cron(cron))
    with once(f"The project {project.name} has a retention policy already: change that one.", Invalid):
        policy.save()
    _schedule(policy, origin)
    record(origin, "retention.create", project=project.name, target=_target(policy), after=_told(policy))
    return policy


@transaction.atomic
def retention_update(*, policy: RetentionPolicy, rules: Sequence[Rule], cron: str, origin: Origin) -> RetentionPolicy:
    """Replaces rules and schedule. Raises Invalid, Missing or Conflict."""
    policy = locked(policy, "project__namespace")
    before = _told(policy)
    policy.rules, policy.cron = checked(rules), _checked_cron(cron)
    policy.save(update_fields=["rules", "cron", "updated_at"])
    if policy.cron != before["cron"]:
        _schedule(policy, origin)
    record(
        origin,
        "retention.update",
        project=policy.project.name,
        target=_target(policy),
        before=before,
        after=_told(policy),
    )
    return policy


@transaction.atomic
def retention_delete(*, policy: RetentionPolicy, origin: Origin) -> None:
    """Removes the policy with its schedule and its history; a run ends before it decides about another repository."""
    policy = locked(policy, "project__namespace")
    for execution in policy.executions.filter(job__state__in=ACTIVE):
        stop(execution.job_id, origin=origin)
    record(origin, "retention.delete", project=policy.project.name, target=_target(policy), before=_told(policy))
    schedule_delete(schedule_name(policy.pk), origin=origin)
    policy.delete()


@transaction.atomic
def retention_run(*, policy: RetentionPolicy, dry_run: bool, origin: Origin) -> RetentionExecution:
    """A run of the policy, begun when a worker is free; the one that is under way, if there is one. Raises Missing."""
    policy = locked(policy, "project__namespace")
    job = enqueue(KIND, origin=origin, key=f"{policy.pk}:{dry_run}", policy=policy.pk, dry_run=dry_run)
    execution, created = RetentionExecution.objects.get_or_create(
        job=job, defaults={"policy": policy, "dry_run": dry_run}
    )
    if created:
        record(origin, "retention.run", project=policy.project.name, target=_target(policy), after={"dry_run": dry_run})
    return execution


@transaction.atomic
def retention_stop(*, execution: RetentionExecution, origin: Origin) -> None:
    """Ends a run before its next artifact; a finished one stays as it is."""
    if not execution.job.active:
        return
    stop(execution.job_id, origin=origin)
    policy, after = execution.policy, {"execution": execution.pk}
    record(origin, "retention.stop", project=policy.project.name, target=_target(policy), after=after)


def schedule_name(policy_id: int) -> str:
    """What the schedule of a policy is called."""
    return f"{KIND}:{policy_id}"


def _schedule(policy: RetentionPolicy, origin: Origin) -> None:
    name = schedule_name(policy.pk)
    if policy.cron:
        schedule_set(name, KIND, cron=policy.cron, args={"policy": policy.pk}, origin=origin)
    else:
        schedule_delete(name, origin=origin)


def _checked_cron(cron: str) -> str:
    if not cron:
        return ""
    try:
        next_after(cron, timezone.now())
    except ValueError as error:
        raise Invalid(str(error)) from error
    return cron


def _target(policy: RetentionPolicy) -> str:
    return f"{policy.project.name}/retention/{policy.pk}"


def _told(policy: RetentionPolicy) -> dict[str, Any]:
    return {"rules": policy.rules, "cron": policy.cron}
