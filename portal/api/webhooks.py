"""`/projects/{p}/webhook`: whom a project tells what happens in it, and what was told."""

from collections.abc import Sequence

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from jobs.models import State, execution_state
from jobs.selectors import log_text
from portal.access.policy import can
from portal.api.webhook_shapes import (
    SUPPORTED,
    SupportedEventsSerializer,
    WebhookExecutionSerializer,
    WebhookJobSerializer,
    WebhookLastTriggerSerializer,
    WebhookPolicySerializer,
    WebhookTaskSerializer,
)
from portal.api.wire import pages
from portal.api.wire.operations import Resource, operation
from portal.api.wire.plain import TEXT, plain
from portal.api.wire.query import Field, Fields, asked, boolean, moment, number
from portal.api.wire.rights import of_project
from portal.api.wire.serializers import Wire, many
from portal.errors import Invalid, Missing
from portal.projects.models import Project
from portal.webhooks.models import Delivery
from portal.webhooks.selectors import LastTrigger, deliveries_of, delivery_of, last_triggers, webhook_get
from portal.webhooks.services import webhook_create, webhook_delete, webhook_update

FIELDS: Fields = {
    "id": Field("id", number),
    "name": Field("name"),
    "enabled": Field("enabled", boolean),
    "creator": Field("creator"),
    "creation_time": Field("created_at", moment),
    "update_time": Field("updated_at", moment),
}
DELIVERIES: Fields = {
    "id": Field("id", number),
    "event_type": Field("event_type"),
    "status": Field("job__state"),
    "start_time": Field("created_at", moment),
    "creation_time": Field("created_at", moment),
    "end_time": Field("job__finished_at", moment),
}
EXECUTIONS: Fields = {**DELIVERIES, "status": Field("status_shown")}


class WebhookPolicies(Resource):
    """`/projects/{p}/webhook/policies`."""

    @operation(
        "ListWebhookPoliciesOfProject",
        tag="webhook",
        right=of_project("notification-policy", "list"),
        answers={200: WebhookPolicySerializer(many=True)},
        listed=True,
        fields=FIELDS,
    )
    def get(self, request: Request, project: Project) -> Response:
        """The webhook policies of a project."""
        rows = asked(request, project.webhooks.all(), FIELDS, ("-created_at",))
        return pages.listed(request, rows, many(WebhookPolicySerializer, secrets=_changes(self, project)))

    @operation(
        "CreateWebhookPolicyOfProject",
        tag="webhook",
        right=of_project("notification-policy", "create"),
        body=WebhookPolicySerializer,
        answers={201: None},
        journal=("webhook.create",),
    )
    def post(self, request: Request, project: Project) -> Response:
        """A new webhook policy."""
        policy = webhook_create(project=project, **self.read(WebhookPolicySerializer), origin=self.origin)
        return self.created(f"{request.path.removeprefix('/api/v2.0')}/{policy.pk}")


class OneWebhookPolicy(Resource):
    """`/projects/{p}/webhook/policies/{webhook_policy_id}`."""

    @operation(
        "GetWebhookPolicyOfProject",
        tag="webhook",
        right=of_project("notification-policy", "read"),
        answers={200: WebhookPolicySerializer},
    )
    def get(self, request: Request, project: Project, webhook_policy_id: int) -> Response:
        """One webhook policy."""
        policy, secrets = webhook_get(project, webhook_policy_id), _changes(self, project)
        return Response(WebhookPolicySerializer(policy, context={"secrets": secrets}).data)

    @operation(
        "UpdateWebhookPolicyOfProject",
        tag="webhook",
        right=of_project("notification-policy", "update"),
        body=WebhookPolicySerializer,
        answers={200: None},
        journal=("webhook.update",),
    )
    def put(self, request: Request, project: Project, webhook_policy_id: int) -> HttpResponse:
        """Replaces a webhook policy."""
        policy = webhook_get(project, webhook_policy_id)
        webhook_update(policy=policy, **self.read(WebhookPolicySerializer), origin=self.origin)
        return self.done()

    @operation(
        "DeleteWebhookPolicyOfProject",
        tag="webhook",
        right=of_project("notification-policy", "delete"),
        answers={200: None},
        journal=("webhook.delete",),
    )
    def delete(self, request: Request, project: Project, webhook_policy_id: int) -> HttpResponse:
        """Removes a webhook policy with the log of its deliveries."""
        webhook_delete(policy=webhook_get(project, webhook_policy_id), origin=self.origin)
        return self.done()


class WebhookExecutions(Resource):
    """`/projects/{p}/webhook/policies/{webhook_policy_id}/executions`."""

    @operation(
        "ListExecutionsOfWebhookPolicy",
        tag="webhook",
        right=of_project("notification-policy", "read"),
        answers={200: WebhookExecutionSerializer(many=True)},
        listed=True,
        fields=EXECUTIONS,
    )
    def get(self, request: Request, project: Project, webhook_policy_id: int) -> Response:
        """The deliveries of a policy, the newest first."""
        rows = deliveries_of(webhook_get(project, webhook_policy_id)).select_related("job", "policy")
        rows = rows.annotate(status_shown=execution_state("job__"))
        return _deliveries(request, rows, WebhookExecutionSerializer, EXECUTIONS)


