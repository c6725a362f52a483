"""What can be done to webhook policies. Each verb validates, changes and journals in one transaction."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction

from audit.journal import record
from audit.origin import Origin
from portal.errors import Invalid
from portal.projects.models import Project
from portal.projects.services import project_held
from portal.rows import locked, once
from portal.webhooks.events import TYPES
from portal.webhooks.formats import FORMATS
from portal.webhooks.models import WebhookPolicy
from portal.webhooks.sealing import seal

LONGEST_NAME = 255
LONGEST_DESCRIPTION = 1024
LONGEST_ADDRESS = 2048
LONGEST_HEADER = 4096
# One entry of the journal may tell of a hundred deleted artifacts, and each is told to every target of the project.
MOST_TARGETS = 5
MOST = 20  # Policies of a project.
_PRINTABLE = re.compile(r"[!-~]+")
_HEADER = re.compile(r"[ -~]*")

Target = Mapping[str, Any]


@transaction.atomic
def webhook_create(
    *,
    project: Project,
    name: str,
    description: str,
    enabled: bool,
    event_types: Sequence[str],
    targets: Sequence[Target],
    origin: Origin,
) -> WebhookPolicy:
    """A new policy of the project. Raises Invalid, Missing, or Conflict when the name is taken there."""
    project = project_held(project)
    if project.webhooks.count() >= MOST:
        raise Invalid(f"A project has at most {MOST} webhook policies.")
    policy = WebhookPolicy(project=project, creator=origin.actor)
    _describe(policy, name, description, enabled, event_types, targets)
    _save(policy)
    record(origin, "webhook.create", project=project.name, target=_target(policy), after=_told(policy))
    return policy


@transaction.atomic
def webhook_update(
    *,
    policy: WebhookPolicy,
    name: str,
    description: str,
    enabled: bool,
    event_types: Sequence[str],
    targets: Sequence[Target],
    origin: Origin,
) -> WebhookPolicy:
    """Replaces the policy; what waits to be delivered goes to the new targets. Raises Invalid, Missing or Conflict."""
    policy = locked(policy, "project__namespace")
    before = _told(policy)
    _describe(policy, name, description, enabled, event_types, targets)
    _save(policy)
    record(
        origin,
        "webhook.update",
        project=policy.project.name,
        target=_target(policy),
        before=before,
        after=_told(policy),
    )
    return policy


@transaction.atomic
def webhook_delete(*, policy: WebhookPolicy, origin: Origin) -> None:
    """Removes the policy with the log of its deliveries; what waits is not delivered. Raises Missing."""
    policy = locked(policy, "project__namespace")
    record(origin, "webhook.delete", project=policy.project.name, target=_target(policy), before=_told(policy))
    policy.delete()


def _describe(
    policy: WebhookPolicy,
    name: str,
    description: str,
    enabled: bool,
    event_types: Sequence[str],
    targets: Sequence[Target],
) -> None:
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise Invalid(f"A webhook policy's name has 1 to {LONGEST_NAME} printable characters.")
    if len(description) > LONGEST_DESCRIPTION:
        raise Invalid(f"A webhook policy's description has at most {LONGEST_DESCRIPTION} characters.")
    if not event_types or not set(event_types) <= set(TYPES):
        raise Invalid(f"event_types takes at least one of {', '.join(TYPES)}.")
    if not 0 < len(targets) <= MOST_TARGETS:
        raise Invalid(f"A webhook policy has 1 to {MOST_TARGETS} targets.")
    policy.name, policy.description, policy.enabled = name, description, enabled
    policy.event_types = list(dict.fromkeys(event_types))
    policy.targets = [_checked(target) for target in targets]


def _checked(target: Target) -> dict[str, Any]:
    formats = FORMATS.get(target["type"])
    if formats is None:
        raise Invalid(f"The type of a target is {' or '.join(FORMATS)}.")
    payload_format = target["payload_format"] or next(iter(formats))
    if payload_format not in formats:
        known = " or ".join(name for name in formats if name) or "left out"
        raise Invalid(f"The payload_format of a target of type {target['type']} is {known}.")
    address = _address(target["address"])
    if len(target["auth_header"]) > LONGEST_HEADER or not _HEADER.fullmatch(target["auth_header"]):
        raise Invalid(f"auth_header takes up to {LONGEST_HEADER} printable ASCII characters.")
    return {
        "type": target["type"],
        "address": address,
        "payload_format": payload_format,
        "skip_cert_verify": target["skip_cert_verify"],
        "auth_header": seal(target["auth_header"]),
    }


def _address(given: str) -> str:
    """The address in the form that Harbor gives it: with a scheme, and no slash after the path. Raises Invalid."""
    address = given.strip(" ")
    if "://" not in address:
        address = f"http://{address}"
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        raise Invalid("The address of a target is a URL.") from None
    if len(address) > LONGEST_ADDRESS or not _PRINTABLE.fullmatch(address):
        raise Invalid(f"The address of a target has up to {LONGEST_ADDRESS} ASCII characters, others percent-encoded.")
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        raise Invalid("The address of a target is a URL that begins with http:// or https:// and a host.")
    if parts.username is not None or parts.password is not None:
        raise Invalid("The address of a target holds no credentials: put them into auth_header.")
    return address if parts.query else address.rstrip("/")


def _save(policy: WebhookPolicy) -> None:
    with once(f"The project has a webhook policy {policy.name} already."):
        policy.save()


def _target(policy: WebhookPolicy) -> str:
    return f"{policy.project.name}/webhook/{policy.name}"


def _told(policy: WebhookPolicy) -> dict[str, Any]:
    """What the journal may know: of an address the host alone, since the path may be a secret."""
    targets = [
        {
            "type": target["type"],
            "host": urlsplit(target["address"]).netloc,
            "payload_format": target["payload_format"],
            "skip_cert_verify": target["skip_cert_verify"],
        }
        for target in policy.targets
    ]
    return {"name": policy.name, "enabled": policy.enabled, "event_types": policy.event_types, "targets": targets}
