"""The table from the journal's actions to Harbor's audit vocabulary.

Harbor tells of an operation on a type of resource, and its event types are both words joined: `create_artifact`. What
Harbor does not record has words of the same kind. Every action of the code base has a row.
"""

from collections.abc import Collection
from dataclasses import dataclass

from audit.models import Entry


@dataclass(frozen=True, slots=True)
class Event:
    """An action in Harbor's words."""

    operation: str
    resource_type: str

    @property
    def type(self) -> str:
        """The event type, such as create_artifact."""
        return f"{self.operation}_{self.resource_type}"


EVENTS = {
    "allowlist.update": Event("update", "allowlist"),
    "audit.purge": Event("purge", "auditlog"),
    "blob.collect": Event("delete", "blob"),
    "blob.delete": Event("delete", "blob"),
    "blob.mount": Event("create", "blob"),
    "blob.push": Event("create", "blob"),
    "blob.quarantine": Event("quarantine", "blob"),
    "blob.repair": Event("repair", "blob"),
    "configuration.update": Event("update", "configuration"),
    "immutablerule.create": Event("create", "immutablerule"),
    "immutablerule.delete": Event("delete", "immutablerule"),
    "immutablerule.update": Event("update", "immutablerule"),
    "job.enqueue": Event("create", "job"),
    "job.stop": Event("stop", "job"),
    "label.attach": Event("attach", "label"),
    "label.create": Event("create", "label"),
    "label.delete": Event("delete", "label"),
    "label.detach": Event("detach", "label"),
    "label.update": Event("update", "label"),
    "manifest.copy": Event("create", "artifact"),
    "manifest.delete": Event("delete", "artifact"),
    "manifest.pull": Event("pull", "artifact"),
    "manifest.push": Event("create", "artifact"),
    "manifest.quarantine": Event("quarantine", "artifact"),
    "manifest.repair": Event("repair", "artifact"),
    "member.add": Event("create", "member"),
    "member.remove": Event("delete", "member"),
    "member.update": Event("update", "member"),
    "project.create": Event("create", "project"),
    "project.delete": Event("delete", "project"),
    "project.update": Event("update", "project"),
    "queue.pause": Event("pause", "queue"),
    "queue.resume": Event("resume", "queue"),
    "queue.stop": Event("stop", "queue"),
    "quota.exceed": Event("exceed", "quota"),
    "quota.update": Event("update", "quota"),
    "quota.warn": Event("warn", "quota"),
    "repository.clear": Event("clear", "repository"),
    "repository.create": Event("create", "repository"),
    "repository.delete": Event("delete", "repository"),
    "repository.update": Event("update", "repository"),
    "retention.clean": Event("clean", "retention"),
    "retention.create": Event("create", "retention"),
    "retention.delete": Event("delete", "retention"),
    "retention.run": Event("run", "retention"),
    "retention.stop": Event("stop", "retention"),
    "retention.update": Event("update", "retention"),
    "robot.create": Event("create", "robot"),
    "robot.delete": Event("delete", "robot"),
    "robot.refresh_secret": Event("update", "robot"),
    "robot.update": Event("update", "robot"),
    "schedule.delete": Event("delete", "schedule"),
    "schedule.set": Event("update", "schedule"),
    "schedules.pause": Event("pause", "schedule"),
    "schedules.resume": Event("resume", "schedule"),
    "signingkey.create": Event("create", "signingkey"),
    "tag.create": Event("create", "tag"),
    "tag.delete": Event("delete", "tag"),
    "usage.recount": Event("recount", "quota"),
    "user.create": Event("create", "user"),
    "user.delete": Event("delete", "user"),
    "user.login": Event("login", "user"),
    "user.login_failed": Event("login", "user"),
    "user.logout": Event("logout", "user"),
    "user.set_active": Event("update", "user"),
    "user.set_admin": Event("update", "user"),
    "user.set_password": Event("update", "user"),
    "user.update": Event("update", "user"),
    "usergroup.create": Event("create", "usergroup"),
    "usergroup.delete": Event("delete", "usergroup"),
    "usergroup.update": Event("update", "usergroup"),
    "webhook.create": Event("create", "webhook"),
    "webhook.delete": Event("delete", "webhook"),
    "webhook.update": Event("update", "webhook"),
}
"""By action."""

TYPES = tuple(sorted({event.type for event in EVENTS.values()}))
"""Every event type."""

OTHER = "other"
"""What clients call all event types but those that Harbor lists by themselves, the busiest three."""

_LISTED = {"create_artifact", "delete_artifact", "pull_artifact"}

# The older of Harbor's two audit logs knows these only.
LEGACY = frozenset(
    action
    for action, event in EVENTS.items()
    if event.resource_type in {"artifact", "tag", "repository", "project"}
    and event.operation in {"create", "delete", "pull"}
)


SUCCEEDED = ("success", "started")
"""The results of what was done; any other says why it was not."""


def event_of(action: str) -> Event:
    """The action in Harbor's words; one that another version has recorded in its own."""
    resource_type, _, operation = action.partition(".")
    return EVENTS.get(action) or Event(operation, resource_type)


def actions_of(words: Collection[str]) -> set[str]:
    """The actions that are meant by event types (`create_artifact`), `other`, or operations (`create`).

    Operations are the words of the older audit log, and mean what that one knows.
    """

    def meant(action: str, event: Event) -> bool:
        by_type = event.type in words or (OTHER in words and event.type not in _LISTED)
        return by_type or (action in LEGACY and event.operation in words)

    return {action for action, event in EVENTS.items() if meant(action, event)}


def succeeded(entry: Entry) -> bool:
    """Whether what the entry tells of was done."""
    return entry.result in SUCCEEDED


def described(entry: Entry) -> str:
    """The entry in a few words."""
    event = event_of(entry.action)
    times = f" ({entry.count} times)" if entry.count > 1 else ""
    failure = "" if succeeded(entry) else f": {entry.result}"
    return f"{event.operation} {event.resource_type} {entry.target}{times}{failure}"
