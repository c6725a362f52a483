"""What webhook policies and their deliveries look like on the wire."""

from typing import Any

from rest_framework import serializers

from portal.api.wire.serializers import Flag, Moment, Text, Whole, Wire
from portal.webhooks.events import TYPES
from portal.webhooks.formats import FORMATS, body
from portal.webhooks.models import Delivery, WebhookPolicy
from portal.webhooks.sealing import unseal

VENDORS = {"http": "WEBHOOK", "slack": "SLACK"}


class WebhookTargetSerializer(Wire):
    """Where events go and in which form. `auth_header` is sent as Authorization."""

    type = Text()
    address = Text()
    auth_header = Text(default="")
    skip_cert_verify = Flag(default=False)
    payload_format = Text(default="")


class WebhookPolicySerializer(Wire):
    """A policy: events of these types go to these targets."""

    id = Whole(read_only=True)
    name = Text()
    description = Text(default="")
    project_id = Whole(read_only=True)
    targets = WebhookTargetSerializer(many=True)
    event_types = serializers.ListField(child=Text())
    creator = Text(read_only=True)
    creation_time = Moment(source="created_at", read_only=True)
    update_time = Moment(source="updated_at", read_only=True)
    enabled = Flag(default=False)

    def to_representation(self, instance: WebhookPolicy) -> dict[str, Any]:
        """The policy; what its targets are sent as Authorization is told, as `secrets`, to those who could change it."""
        shown = super().to_representation(instance)
        for target in shown["targets"]:
            target["auth_header"] = unseal(target["auth_header"]) if self.context.get("secrets") else ""
        return shown


class WebhookExecutionSerializer(Wire):
    """A delivery, to be or done."""

    id = Whole()
    vendor_type = serializers.SerializerMethodField()
    vendor_id = Whole(source="policy_id")
    status = Text(source="job.execution_state")
    status_message = Text(source="job.error")
    metrics = serializers.SerializerMethodField()
    trigger = Text(source="job.trigger")
    extra_attrs = serializers.SerializerMethodField()
    start_time = Moment(source="created_at")
    end_time = Moment(source="job.finished_at", required=False)

    def get_vendor_type(self, delivery: Delivery) -> str:
        """WEBHOOK or SLACK."""
        return VENDORS[delivery.notify_type]

    def get_metrics(self, delivery: Delivery) -> dict[str, int]:
        """A delivery has one task."""
        return {"task_count": 1, f"{delivery.job.state.lower()}_task_count": 1}

    def get_extra_attrs(self, delivery: Delivery) -> dict[str, str]:
        """The event, and what the target is sent."""
        return {"event_type": delivery.event_type, "payload": _sent(delivery)}


class WebhookTaskSerializer(Wire):
    """The one task of a delivery, which may take several attempts."""

    id = Whole()
    execution_id = Whole(source="id")
    status = Text(source="job.state")
    status_message = Text(source="job.error")
    run_count = Whole(source="job.attempts")
    extra_attrs = serializers.SerializerMethodField()
    creation_time = Moment(source="created_at")
    start_time = Moment(source="job.started_at", required=False)
    update_time = Moment(source="changed_at")
    end_time = Moment(source="job.finished_at", required=False)

    def get_extra_attrs(self, delivery: Delivery) -> dict[str, str]:
        """The event."""
        return {"event_type": delivery.event_type}


class WebhookJobSerializer(Wire):
    """A delivery, as older clients see it."""

    id = Whole()
    policy_id = Whole()
    event_type = Text()
    notify_type = Text()
    status = Text(source="job.state")
    job_detail = serializers.SerializerMethodField()
    creation_time = Moment(source="created_at")
    update_time = Moment(source="changed_at")

    def get_job_detail(self, delivery: Delivery) -> str:
        """What the target is sent."""
        return _sent(delivery)


class WebhookLastTriggerSerializer(Wire):
    """When a policy was last called upon for a type of event."""

    policy_name = Text(source="policy.name")
    event_type = Text()
    enabled = Flag(source="policy.enabled")
    creation_time = Moment(source="policy.created_at")
    last_trigger_time = Moment(source="at", required=False)


class PayloadFormatSerializer(Wire):
    """The forms in which a type of target takes events."""

    notify_type = Text()
    formats = serializers.ListField(child=Text())


class SupportedEventsSerializer(Wire):
    """What policies can be made of."""

    event_type = serializers.ListField(child=Text())
    notify_type = serializers.ListField(child=Text())
    payload_formats = PayloadFormatSerializer(many=True)


def _sent(delivery: Delivery) -> str:
    """What the target is sent, or would be if it were still there."""
    targets = delivery.policy.targets[delivery.target : delivery.target + 1]
    return body(delivery, targets[0])[1].decode() if targets else ""


_NAMED = {kind: [name for name in formats if name] for kind, formats in FORMATS.items()}
SUPPORTED = {
    "event_type": list(TYPES),
    "notify_type": list(FORMATS),
    "payload_formats": [{"notify_type": kind, "formats": names} for kind, names in _NAMED.items() if names],
}
"""What policies can be made of."""
