"""`/retentions`: what projects keep, and the runs that delete the rest."""

from typing import Any

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.wire import pages
from portal.api.wire.operations import Resource, operation
from portal.api.wire.plain import TEXT, plain
from portal.api.wire.rights import LOGGED_IN
from portal.api.wire.rights import project as of_project
from portal.api.wire.serializers import Flag, Moment, Text, Whole, Wire, many
from portal.errors import Invalid
from portal.immutability.patterns import KIND, REPOSITORIES, TAGS
from portal.projects.models import Project
from portal.retention.models import RetentionPolicy
from portal.retention.rules import ACTION, TEMPLATES
from portal.retention.selectors import execution_of, executions_of, log_of, retention_get, task_of
from portal.retention.services import (
    retention_create,
    retention_delete,
    retention_run,
    retention_stop,
    retention_update,
)

ALGORITHM, TRIGGER, LEVEL = "or", "Schedule", "project"
CODES = {"Pending": 0, "Running": 2}  # Every last state is 3.
LAST = 3


class RetentionSelectorSerializer(Wire):
    """What a rule is about: tags or repositories that match a pattern, or all but those."""

    kind = Text(default=KIND)
    decoration = Text()
    pattern = Text()
    extras = Text(default="")


class RetentionRuleSerializer(Wire):
    """A rule that keeps artifacts. Its number stands in `params` under the name of its template."""

    id = Whole(required=False)
    priority = Whole(default=0)
    disabled = Flag(default=False)
    action = Text(default=ACTION)
    template = Text()
    params = serializers.DictField(default=dict)
    tag_selectors = RetentionSelectorSerializer(many=True)
    scope_selectors = serializers.DictField(child=RetentionSelectorSerializer(many=True))


class RetentionTriggerSerializer(Wire):
    """When the policy runs by itself: `settings.cron` has six fields, seconds first, or is empty."""

    kind = Text(default=TRIGGER)
    settings = serializers.DictField(default=dict)
    references = serializers.DictField(default=dict)


class RetentionScopeSerializer(Wire):
    """The project, by id, whose policy it is."""

    level = Text()
    ref = Whole()


class RetentionPolicySerializer(Wire):
    """A policy. What none of its rules keeps is deleted when it runs."""

    id = Whole(required=False)
    algorithm = Text(default=ALGORITHM)
    rules = RetentionRuleSerializer(many=True, default=list)
    trigger = RetentionTriggerSerializer(required=False)
    scope = RetentionScopeSerializer()

    def to_representation(self, instance: RetentionPolicy) -> dict[str, Any]:
        """The policy as the contract has it."""
        return {
            "id": instance.pk,
            "algorithm": ALGORITHM,
            "rules": instance.rules,
            "trigger": {"kind": TRIGGER, "settings": {"cron": instance.cron}, "references": {}},
            "scope": {"level": LEVEL, "ref": instance.project_id},
        }


class RetentionExecutionSerializer(Wire):
    """A run of a policy."""

    id = Whole()
    policy_id = Whole()
    start_time = Moment(source="created_at")
    end_time = Moment(source="job.finished_at")
    status = Text(source="job.state")
    trigger = Text(source="job.trigger")
    dry_run = Flag()


class RetentionTaskSerializer(Wire):
    """A run's work on one repository."""

    id = Whole()
    execution_id = Whole()
    repository = Text()
    job_id = Text(source="execution.job_id")
    status = Text()
    status_code = serializers.SerializerMethodField()
    start_time = Moment(source="started_at")
    end_time = Moment(source="finished_at")
    total = Whole()
    retained = Whole()

    def get_status_code(self, task: Any) -> int:
        """How far the status is: 0 waiting, 2 at work, 3 done."""
        return CODES.get(task.status, LAST)


class RetentionRunSerializer(Wire):
    """Whether to delete anything, or only to tell what would be."""

    dry_run = Flag(default=False)


