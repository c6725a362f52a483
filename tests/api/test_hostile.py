"""What callers must not learn, gain or break, whatever they send."""

import json
from contextlib import suppress
from itertools import product
from typing import Any

import pytest
from django.test import Client

from audit.models import Entry
from audit.origin import SYSTEM
from portal.access.models import Robot, RobotPermission
from portal.access.robots import Right, robot_create
from portal.access.roles import ROBOT_PROJECT
from portal.accounts.models import User
from portal.accounts.names import username_key
from portal.api import (
    accessories,
    artifacts,
    auditlogs,
    labels,
    projects,
    quotas,
    repositories,
    robots,
    tags,
    users,
    webhooks,
)
from portal.api.wire.query import narrow
from portal.artifacts.selectors import PULL_TIME
from portal.configuration.services import values
from portal.errors import Invalid
from portal.labels.models import Label
from portal.labels.services import label_create
from portal.projects.models import Project, Role
from portal.projects.services import project_create, project_delete, project_update
from portal.quotas.selectors import quotas as quota_rows
from portal.webhooks.models import WebhookPolicy
from registry.models import Manifest, Repository, Tag
from tests.api.conftest import Caller, make_member, make_user
from tests.api.pushing import push
from tests.support.images import Content, image, manifest

pytestmark = [pytest.mark.database, pytest.mark.django_db]

ARTIFACTS = "/projects/apps/repositories/web/artifacts"
POLICIES = "/projects/apps/webhook/policies"
SECRET = "hush-hush"
VALUES = (
    *("1", "~1", "~", "~%", "*", "\\~x", "'\"", "true", "~true", "99999999999", "9223372036854775807"),
    *("[~]", "[1~2]", "[a~b]", "[true~false]", "{}", "()", "(1)", "{1 2}", "{'' \"\"}", "{9223372036854775807 5}"),
    *("0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00", "[0001-01-01~9999-12-31]"),
)


def robot(name: str, *rights: Right, project: Project | None = None) -> Caller:
    """A caller that is a robot with these rights."""
    made, secret = robot_create(name=name, project=project, rights=rights, origin=SYSTEM)
    return Caller(made.full_name, secret)


def raw(caller: Caller, method: str, path: str, content: bytes) -> Any:
    """The answer to a body that nobody's JSON encoder made."""
    site = Client(raise_request_exception=False)
    headers = caller._headers
    return site.generic(method, f"/api/v2.0{path}", content, content_type="application/json", headers=headers)


@pytest.fixture
def webhook(admin: Caller, project: Project) -> str:
    """The path of a webhook policy whose target is sent a secret."""
    target = {"type": "http", "address": "http://collector.example/", "auth_header": f"Bearer {SECRET}"}
    body = {"name": "w", "enabled": True, "event_types": ["PUSH_ARTIFACT"], "targets": [target]}
    location = admin.post(f"/projects/{project.name}/webhook/policies", body)["Location"]
    return location.removeprefix("/api/v2.0")


def test_the_name_of_another_projects_label_is_not_told(project: Project, kept: None) -> None:
    push("apps/web", image(), "latest")
    elsewhere = project_create(name="elsewhere", owner=None, origin=SYSTEM)
    label = label_create(name="acquisition", description="", color="", project=elsewhere, origin=SYSTEM)
    maintainer = make_member(project, "maintainer", Role.MAINTAINER)
    answer = maintainer.delete(f"{ARTIFACTS}/latest/labels/{label.pk}")
    assert answer.status_code == 404
    assert b"acquisition" not in answer.content


def test_a_project_does_not_inherit_the_log_of_one_that_had_its_name(somebody: Caller) -> None:
    first = project_create(name="merger", owner=None, origin=SYSTEM)
    make_member(first, "insider", Role.GUEST)
    project_delete(project=first, origin=SYSTEM)
    assert somebody.post("/projects", {"project_name": "merger"}).status_code == 201
    for path in ("/projects/merger/auditlog-exts", "/projects/merger/logs", "/auditlog-exts", "/audit-logs"):
        assert [row["username"] for row in somebody.get(path).json()] == ["somebody"], path
    exported = b"".join(somebody.get("/auditlog-exts/export").streaming_content)
    assert b"insider" not in exported
    assert b"project.create" in exported


