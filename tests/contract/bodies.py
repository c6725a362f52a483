"""What clients send to make robots, rules, schedules and webhooks."""

from typing import Any

from tests.support.api import unique

EVERYWHERE = {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]}
PURGE = {"audit_retention_hour": 24 * 365, "include_event_types": "create_artifact,delete_artifact", "dry_run": True}
GC = {"delete_untagged": False, "dry_run": True, "workers": 1}


def robot(project: str, **change: Any) -> dict[str, Any]:
    """A robot of a project that pulls."""
    access = [{"resource": "repository", "action": "pull"}, {"resource": "repository", "action": "list"}]
    permission = {"kind": "project", "namespace": project, "access": access}
    return {"name": unique("robot"), "level": "project", "duration": 30, "permissions": [permission]} | change


def tags(pattern: str, **extra: str) -> list[dict[str, str]]:
    """The selectors of tags that match."""
    return [{"kind": "doublestar", "decoration": "matches", "pattern": pattern, **extra}]


def immutable(pattern: str, **change: Any) -> dict[str, Any]:
    """A rule that keeps such tags as they are."""
    rule = {"action": "immutable", "template": "immutable_template", "disabled": False}
    return rule | {"tag_selectors": tags(pattern), "scope_selectors": EVERYWHERE} | change


def retention(project_id: int, *rules: dict[str, Any]) -> dict[str, Any]:
    """A policy that keeps what one of the rules keeps."""
    return {
        "algorithm": "or",
        "rules": list(rules),
        "trigger": {"kind": "Schedule", "settings": {"cron": ""}, "references": {}},
        "scope": {"level": "project", "ref": project_id},
    }


def keep(count: int, pattern: str = "**") -> dict[str, Any]:
    """The rule that keeps the artifacts pushed last."""
    return {
        "action": "retain",
        "template": "latestPushedK",
        "params": {"latestPushedK": count},
        "disabled": False,
        "tag_selectors": tags(pattern, extras='{"untagged":true}'),
        "scope_selectors": EVERYWHERE,
    }


def at(kind: str, parameters: dict[str, Any], cron: str = "") -> dict[str, Any]:
    """A wish for maintenance now (Manual), at times (Daily, Custom) or never (None)."""
    return {"schedule": {"type": kind, "cron": cron}, "parameters": parameters}


def webhook(address: str, **change: Any) -> dict[str, Any]:
    """A policy that tells an address of pushes."""
    target = {"type": "http", "address": address, "skip_cert_verify": True, "payload_format": "Default"}
    told = {"name": unique("hook"), "description": "tells", "enabled": True, "event_types": ["PUSH_ARTIFACT"]}
    return told | {"targets": [target]} | change
