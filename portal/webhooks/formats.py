"""The forms in which an event is sent: Harbor's own, CloudEvents 1.0 and a message for Slack."""

import json
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from portal.webhooks.events import TYPES
from portal.webhooks.models import Delivery

Body = tuple[str, dict[str, Any]]  # The Content-Type, and what becomes JSON.

SLACK_LIMIT = 2900  # Characters of a text; Slack takes 3000.
_NAMES = uuid.UUID("9a1a4ad1-6a83-4b0c-a2b6-1b1a2a3f3c5d")


def body(delivery: Delivery, target: Mapping[str, Any]) -> tuple[str, bytes]:
    """The Content-Type and the bytes to send."""
    content_type, document = FORMATS[target["type"]][target["payload_format"]](delivery)
    return content_type, json.dumps(document).encode()


def _default(delivery: Delivery) -> Body:
    return "application/json", delivery.payload


def _cloud_event(delivery: Delivery) -> Body:
    told = delivery.payload
    return "application/cloudevents+json", {
        "specversion": "1.0",
        # A delivery that is repeated is known again by its id.
        "id": str(uuid.uuid5(_NAMES, str(delivery.pk))),
        "source": f"/projects/{delivery.policy.project_id}/webhook/policies/{delivery.policy_id}",
        "type": TYPES[delivery.event_type],
        "datacontenttype": "application/json",
        "time": datetime.fromtimestamp(told["occur_at"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "data": told["event_data"],
        "operator": told["operator"],
        **({"requestid": delivery.request_id} if delivery.request_id else {}),
    }


def _slack(delivery: Delivery) -> Body:
    told = delivery.payload
    details = json.dumps(told["event_data"], indent=1)
    return "application/json", {
        "blocks": [
            _section(f"*{told['type']}* by {_escaped(told['operator'])}"),
            _section(f"```{_escaped(details)[:SLACK_LIMIT]}```"),
        ]
    }


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("`", "'")


FORMATS: Mapping[str, Mapping[str, Callable[[Delivery], Body]]] = {
    "http": {"Default": _default, "CloudEvents": _cloud_event},
    "slack": {"": _slack},
}
"""By the type of the target and its payload format; the first is what a target has that names none."""