@pytest.mark.parametrize("public", [False, True])
def test_a_robot_lists_repositories_only_where_it_may(public: bool, project: Project, kept: None) -> None:
    push("apps/web", image(), "latest")
    project_update(project=project, settings={"public": "true" if public else "false"}, origin=SYSTEM)
    denied = Right("project", "repository", "list", project, RobotPermission.Effect.DENY)
    callers = {
        robot("tagger", Right("project", "tag", "list", project), project=project): public,
        robot("lister", Right("project", "repository", "list", project), project=project): True,
        robot("everywhere", Right("project", "repository", "list")): True,
        robot("nearly-everywhere", Right("project", "repository", "list"), denied): False,
    }
    for caller, may in callers.items():
        assert caller.get("/projects/apps/repositories").status_code == (200 if may else 403)
        assert bool(caller.get("/repositories").json()) is may
        assert bool(caller.get("/search", q="web").json()["repository"]) is may


def test_a_robot_gives_nobody_a_role_with_rights_that_it_was_not_given(project: Project) -> None:
    make_user("friend")
    staff = robot("staff", *(Right("project", "member", action, project) for action in ("create", "update", "list")))
    deputy = robot("deputy", *(Right("project", *right, project) for right in ROBOT_PROJECT))
    body = {"role_id": int(Role.PROJECT_ADMIN), "member_user": {"username": "friend"}}
    assert staff.post("/projects/apps/members", body).status_code == 403
    place = deputy.post("/projects/apps/members", body)["Location"].removeprefix("/api/v2.0")
    assert staff.put(place, {"role_id": int(Role.MAINTAINER)}).status_code == 403
    assert deputy.put(place, {"role_id": int(Role.MAINTAINER)}).status_code == 200
    assert deputy.put(place, {"role_id": 99}).status_code == 400


def test_a_robot_does_not_pass_on_what_a_public_project_shows_to_everybody(project: Project) -> None:
    project_update(project=project, settings={"public": "true"}, origin=SYSTEM)
    maker = robot("maker", Right("system", "robot", "create"))
    access = [{"resource": "repository", "action": "pull"}]
    wanted = {"kind": "project", "namespace": "apps", "access": access}
    body = {"name": "child", "level": "system", "duration": -1, "permissions": [wanted]}
    assert maker.post("/robots", body).status_code == 403


def test_only_who_may_change_a_webhook_reads_its_header(admin: Caller, project: Project, webhook: str) -> None:
    callers = {admin: True, make_member(project, "owner", Role.PROJECT_ADMIN): True}
    callers[make_member(project, "maintainer", Role.MAINTAINER)] = False
    for caller, may in callers.items():
        for path in (POLICIES, webhook):
            answer = caller.get(path)
            assert answer.status_code == 200
            assert (SECRET.encode() in answer.content) is may


def test_the_password_of_the_journals_collector_is_not_shown(admin: Caller) -> None:
    key = "audit_log_forward_endpoint"
    address, shown = f"https://joe:{SECRET}@logs.example/in?token={SECRET}", "https://***@logs.example/in?***"

    def stored() -> Any:
        return values()[key]

    assert admin.put("/configurations", {key: address}).status_code == 200
    assert admin.get("/configurations").json()[key]["value"] == shown
    assert admin.get("/internalconfig").json()[key]["value"] == shown
    assert admin.put("/configurations", {key: shown}).status_code == 200
    assert stored() == address  # A client that sends back what it was shown changes nothing.
    assert admin.put("/configurations", {key: "logs.example:514"}).status_code == 200
    assert stored() == "logs.example:514"
    assert admin.put("/configurations", {key: f"https://logs.example/{SECRET}"}).status_code == 200
    told = [
        entry.after[key] for entry in Entry.objects.filter(action="configuration.update").order_by("pk") if entry.after
    ]
    assert told == ["https://logs.example", "logs.example:514", "https://logs.example"]
    assert SECRET not in json.dumps([[entry.before, entry.after] for entry in Entry.objects.all()])


def test_the_admin_site_lets_nobody_guess_what_it_hides(admin: Caller) -> None:
    site = Client(raise_request_exception=False)
    site.force_login(User.objects.get(username="admin"), backend="portal.access.sessions.SessionBackend")
    for path, hidden in {
        "accounts/user": "password",
        "access/robot": "secret",
        "webhooks/webhookpolicy": "targets",
    }.items():
        assert site.get(f"/admin/{path}/").status_code == 200
        assert site.get(f"/admin/{path}/", {f"{hidden}__startswith": "a"}).status_code == 400
    assert site.get("/admin/accounts/user/", {"is_admin__exact": "1"}).status_code == 200


