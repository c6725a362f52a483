"""Reads of webhook policies and their deliveries."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import OuterRef, QuerySet, Subquery

from portal.errors import Missing
from portal.projects.models import Project
from portal.webhooks.events import TYPES
from portal.webhooks.models import Delivery, WebhookPolicy


@dataclass(frozen=True, slots=True)
class LastTrigger:
    """When a policy was last called upon for a type of event; None: never."""

    policy: WebhookPolicy
    event_type: str
    at: datetime | None


def webhook_get(project: Project, policy_id: int) -> WebhookPolicy:
    """The policy of that id, if it is the project's. Raises Missing."""
    policy = WebhookPolicy.objects.filter(project=project, pk=policy_id).first()
    if policy is None:
        raise Missing(f"The project has no webhook policy {policy_id}.")
    return policy


def deliveries_of(policy: WebhookPolicy) -> QuerySet[Delivery]:
    """The policy's deliveries, with their jobs."""
    return policy.deliveries.select_related("job")


def delivery_of(policy: WebhookPolicy, delivery_id: int) -> Delivery:
    """The delivery of that id, if it is the policy's. Raises Missing."""
    delivery = deliveries_of(policy).filter(pk=delivery_id).first()
    if delivery is None:
        raise Missing(f"The webhook policy {policy.pk} has no execution {delivery_id}.")
    return delivery


def last_triggers(project: Project) -> Iterator[LastTrigger]:
    """For each policy and each type of event it is for. One query, which only looks at the newest of each."""
    newest = Delivery.objects.filter(policy=OuterRef("pk")).order_by("-pk").values("created_at")
    moments = {event: Subquery(newest.filter(event_type=event)[:1]) for event in TYPES}
    for policy in project.webhooks.order_by("pk").annotate(**moments):
        for event in policy.event_types:
            yield LastTrigger(policy, event, getattr(policy, event))
