"""Reads of retention policies and their runs."""

from collections.abc import Collection

from django.db.models import QuerySet

from portal.errors import Missing
from portal.retention.models import RetentionExecution, RetentionLog, RetentionPolicy, RetentionTask


def policy_ids(project_ids: Collection[int]) -> dict[int, int]:
    """The ids of the policies of those of the projects that have one, by the project's."""
    policies = RetentionPolicy.objects.filter(project_id__in=project_ids)
    return dict(policies.values_list("project_id", "pk"))


def retention_get(policy_id: int) -> RetentionPolicy:
    """The policy of that id. Raises Missing."""
    policy = RetentionPolicy.objects.filter(pk=policy_id).select_related("project__namespace").first()
    if policy is None:
        raise Missing(f"There is no retention policy {policy_id}.")
    return policy


def executions_of(policy: RetentionPolicy) -> QuerySet[RetentionExecution]:
    """The policy's runs, the newest first."""
    return policy.executions.select_related("job").order_by("-pk")


def execution_of(policy: RetentionPolicy, execution_id: int) -> RetentionExecution:
    """The run of that id, if it is the policy's. Raises Missing."""
    execution = executions_of(policy).filter(pk=execution_id).first()
    if execution is None:
        raise Missing(f"The retention policy {policy.pk} has no execution {execution_id}.")
    return execution


def task_of(execution: RetentionExecution, task_id: int) -> RetentionTask:
    """The task of that id, if it is the run's. Raises Missing."""
    task = execution.tasks.filter(pk=task_id).first()
    if task is None:
        raise Missing(f"The execution {execution.pk} has no task {task_id}.")
    return task


def log_of(task: RetentionTask) -> str:
    """What became of each artifact, and why."""
    return "".join(RetentionLog.objects.filter(task=task).values_list("text", flat=True))
