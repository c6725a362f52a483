"""What there is to read, change and delete in a world, for the REST API: made by its administrator over the API itself."""

import json
import re
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.test import Client as Site

from audit.models import Entry
from portal.configuration.services import forget
from portal.labels.models import ArtifactLabel
from portal.projects.models import Member, Project
from registry.models import Manifest, Repository, Tag
from tests.authz.world import PASSWORD, World

BASE = "/api/v2.0"
DIGEST = f"sha256:{'a' * 64}"
ARTIFACT = "/projects/<p>/repositories/<r>/artifacts/<a>"


def bodies(name: str, project: int) -> dict[str, Any]:
    """The body of each row that has one; what it makes is called `name`."""
    matches = {"kind": "doublestar", "decoration": "matches", "pattern": name}
    everywhere = {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]}
    rule = {"action": "immutable", "template": "immutable_template", "tag_selectors": [matches]}
    label = {"name": name, "color": "#FF0000"}
    webhook = {"name": name, "event_types": ["PUSH_ARTIFACT"], "targets": [{"type": "http", "address": "http://[::1]"}]}
    retention = {"algorithm": "or", "rules": [], "scope": {"level": "project", "ref": project}}
    access = {"kind": "project", "namespace": "project", "access": [{"resource": "tag", "action": "list"}]}
    system = {"kind": "system", "namespace": "/", "access": [{"resource": "catalog", "action": "read"}]}
    robot = {"name": name, "level": "project", "duration": 1, "permissions": [access]}
    machine = {"name": name, "level": "system", "duration": 1, "permissions": [system]}
    user = {"username": name, "password": PASSWORD, "email": f"{name}@example.org", "realname": name}
    daily = {"schedule": {"type": "Daily", "cron": "0 0 0 * * *"}}
    purge = daily | {"parameters": {"audit_retention_hour": 24, "include_event_types": "create_artifact"}}
    return {
        "POST /system/gc/schedule": daily,
        "PUT /system/gc/schedule": daily,
        "POST /system/purgeaudit/schedule": purge,
        "PUT /system/purgeaudit/schedule": purge,
        "PUT /jobservice/queues/<queue>": {"action": "pause"},
        "PUT /configurations": {"token_expiration": 30},
        "POST /labels#global": label | {"scope": "g"},
        "POST /labels#project": label | {"scope": "p", "project_id": project},
        "PUT /labels/<label>": label,
        "PUT /labels/<global>": label,
        "POST /projects": {"project_name": name},
        "PUT /projects/<p>": {"metadata": {"auto_scan": "true"}},
        "POST /projects/<p>/members": {"role_id": 3, "member_user": {"username": "stranger"}},
        "PUT /projects/<p>/members/<member>": {"role_id": 4},
        "POST /projects/<p>/metadatas": {"auto_scan": "true"},
        "PUT /projects/<p>/metadatas/<key>": {"severity": "high"},
        "POST /projects/<p>/immutabletagrules": rule | {"scope_selectors": everywhere},
        "PUT /projects/<p>/immutabletagrules/<rule>": rule | {"scope_selectors": everywhere},
        "PUT /projects/<p>/scanner": {"uuid": name},
        "POST /projects/<p>/webhook/policies": webhook,
        "PUT /projects/<p>/webhook/policies/<h>": webhook,
        f"POST {ARTIFACT}/tags": {"name": name},
        "PUT /projects/<p>/repositories/<r>": {"description": name},
        "PUT /quotas/<quota>": {"hard": {"storage": -1}},
        "POST /retentions": retention,
        "PUT /retentions/<policy>": retention,
        "POST /retentions/<policy>/executions": {"dry_run": True},
        "PATCH /retentions/<policy>/executions/<x>": {"action": "stop"},
        "POST /robots#project": robot,
        "POST /robots#system": machine,
        "PUT /robots/<robot>": robot | {"name": "robot$project+stocked"},
        "PUT /robots/<machine>": machine | {"name": "robot$stocked"},
        "POST /usergroups": {"group_name": name, "group_type": 3},
        "PUT /usergroups/<group>": {"group_name": name},
        "POST /users": user,
        "PUT /users/<user>": {"email": f"{name}@example.net", "realname": name},
        "PUT /users/<user>/sysadmin": {"sysadmin_flag": True},
        "PUT /users/<user>/password": {"new_password": "Another-123"},
    }


