"""`/retentions`: what projects keep, and the runs that delete the rest."""

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.retention_shapes import (
    ALGORITHM,
    LEVEL,
    METADATA,
    TRIGGER,
    RetentionActionSerializer,
    RetentionExecutionSerializer,
    RetentionMetadataSerializer,
    RetentionPolicySerializer,
    RetentionRunSerializer,
    RetentionTaskSerializer,
)
from portal.api.wire import pages
from portal.api.wire.operations import Resource, operation
from portal.api.wire.plain import TEXT, plain
from portal.api.wire.rights import LOGGED_IN, of_project
from portal.api.wire.serializers import many
from portal.errors import Invalid, Missing
from portal.projects.models import Project
from portal.retention.models import RetentionPolicy
from portal.retention.selectors import execution_of, executions_of, log_of, retention_get, task_of
from portal.retention.services import (
    retention_create,
    retention_delete,
    retention_run,
    retention_stop,
    retention_update,
)


class RetentionMetadata(Resource):
    """`/retentions/metadatas`."""

    @operation(
        "getRentenitionMetadata",
        tag="Retention",
        right=LOGGED_IN,
        answers={200: RetentionMetadataSerializer},
    )
    def get(self, request: Request) -> Response:
        """What rules can be made of."""
        return Response(METADATA)


class Retentions(Resource):
    """`/retentions`."""

    @operation(
        "createRetention",
        tag="Retention",
        right=LOGGED_IN,
        body=RetentionPolicySerializer,
        answers={201: None},
        journal=("retention.create",),
    )
    def post(self, request: Request) -> Response:
        """A policy for a project that has none."""
        wanted = self.read(RetentionPolicySerializer)
        where = Project.objects.filter(pk=wanted["scope"]["ref"]).first()
        try:
            self.require(of_project("tag-retention", "create"), where)
        except Missing:  # Only a path that leads nowhere is answered with 404.
            raise Invalid(f"There is no project {wanted['scope']['ref']}.") from None
        assert where is not None  # Or it would have been refused.
        policy = retention_create(project=where, **_values(wanted), origin=self.origin)
        return self.created(f"/retentions/{policy.pk}")


class OfOnePolicy(Resource):
    """What concerns one policy, and needs a right in its project."""

    def policy(self, policy_id: int, action: str) -> RetentionPolicy:
        """The policy, for who has the right to the action. Raises Missing, Unauthorized or Forbidden."""
        policy = retention_get(policy_id)
        self.require(of_project("tag-retention", action), policy.project)
        return policy


class OneRetention(OfOnePolicy):
    """`/retentions/{id}`."""

    @operation("getRetention", tag="Retention", right=LOGGED_IN, answers={200: RetentionPolicySerializer})
    def get(self, request: Request, id: int) -> Response:  # noqa: A002
        """One policy."""
        return Response(RetentionPolicySerializer(self.policy(id, "read")).data)

    @operation(
        "updateRetention",
        tag="Retention",
        right=LOGGED_IN,
        body=RetentionPolicySerializer,
        answers={200: None},
        journal=("retention.update",),
    )
    def put(self, request: Request, id: int) -> HttpResponse:  # noqa: A002
        """Replaces the rules and the schedule of a policy."""
        policy = self.policy(id, "update")
        wanted = self.read(RetentionPolicySerializer)
        if wanted["scope"]["ref"] != policy.project_id:
            raise Invalid("The policy belongs to another project: scope.ref cannot be changed.")
        retention_update(policy=policy, **_values(wanted), origin=self.origin)
        return self.done()

    @operation("deleteRetention", tag="Retention", right=LOGGED_IN, answers={200: None}, journal=("retention.delete",))
    def delete(self, request: Request, id: int) -> HttpResponse:  # noqa: A002
        """Removes a policy with the history of its runs."""
        retention_delete(policy=self.policy(id, "delete"), origin=self.origin)
        return self.done()