class WebhookTasks(Resource):
    """`/projects/{p}/webhook/policies/{webhook_policy_id}/executions/{execution_id}/tasks`."""

    @operation(
        "ListTasksOfWebhookExecution",
        tag="webhook",
        right=of_project("notification-policy", "read"),
        answers={200: WebhookTaskSerializer(many=True)},
        listed=True,
        fields=DELIVERIES,
    )
    def get(self, request: Request, project: Project, webhook_policy_id: int, execution_id: int) -> Response:
        """The task of a delivery."""
        policy = webhook_get(project, webhook_policy_id)
        found = delivery_of(policy, execution_id)
        return _deliveries(request, deliveries_of(policy).filter(pk=found.pk), WebhookTaskSerializer)


class WebhookTaskLog(Resource):
    """`/projects/{p}/webhook/policies/{webhook_policy_id}/executions/{execution_id}/tasks/{task_id}/log`."""

    @operation("GetLogsOfWebhookTask", tag="webhook", right=of_project("notification-policy", "read"), answers=TEXT)
    def get(
        self,
        request: Request,
        project: Project,
        webhook_policy_id: int,
        execution_id: int,
        task_id: int,
    ) -> HttpResponse:
        """What the attempts of a delivery came to."""
        delivery = delivery_of(webhook_get(project, webhook_policy_id), execution_id)
        if task_id != delivery.pk:
            raise Missing(f"The execution {execution_id} has no task {task_id}.")
        return plain(log_text(delivery.job))


class LastTriggers(Resource):
    """`/projects/{p}/webhook/lasttrigger`."""

    @operation(
        "LastTrigger",
        tag="webhook",
        right=of_project("notification-policy", "read"),
        answers={200: WebhookLastTriggerSerializer(many=True)},
    )
    def get(self, request: Request, project: Project) -> Response:
        """When each policy was last called upon, by type of event."""
        found: Sequence[LastTrigger] = list(last_triggers(project))
        return Response(WebhookLastTriggerSerializer(found, many=True).data)


class WebhookJobs(Resource):
    """`/projects/{p}/webhook/jobs`."""

    @operation(
        "ListWebhookJobs",
        tag="webhookjob",
        right=of_project("notification-policy", "list"),
        answers={200: WebhookJobSerializer(many=True)},
        parameters=[
            OpenApiParameter("policy_id", int, required=True, description="The policy."),
            OpenApiParameter("status", str, many=True, explode=False, description="States, with commas between them."),
        ],
        listed=True,
        fields=DELIVERIES,
    )
    def get(self, request: Request, project: Project) -> Response:
        """The deliveries of a policy, the newest first."""
        query = request.query_params
        policy_id = query.get("policy_id", "")
        if not (policy_id.isascii() and policy_id.isdecimal() and len(policy_id) < 19):  # noqa: PLR2004 - 64 bits
            raise Invalid("policy_id is the number of a webhook policy.")
        rows = deliveries_of(webhook_get(project, int(policy_id))).select_related("job", "policy")
        states = {state for given in query.getlist("status") for state in given.split(",") if state}
        if states:
            rows = rows.filter(job__state__in=states & set(State.values))
        return _deliveries(request, rows, WebhookJobSerializer)


class SupportedEvents(Resource):
    """`/projects/{p}/webhook/events`."""

    @operation(
        "GetSupportedEventTypes",
        tag="webhook",
        right=of_project("notification-policy", "read"),
        answers={200: SupportedEventsSerializer},
    )
    def get(self, request: Request, project: Project) -> Response:
        """What policies can be made of."""
        return Response(SUPPORTED)


def _changes(resource: Resource, project: Project) -> bool:
    """Whether the caller may change policies of the project."""
    return can(resource.identity, "notification-policy", "update", project)


def _deliveries(
    request: Request, rows: QuerySet[Delivery], serializer: type[Wire], fields: Fields = DELIVERIES
) -> Response:
    return pages.listed(request, asked(request, rows, fields, ("-pk",)), many(serializer))


_POLICY = "projects/<str:project_name_or_id>/webhook/policies/<int:webhook_policy_id>"
_EXECUTIONS = f"{_POLICY}/executions"
PATHS = {
    "projects/<str:project_name_or_id>/webhook/policies": WebhookPolicies,
    _POLICY: OneWebhookPolicy,
    _EXECUTIONS: WebhookExecutions,
    f"{_EXECUTIONS}/<int:execution_id>/tasks": WebhookTasks,
    f"{_EXECUTIONS}/<int:execution_id>/tasks/<int:task_id>/log": WebhookTaskLog,
    "projects/<str:project_name_or_id>/webhook/lasttrigger": LastTriggers,
    "projects/<str:project_name_or_id>/webhook/jobs": WebhookJobs,
    "projects/<str:project_name_or_id>/webhook/events": SupportedEvents,
}