class RetentionActionSerializer(Wire):
    """What to do with a run: stop."""

    action = Text()


class RetentionParameterSerializer(Wire):
    """A number that a rule takes."""

    type = Text()
    unit = Text()
    required = Flag()


class RetentionTemplateSerializer(Wire):
    """A kind of rule; # in the text stands for its number."""

    rule_template = Text()
    display_text = Text()
    action = Text()
    params = RetentionParameterSerializer(many=True)


class RetentionSelectorKindSerializer(Wire):
    """A kind of selector."""

    display_text = Text()
    kind = Text()
    decorations = serializers.ListField(child=Text())


class RetentionMetadataSerializer(Wire):
    """What rules can be made of."""

    templates = RetentionTemplateSerializer(many=True)
    scope_selectors = RetentionSelectorKindSerializer(many=True)
    tag_selectors = RetentionSelectorKindSerializer(many=True)


METADATA = {
    "templates": [
        {
            "rule_template": name,
            "display_text": template.text,
            "action": ACTION,
            "params": [{"type": "int", "unit": template.unit, "required": True}] if template.unit else [],
        }
        for name, template in TEMPLATES.items()
        if template.shown
    ],
    "scope_selectors": [{"display_text": "Repositories", "kind": KIND, "decorations": list(REPOSITORIES)}],
    "tag_selectors": [{"display_text": "Tags", "kind": KIND, "decorations": list(TAGS)}],
}


class RetentionMetadata(Resource):
    """`/retentions/metadatas`."""

    @operation(
        "getRentenitionMetadata",
        tag="Retention",
        right=LOGGED_IN,
        answers={200: RetentionMetadataSerializer},
    )
    def get(self, request: Request) -> Response:  # noqa: ARG002
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
    def post(self, request: Request) -> Response:  # noqa: ARG002
        """A policy for a project that has none."""
        wanted = self.read(RetentionPolicySerializer)
        where = Project.objects.filter(pk=wanted["scope"]["ref"]).first()
        self.require(of_project("tag-retention", "create"), where)
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
    def get(self, request: Request, id: int) -> Response:  # noqa: A002, ARG002
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
    def put(self, request: Request, id: int) -> HttpResponse:  # noqa: A002, ARG002
        """Replaces the rules and the schedule of a policy."""
        policy = self.policy(id, "update")
        wanted = self.read(RetentionPolicySerializer)
        if wanted["scope"]["ref"] != policy.project_id:
            raise Invalid("The policy belongs to another project: scope.ref cannot be changed.")
        retention_update(policy=policy, **_values(wanted), origin=self.origin)
        return self.done()

    @operation("deleteRetention", tag="Retention", right=LOGGED_IN, answers={200: None}, journal=("retention.delete",))
    def delete(self, request: Request, id: int) -> HttpResponse:  # noqa: A002, ARG002
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
    def post(self, request: Request, id: int) -> Response:  # noqa: A002, ARG002
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
    def patch(self, request: Request, id: int, eid: int) -> HttpResponse:  # noqa: A002, ARG002
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
    def get(self, request: Request, id: int, eid: int, tid: int) -> HttpResponse:  # noqa: A002, ARG002
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
    cron = trigger["settings"].get("cron") or ""
    if not isinstance(cron, str):
        raise Invalid("trigger.settings.cron is a text.")
    return {"rules": wanted["rules"], "cron": cron.strip()}


PATHS = {
    "retentions": Retentions,
    "retentions/metadatas": RetentionMetadata,
    "retentions/<int:id>": OneRetention,
    "retentions/<int:id>/executions": RetentionExecutions,
    "retentions/<int:id>/executions/<int:eid>": OneRetentionExecution,
    "retentions/<int:id>/executions/<int:eid>/tasks": RetentionTasks,
    "retentions/<int:id>/executions/<int:eid>/tasks/<int:tid>": RetentionTaskLog,
}