class RetentionExecutions(OfOnePolicy):
    """`/retentions/{id}/executions`."""

    @operation(
        "listRetentionExecutions",
        tag="Retention",
        right=LOGGED_IN,
        answers={200: RetentionExecutionSerializer(many=True)},
        listed=True,
    )
    def get(self, request: Request, id: int) -> Response:  # noqa: A002
        """The runs of a policy, the newest first."""
        rows = executions_of(self.policy(id, "list"))
        return pages.listed(request, rows, many(RetentionExecutionSerializer))

    @operation(
        "triggerRetentionExecution",
        tag="Retention",
        right=LOGGED_IN,
        body=RetentionRunSerializer,
        answers={201: None},
        journal=("retention.run",),
    )
    def post(self, request: Request, id: int) -> Response:  # noqa: A002
        """Runs a policy, or tries it out."""
        policy = self.policy(id, "update")
        wanted = self.read(RetentionRunSerializer)
        execution = retention_run(policy=policy, dry_run=wanted["dry_run"], origin=self.origin)
        return self.created(f"/retentions/{policy.pk}/executions/{execution.pk}")


class OneRetentionExecution(OfOnePolicy):
    """`/retentions/{id}/executions/{eid}`."""

    @operation(
        "operateRetentionExecution",
        tag="Retention",
        right=LOGGED_IN,
        body=RetentionActionSerializer,
        answers={200: None},
        journal=("retention.stop",),
    )
    def patch(self, request: Request, id: int, eid: int) -> HttpResponse:  # noqa: A002
        """Stops a run."""
        policy = self.policy(id, "update")
        if self.read(RetentionActionSerializer)["action"] != "stop":
            raise Invalid("The one action on a run is stop.")
        retention_stop(execution=execution_of(policy, eid), origin=self.origin)
        return self.done()


class RetentionTasks(OfOnePolicy):
    """`/retentions/{id}/executions/{eid}/tasks`."""

    @operation(
        "listRetentionTasks",
        tag="Retention",
        right=LOGGED_IN,
        answers={200: RetentionTaskSerializer(many=True)},
        listed=True,
    )
    def get(self, request: Request, id: int, eid: int) -> Response:  # noqa: A002
        """What a run did, repository by repository."""
        tasks = execution_of(self.policy(id, "list"), eid).tasks.order_by("pk")
        whole = tasks.select_related("execution__job")
        return pages.listed(request, tasks, many(RetentionTaskSerializer), whole=whole)


class RetentionTaskLog(OfOnePolicy):
    """`/retentions/{id}/executions/{eid}/tasks/{tid}`."""

    @operation("getRetentionTaskLog", tag="Retention", right=LOGGED_IN, answers=TEXT)
    def get(self, request: Request, id: int, eid: int, tid: int) -> HttpResponse:  # noqa: A002
        """What became of each artifact of a repository, and why."""
        return plain(log_of(task_of(execution_of(self.policy(id, "read"), eid), tid)))


def _values(wanted: dict[str, Any]) -> dict[str, Any]:
    """What a body asks for, as the verbs take it. Raises Invalid."""
    trigger = wanted.get("trigger") or {"kind": TRIGGER, "settings": {}}
    if (wanted["algorithm"] or ALGORITHM) != ALGORITHM:
        raise Invalid(f"The algorithm of a policy is {ALGORITHM}.")
    if wanted["scope"]["level"] != LEVEL:
        raise Invalid(f"The scope of a policy is a {LEVEL}.")
    if (trigger["kind"] or TRIGGER) != TRIGGER:
        raise Invalid(f"The trigger of a policy is a {TRIGGER}.")
    cron = (trigger["settings"] or {}).get("cron") or ""
    if not isinstance(cron, str):
        raise Invalid("trigger.settings.cron is a text.")
    return {"rules": wanted["rules"] or [], "cron": cron.strip()}


PATHS = {
    "retentions": Retentions,
    "retentions/metadatas": RetentionMetadata,
    "retentions/<int:id>": OneRetention,
    "retentions/<int:id>/executions": RetentionExecutions,
    "retentions/<int:id>/executions/<int:eid>": OneRetentionExecution,
    "retentions/<int:id>/executions/<int:eid>/tasks": RetentionTasks,
    "retentions/<int:id>/executions/<int:eid>/tasks/<int:tid>": RetentionTaskLog,
}