def test_lists_bear_every_condition(admin: Caller, project: Project, kept: None) -> None:
    push("apps/web", image(), "latest")
    lists = {
        repositories: Repository.objects.all(),
        artifacts: Manifest.objects.annotate(pull_time=PULL_TIME),
        tags: Tag.objects.annotate(pull_time=PULL_TIME),
        accessories: Manifest.objects.all(),
        projects: Project.objects.all(),
        quotas: quota_rows(),
        labels: Label.objects.all(),
        robots: Robot.objects.annotate(expiry=robots.EXPIRY),
        users: User.objects.all(),
        webhooks: WebhookPolicy.objects.all(),
        auditlogs: Entry.objects.all(),
    }
    for module, rows in lists.items():
        for key, value in product(module.FIELDS, VALUES):
            with suppress(Invalid):
                list(narrow(rows, f"{key}={value}", module.FIELDS)[:1])


@pytest.mark.parametrize("q", ["project_id=~1", "update_time=0001-01-01T00:00:00%2B14:00", "name=()"])
def test_a_condition_that_says_nothing_of_its_key_is_refused(q: str, admin: Caller) -> None:
    assert admin.get("/repositories", q=q).status_code == 400


@pytest.mark.parametrize("body", [{"pattern": "x" * 600}, {"extras": json.dumps({"x": "x" * 2000})}])
def test_a_rule_is_not_an_endless_amount_of_work(body: dict[str, str], admin: Caller, project: Project) -> None:
    tag = {"kind": "doublestar", "decoration": "matches", "pattern": "**"} | body
    scope = {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]}
    rule = {"tag_selectors": [tag, tag], "scope_selectors": scope}
    assert admin.post("/projects/apps/immutabletagrules", rule).status_code == 400


def test_links_lead_to_pages_of_repositories_with_slashes(admin: Caller, project: Project, kept: None) -> None:
    for name in ("one", "two"):
        push("apps/team/web", image(name), name)
    first = admin.get("/projects/apps/repositories/team%252Fweb/artifacts", page_size=1)
    path = first["Link"].removeprefix("</api/v2.0").partition(">")[0]
    second = admin.get(path)
    assert second.status_code == 200
    assert second.json()[0]["digest"] != first.json()[0]["digest"]


@pytest.mark.parametrize("path", ["/labels", "/projects/apps/metadatas/", "/system/gc/schedule"])
def test_a_body_nested_too_deeply_is_refused(path: str, admin: Caller, project: Project) -> None:
    assert raw(admin, "POST", path, b"[" * 100_000).status_code == 400


def test_a_body_that_is_too_large_is_refused(somebody: Caller) -> None:
    assert somebody.post("/labels", {"name": "x" * 20_000_000}).status_code == 413


def test_a_config_nested_deeply_is_shown_or_refused(admin: Caller, project: Project, kept: None) -> None:
    statuses = set()
    for depth in (*range(860, 1000, 4), 50_000):
        nest = "[" * depth + "]" * depth
        config = f'{{"config":{{"Labels":{{"a":"\\u0000\\ud800"}},"n":{nest}}},"history":{nest}}}'
        push(
            "apps/web", manifest(Content("application/vnd.oci.image.config.v1+json", config.encode()), []), f"d{depth}"
        )
        for path in (f"{ARTIFACTS}/d{depth}", f"{ARTIFACTS}/d{depth}/additions/build_history"):
            statuses.add(admin.get(path).status_code)
    assert statuses <= {200, 400}


@pytest.mark.parametrize("text", ["\0", "\ud800", "x" * 5000])
def test_parameters_of_schedules_are_texts_that_can_be_kept(text: str, admin: Caller) -> None:
    parameters = {"audit_retention_hour": 1, "include_event_types": text}
    for when in ("Manual", "Daily"):
        body = {"parameters": parameters, "schedule": {"type": when}}
        assert admin.post("/system/purgeaudit/schedule", body).status_code == 422


@pytest.mark.parametrize("path", ["/api/v2.0/users/current", "/admin/login/", "/admin/"])
def test_a_cookie_that_is_no_session_is_none(path: str, db: None) -> None:
    site = Client(raise_request_exception=False)
    assert site.get(path, headers={"Cookie": 'sid="\\000aaaaaaaaaaa"'}).status_code in (200, 302, 401)


def test_a_name_with_nul_is_nobodys(db: None) -> None:
    answer = Client(raise_request_exception=False).post("/c/login", {"principal": "a\0b", "password": "x"})
    assert answer.status_code == 401


def test_names_far_too_long_are_not_normalized() -> None:
    marks = "a" + "\u0301\u0323" * 500_000  # Sorting these would take hours.
    assert username_key(marks) == marks
