"""The table from the journal's actions to the events of webhooks, and what an event says.

The words and the forms are Harbor's. Types without an action stand for parts that do not stand yet: a policy may name
them, and nothing happens.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from audit.models import Entry
from registry.oci.names import is_digest, repository_in
from registry.services.usage import human, refusal

# Each type of event with the one that CloudEvents have for it.
TYPES = {
    "DELETE_ARTIFACT": "harbor.artifact.deleted",
    "PULL_ARTIFACT": "harbor.artifact.pulled",
    "PUSH_ARTIFACT": "harbor.artifact.pushed",
    "QUOTA_EXCEED": "harbor.quota.exceeded",
    "QUOTA_WARNING": "harbor.quota.warned",
    "REPLICATION": "harbor.replication.status.changed",
    "SCANNING_COMPLETED": "harbor.scan.completed",
    "SCANNING_FAILED": "harbor.scan.failed",
    "SCANNING_STOPPED": "harbor.scan.stopped",
    "TAG_RETENTION": "harbor.tag_retention.finished",
}

Data = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Happening:
    """What an action of the journal is to webhooks. `tell` gives what is special about each event that it stands for."""

    type: str
    tell: Callable[[Entry], list[Data]]


def _artifact(repository: str, digest: str, references: list[str]) -> Data:
    """The resources of an event about an artifact: one for each tag, or the artifact by its digest."""
    host = urlsplit(settings.EXTERNAL_URL).netloc
    resources = [
        {
            "digest": digest,
            "tag": reference,
            "resource_url": f"{host}/{repository}{'@' if is_digest(reference) else ':'}{reference}",
        }
        for reference in references or [digest]
    ]
    return {"resources": resources}


def _list(state: Data, name: str) -> list[Any]:
    """A list in a state; empty where it was too long for the journal, which then tells its size alone."""
    found = state.get(name)
    return found if isinstance(found, list) else []


def _pushed(entry: Entry) -> list[Data]:
    after = entry.after or {}
    return [_artifact(repository_in(entry.target), after.get("digest", ""), _list(after, "tags"))]


def _pulled(entry: Entry) -> list[Data]:
    repository = repository_in(entry.target)
    reference = entry.target.removeprefix(repository)[1:]
    return [_artifact(repository, (entry.after or {}).get("digest", reference), [reference])]


def _deleted(entry: Entry) -> list[Data]:
    before = entry.before or {}
    return [_artifact(repository_in(entry.target), before.get("digest", ""), _list(before, "tags"))]


def _cleared(entry: Entry) -> list[Data]:
    artifacts = _list(entry.before or {}, "artifacts")
    return [_artifact(repository_in(entry.target), artifact["digest"], artifact["tags"]) for artifact in artifacts]


def _exceeded(entry: Entry) -> list[Data]:
    after = entry.after or {}
    told = _detailed(refusal(adding=after["adding"], used=after["used"], limit=after["limit"]))
    if after.get("digest"):
        told["resources"] = [{"digest": after["digest"], "tag": tag} for tag in _list(after, "tags") or [""]]
    return [told]


def _warned(entry: Entry) -> list[Data]:
    after = entry.after or {}
    used, limit = human(after["used"]), human(after["limit"])
    return [_detailed(f"quota usage reach {after['percent']}%: resource storage used {used} of {limit}")]


def _detailed(text: str) -> Data:
    return {"custom_attributes": {"Details": text}}


def _retention(entry: Entry) -> list[Data]:
    after = entry.after or {}
    # Harbor calls every artifact an image here.
    deleted = [{"type": "image", "status": "SUCCESS", "name_tag": name} for name in _list(after, "artifacts")]
    retention = {
        "total": after.get("total", 0),
        "retained": after.get("retained", 0),
        "harbor_hostname": urlsplit(settings.EXTERNAL_URL).hostname,
        "project_name": entry.project,
        "retention_policy_id": after.get("policy"),
        "retention_rule": _list(after, "rules"),
        "result": "SUCCESS",
        "deleted_artifact": deleted,
    }
    return [{"retention": retention}]


HAPPENINGS: Mapping[str, Happening] = {
    "manifest.push": Happening("PUSH_ARTIFACT", _pushed),
    "manifest.copy": Happening("PUSH_ARTIFACT", _pushed),
    "manifest.pull": Happening("PULL_ARTIFACT", _pulled),
    "manifest.delete": Happening("DELETE_ARTIFACT", _deleted),
    "quota.exceed": Happening("QUOTA_EXCEED", _exceeded),
    "quota.warn": Happening("QUOTA_WARNING", _warned),
    "repository.clear": Happening("DELETE_ARTIFACT", _cleared),
    "retention.clean": Happening("TAG_RETENTION", _retention),
}


def payload(entry: Entry, special: Data, *, public: bool, repository_created: int | None) -> Data:
    """The event in the default format. `repository_created` is in seconds, None for a repository that is gone."""
    name = repository_in(entry.target)
    repository: Data = {
        "name": name.partition("/")[2],
        "namespace": entry.project,
        "repo_full_name": name,
        "repo_type": "public" if public else "private",
    }
    if repository_created is not None:
        repository["date_created"] = repository_created
    return {
        "type": HAPPENINGS[entry.action].type,
        "occur_at": int(entry.at.timestamp()),
        "operator": entry.actor,
        "event_data": {**special, **({"repository": repository} if "/" in name else {})},
    }