class Shop:
    """A world with one of everything, and requests for it that leave no trace."""

    def __init__(self, *, public: bool) -> None:
        self.world = World(public).build()
        self._site = Site(raise_request_exception=False)
        self._things: dict[str, Any] = {
            "p": "project",
            "id": self.world.project.pk,
            "r": "app",
            "a": "latest",
            "from": f"{self.world.repository}:latest",
            "tag": "latest",
            "digest": DIGEST,
            "extra": "build_history",
            "key": "severity",
            "quota": self.world.project.pk,
            "member": Member.objects.get(user=self.world.people["guest"]).pk,
            "queue": "all",
            "x": 999,
        }
        self._push()
        self._make()
        self._bodies = bodies("fresh", self.world.project.pk)
        self._bodies[f"POST {ARTIFACT}/labels"] = {"id": self._things["global"]}

    def attempt(self, row: tuple[str, str], authorization: str) -> int:
        """The status; whatever the request did is undone."""
        with transaction.atomic():
            answer = self._send(row, authorization, self._bodies)
            answer.getvalue()  # What is streamed is over only when it was read.
            transaction.set_rollback(True)
        forget()
        return int(answer.status_code)

    def traces(self, row: tuple[str, str], authorization: str) -> tuple[int, list[Entry]]:
        """The status, and what the request left in the journal; it is undone as well."""
        last = Entry.objects.aggregate(last=Max("id"))["last"] or 0
        with transaction.atomic():
            status = self._send(row, authorization, self._bodies).status_code
            entries = list(Entry.objects.filter(id__gt=last).order_by("id"))
            transaction.set_rollback(True)
        forget()
        return int(status), entries

    def _push(self) -> None:
        """An artifact of which only rows exist."""
        repository = Repository.objects.create(namespace=self.world.project.namespace, name=self.world.repository)
        self._manifest = Manifest.objects.create(
            repository=repository, digest=DIGEST, media_type="application/json", payload=b"{}", size=2
        )
        Tag.objects.create(repository=repository, name="latest", manifest=self._manifest)

    def _make(self) -> None:
        made = bodies("stocked", self.world.project.pk)
        for thing, row in {
            "label": "/labels#project",
            "global": "/labels#global",
            "rule": "/projects/<p>/immutabletagrules",
            "h": "/projects/<p>/webhook/policies",
            "policy": "/retentions",
            "robot": "/robots#project",
            "machine": "/robots#system",
            "group": "/usergroups",
            "user": "/users",
        }.items():
            answer = self._send(("POST", row), self.world.headers["admin"][0], made)
            self._things[thing] = int(answer["Location"].rpartition("/")[2])
        Project.objects.filter(pk=self.world.project.pk).update(metadata={"severity": "low"})
        ArtifactLabel.objects.create(label_id=self._things["label"], manifest=self._manifest)

    def _send(self, row: tuple[str, str], authorization: str, known: dict[str, Any]) -> Any:
        method, path = row
        body = known.get(f"{method} {path}", {} if method in {"POST", "PUT", "PATCH"} else None)
        url = re.sub("<([^>]+)>", lambda found: str(self._things[found[1]]), path.partition("#")[0])
        url, _, query = url.partition("?")
        return self._site.generic(
            method,
            BASE + url,
            b"" if body is None else json.dumps(body),
            "application/json",
            QUERY_STRING=query,
            headers={"Authorization": authorization} if authorization else {},
        )
