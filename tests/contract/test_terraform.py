"""The habits of Harbor's Terraform provider: what it sends, which statuses it insists on, what it reads from an answer.

It is written in Go: it leaves out what is empty, yet sends empty objects, zero times and members that no contract knows.
It takes the id of all it creates from `Location`, less `/api` and `/v2.0`, and reads and changes it at that address.
"""

import http.client
import json
import re
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.contract.conftest import Person, Pushed
from tests.contract.schema import BASE
from tests.contract.walk import Caller
from tests.support.api import unique
from tests.support.portolan import ADMIN, PASSWORD

NEVER = "0001-01-01T00:00:00Z"
GIBI = 2**30


class Terraform:
    """The provider, logged in as somebody."""

    def __init__(self, url: str, credentials: tuple[str, str] = ADMIN) -> None:
        self._caller = Caller(url, credentials)

    def send(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        """One request, whose status must be exact; gives the JSON of the answer, None where there is no body."""
        answer = self._request(method, path, body)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        return answer.json() if answer.content else None

    def create(self, path: str, body: Any) -> str:
        """Creates something and gives its id, which is a path."""
        answer = self._request("POST", path, body)
        assert answer.status_code == 201, answer.text[:500]
        location = answer.headers["Location"]
        assert location.startswith(f"{BASE}{path.rstrip('/')}/"), location
        return location.replace("/api", "").replace("/v2.0", "")

    def pages(self, path: str) -> list[dict[str, Any]]:
        """A list, page after page until one is empty."""
        found, number = [], 1
        while page := self.send("GET", f"{path}{'&' if '?' in path else '?'}page={number}"):
            found += page
            number += 1
        return found

    def _request(self, method: str, path: str, body: Any) -> Any:
        headers = {"Content-Type": "application/json"}  # Even where there is no body.
        data = b"" if body is None else json.dumps(body).encode() + b"\n"
        return self._caller.request(method, BASE + path, data=data, headers=headers)


@pytest.fixture
def terraform(admin: Caller) -> Terraform:
    return Terraform(admin.url)


def project_body(name: str, **metadata: str) -> dict[str, Any]:
    """How the provider describes a project with a quota of 5 GiB."""
    told = {
        "enable_content_trust": "false",
        "enable_content_trust_cosign": "false",
        "auto_scan": "true",
        "severity": "low",
        "reuse_sys_cve_allowlist": "true",
        "public": "false",
        "prevent_vul": "false",
        "auto_sbom_generation": "false",
        "proxy_speed_kb": "-1",
        "proxy_cache_local_on_not_found": "false",
    }
    return {"project_name": name, "cve_allowlist": {}, "storage_limit": 5 * GIBI, "metadata": told | metadata}


def test_a_project(terraform: Terraform):
    name = unique("project")
    this = terraform.create("/projects", project_body(name))
    assert re.fullmatch(r"/projects/\d+", this)
    found = terraform.send("GET", this)
    assert (found["name"], found["repo_count"]) == (name, 0)
    assert (found["metadata"]["public"], found["metadata"]["auto_scan"]) == ("false", "true")
    assert found["metadata"]["severity"] == "low"
    assert found["cve_allowlist"].get("items", []) == []

    listed = project_body(name, public="true", reuse_sys_cve_allowlist="false")
    listed["cve_allowlist"] = {"items": [{"cve_id": "CVE-2026-0001"}]}
    terraform.send("PUT", this, listed)
    found = terraform.send("GET", this)
    assert found["metadata"]["public"] == "true"
    assert [item["cve_id"] for item in found["cve_allowlist"]["items"]] == ["CVE-2026-0001"]

    assert name in [row["name"] for row in terraform.send("GET", f"/projects?name={name}")]
    terraform.send("DELETE", this)
    terraform.send("GET", this, status=404)


def test_a_quota_is_found_by_walking_all_of_them(terraform: Terraform):
    project = terraform.create("/projects", project_body(unique("project")))
    assert terraform.send("GET", "/configurations")["quota_per_project_enable"]["value"] is True
    number = int(project.rpartition("/")[2])
    quota = next(row for row in terraform.pages("/quotas/?page_size=100") if row["ref"]["id"] == number)
    assert quota["hard"] == {"storage": 5 * GIBI}
    terraform.send("PUT", f"/quotas/{quota['id']}", {"hard": {"storage": 7 * GIBI}})
    assert terraform.send("GET", f"/quotas/{quota['id']}")["hard"] == {"storage": 7 * GIBI}


def test_a_project_is_emptied_before_it_is_destroyed(terraform: Terraform, admin: Caller, pushed: Pushed):
    project = admin("getProject", 200, project_name_or_id=pushed.project).json()["project_id"]
    for row in terraform.pages(f"/projects/{pushed.project}/repositories?page_size=100"):
        name = row["name"].removeprefix(f"{pushed.project}/").replace("/", "%252F")
        terraform.send("DELETE", f"/projects/{pushed.project}/repositories/{name}")
    terraform.send("DELETE", f"/projects/{project}")


def test_a_project_without_a_scanner_has_none(terraform: Terraform, project_id: int):
    """The data source of a project asks for its scanner, and takes 404 for an answer."""
    terraform.send("GET", f"/projects/{project_id}/scanner", status=404)


def test_members(terraform: Terraform, someone: Person, project_id: int):
    path = f"/projects/{project_id}/members"
    body = {"role_id": 2, "member_group": {}, "member_user": {"username": someone.name}}
    this = terraform.create(path, body)
    found = terraform.send("GET", this)
    assert (found["role_id"], found["entity_name"], found["project_id"]) == (2, someone.name, project_id)
    terraform.send("PUT", this, body | {"role_id": 4})
    assert [row["role_id"] for row in terraform.pages(path) if row["entity_name"] == someone.name] == [4]
    terraform.send("DELETE", this)
    terraform.send("GET", this, status=404)


def test_groups_and_their_membership(terraform: Terraform, project_id: int):
    name = unique("group")
    group = terraform.create("/usergroups", {"group_name": name, "group_type": 3})
    found = terraform.send("GET", group)
    assert (found["group_name"], found["group_type"]) == (name, 3)
    assert name in [row["group_name"] for row in terraform.pages("/usergroups")]

    wish = {"role_id": 3, "member_group": {"group_type": 3, "group_name": name}, "member_user": {}}
    member = terraform.create(f"/projects/{project_id}/members", wish)
    assert terraform.send("GET", member)["entity_name"] == name
    terraform.send("PUT", member, wish | {"role_id": 1})
    terraform.send("DELETE", member)
    terraform.send("DELETE", group)
    terraform.send("GET", group, status=404)


def test_a_user(terraform: Terraform):
    name = unique("user")
    body = {"username": name, "password": PASSWORD, "new_password": PASSWORD, "realname": "A", "email": f"{name}@x.org"}
    this = terraform.create("/users", body)
    found = terraform.send("GET", this)
    assert (found["username"], found["realname"], found["sysadmin_flag"]) == (name, "A", False)

    changed = body | {
        "realname": "B",
        "sysadmin_flag": True,
        "password": "Other-Secret-1",
        "new_password": "Other-Secret-1",
    }
    for part in ("", "/sysadmin", "/password"):
        terraform.send("PUT", this + part, changed)
    found = terraform.send("GET", this)
    assert (found["realname"], found["sysadmin_flag"]) == ("B", True)
    assert [row["user_id"] for row in terraform.pages(f"/users?q=username={name},email={name}@x.org")] == [
        found["user_id"]
    ]
    terraform.send("DELETE", this)


def test_a_label_of_a_project(terraform: Terraform, project_id: int):
    body = {"name": unique("label"), "description": "", "color": "#0065AB", "deleted": False, "id": 0}
    this = terraform.create("/labels", body | {"scope": "p", "project_id": project_id})
    assert terraform.send("GET", this)["project_id"] == project_id
    terraform.send("PUT", this, body | {"scope": "p", "project_id": project_id, "color": "#FFFFFF"})
    assert terraform.send("GET", this)["color"] == "#FFFFFF"
    terraform.send("DELETE", this)
    terraform.send("DELETE", terraform.create("/labels", body | {"scope": "g", "project_id": 0}))


def test_robots(terraform: Terraform, project: str, project_id: int):
    name = unique("robot")
    access = [{"action": "pull", "resource": "repository"}, {"action": "push", "resource": "repository"}]
    permissions = [{"access": access, "kind": "project", "namespace": project}]
    body = {"name": name, "level": "project", "duration": -1, "permissions": permissions}
    this = terraform.create("/robots", body)
    number = int(this.rpartition("/")[2])
    terraform.send("PATCH", f"/robots/{number}", {"secret": "Chosen-Secret-1"})
    found = terraform.send("GET", this)
    # The provider takes its own name from behind the project's.
    assert found["name"].split(f"{found['permissions'][0]['namespace']}+")[1] == name
    assert {(row["resource"], row["action"]) for row in found["permissions"][0]["access"]} == {
        ("repository", "pull"),
        ("repository", "push"),
    }
    terraform.send("PUT", this, body | {"name": found["name"], "description": "new", "disable": True})
    found = terraform.send("GET", this)
    assert (found["description"], found["disable"], found["duration"]) == ("new", True, -1)
    listed = terraform.pages(f"/robots?q=Level=project,ProjectID={project_id}")
    assert [row["id"] for row in listed] == [number]
    terraform.send("DELETE", this)


def test_a_robot_of_the_system(terraform: Terraform):
    name = unique("robot")
    permissions = [
        {"access": [{"action": "list", "resource": "project"}], "kind": "system", "namespace": "/"},
        {"access": [{"action": "pull", "resource": "repository"}], "kind": "project", "namespace": "*"},
    ]
    this = terraform.create("/robots", {"name": name, "level": "system", "duration": 7, "permissions": permissions})
    prefix = terraform.send("GET", "/configurations")["robot_name_prefix"]["value"]
    found = terraform.send("GET", this)
    assert found["name"].removeprefix(prefix) == name
    assert {(row["kind"], row["namespace"]) for row in found["permissions"]} == {("system", "/"), ("project", "*")}
    terraform.send("DELETE", this)


def test_a_webhook(terraform: Terraform, project_id: int):
    # Under a slip of its tag, the provider sends the format of the payload under a strange name.
    target = {"type": "http", "auth_header": "", "skip_cert_verify": False, "address": "https://example.org/hook"}
    body = {
        "update_time": NEVER,
        "description": "",
        "creator": "",
        "creation_time": NEVER,
        "enabled": True,
        "targets": [target | {"payload_format:omitempty": "Default"}],
        "event_types": ["PUSH_ARTIFACT", "DELETE_ARTIFACT"],
        "project_id": 0,
        "id": 0,
        "name": unique("hook"),
    }
    this = terraform.create(f"/projects/{project_id}/webhook/policies", body)
    found = terraform.send("GET", this)
    assert {key: found["targets"][0].get(key) or target[key] for key in target} == target
    assert found["event_types"] == body["event_types"]
    terraform.send("PUT", this, body | {"enabled": False})
    assert terraform.send("GET", this)["enabled"] is False
    terraform.send("DELETE", this)


SELECTORS = {
    "scope_selectors": {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]},
    "tag_selectors": [{"kind": "doublestar", "decoration": "excludes", "pattern": "v*"}],
}


def test_an_immutable_rule_is_found_in_the_list(terraform: Terraform, project_id: int):
    path = f"/projects/{project_id}/immutabletagrules"
    body = {"disabled": True, "action": "immutable", "template": "immutable_template", **SELECTORS}
    this = terraform.create(path, body)
    number = int(this.rpartition("/")[2])
    terraform.send("PUT", this, body | {"id": number})
    rule = next(row for row in terraform.send("GET", f"{path}?page=1&page_size=15") if row["id"] == number)
    assert rule["disabled"] is True
    assert (rule["tag_selectors"][0]["decoration"], rule["tag_selectors"][0]["pattern"]) == ("excludes", "v*")
    assert rule["scope_selectors"]["repository"][0]["decoration"] == "repoMatches"
    terraform.send("DELETE", this)


def test_a_retention_policy(terraform: Terraform, project_id: int):
    extras = {"extras": '{"untagged":true}'}
    rule = SELECTORS | {"disabled": False, "action": "retain", "template": "always", "params": {}}
    rule["tag_selectors"] = [SELECTORS["tag_selectors"][0] | extras]
    body = {
        "algorithm": "or",
        "rules": [rule],
        "trigger": {"kind": "Schedule", "references": {}, "settings": {"cron": "0 0 0 * * *"}},
        "scope": {"level": "project", "ref": project_id},
    }
    this = terraform.create("/retentions", body)
    found = terraform.send("GET", this)
    assert found["trigger"]["settings"]["cron"] == "0 0 0 * * *"
    # There can be only one: the provider finds it through its project and replaces it.
    terraform.send("POST", "/retentions", body, status=400)
    known = terraform.send("GET", f"/projects/{project_id}")["metadata"]["retention_id"]
    assert this == f"/retentions/{known}"
    stopped = body | {"rules": [rule | {"disabled": True}], "trigger": body["trigger"] | {"settings": {"cron": ""}}}
    terraform.send("PUT", this, stopped)
    found = terraform.send("GET", this)
    assert (found["rules"][0]["disabled"], found["trigger"]["settings"]["cron"]) == (True, "")


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("/system/gc/schedule", {"delete_untagged": True, "workers": 1}),
        ("/system/purgeaudit/schedule", {"audit_retention_hour": 720, "include_event_types": "create_artifact"}),
    ],
)
def test_a_schedule_of_the_system(terraform: Terraform, path: str, parameters: dict[str, Any]):
    """It asks first, makes one (POST, 201) where the answer is empty, and else changes it (PUT, 200)."""

    def set_to(kind: str, cron: str) -> None:
        body = {"schedule": {"type": kind, "cron": cron}, "parameters": parameters}
        body |= {"creation_time": NEVER, "update_time": NEVER}
        if terraform.send("GET", path) is None:
            terraform.send("POST", path, body, status=201)
        else:
            terraform.send("PUT", path, body)

    for kind, cron in [("Custom", "0 0 3 * * *"), ("Daily", "0 0 0 * * *")]:
        set_to(kind, cron)
        found = terraform.send("GET", path)
        assert (found["schedule"]["type"], found["schedule"]["cron"]) == (kind, cron)
        told = json.loads(found["job_parameters"])
        assert {key: told[key] for key in parameters} == parameters
    set_to("None", "")


def test_settings_of_the_system(terraform: Terraform):
    body = {
        "project_creation_restriction": "everyone",
        "read_only": False,
        "robot_token_duration": 30,
        "token_expiration": 30,
        "session_timeout": 60,
        "quota_per_project_enable": True,
        "robot_name_prefix": "robot$",
        "storage_per_project": -1,
        "scanner_skip_update_pulltime": False,
        "skip_audit_log_database": False,
        "banner_message": "",
        "notification_enable": True,
    }
    terraform.send("PUT", "/configurations", body)
    found = terraform.send("GET", "/configurations")
    assert {key: found[key]["value"] for key in body} == body


def test_the_allowlist_of_the_system(terraform: Terraform):
    terraform.send("PUT", "/system/CVEAllowlist", {"items": [{"cve_id": "CVE-2026-0001"}], "expires_at": 4102444800})
    found = terraform.send("GET", "/system/CVEAllowlist")
    assert ([item["cve_id"] for item in found["items"]], found["expires_at"]) == (["CVE-2026-0001"], 4102444800)
    terraform.send("PUT", "/system/CVEAllowlist", {})
    assert terraform.send("GET", "/system/CVEAllowlist").get("items", []) == []


# --- names instead of numbers, and sessions ----------------------------------------------------------------------------------
def test_names_in_locations(admin: Caller):
    name = unique("project")
    created = admin("createProject", 201, body={"project_name": name}, X_Resource_Name_In_Location=True)
    assert admin.request("GET", created.headers["Location"]).json()["name"] == name
    made = admin("CreateImmuRule", 201, project_name_or_id=name, X_Is_Resource_Name=True, body={
        "action": "immutable", "template": "immutable_template", **SELECTORS,
    })  # fmt: skip
    assert made.headers["Location"].startswith(f"{BASE}/projects/{name}/immutabletagrules/")


def test_a_session_is_refused_once_and_then_brings_the_token(admin: Caller):
    """The provider knows only the cookie `sid`, and learns token and second cookie from the refusal."""
    session = log_in(admin)
    body = json.dumps({"name": unique("label"), "scope": "g"})
    refused = send(admin, [f"sid={session}"], {}, body)
    assert refused.status == 403
    assert len(refused.headers.get_all("X-Harbor-Csrf-Token")) == 1
    cookies = [line.split(";")[0].split("=") for line in refused.headers.get_all("Set-Cookie")]
    second = next(parts[1] for parts in cookies if parts[0] == "_gorilla_csrf")

    token = {"X-Harbor-Csrf-Token": refused.headers["X-Harbor-Csrf-Token"]}
    accepted = send(admin, [f"sid={session}", f"_gorilla_csrf={second}"], token, body)
    assert accepted.status == 201
    assert send(admin, [f"sid={session}"], token, body).status == 403
    assert send(admin, [f"sid={session}", "_gorilla_csrf=forged"], token, body).status == 403


def send(admin: Caller, cookies: list[str], headers: dict[str, str], body: str) -> http.client.HTTPResponse:
    """Creates a label; each cookie in a line of its own, as Go sends them."""
    connection = http.client.HTTPConnection(admin.url.removeprefix("http://"), timeout=60)
    try:
        connection.putrequest("POST", f"{BASE}/labels")
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            connection.putheader(name, value)
        for cookie in cookies:
            connection.putheader("Cookie", cookie)
        connection.endheaders(body.encode())
        answer = connection.getresponse()
        answer.read()
        return answer
    finally:
        connection.close()


def log_in(admin: Caller) -> str:
    """Logs in with the form, as a browser does; gives the cookie of the session."""
    browser = Caller(admin.url)
    greeting = browser.request("GET", f"{BASE}/systeminfo")
    token = {"X-Harbor-CSRF-Token": greeting.headers["X-Harbor-CSRF-Token"]}
    form = urlencode({"principal": ADMIN[0], "password": ADMIN[1]})
    token["Content-Type"] = "application/x-www-form-urlencoded"
    answer = browser.request("POST", "/c/login", data=form, headers=token)
    assert answer.status_code == 200, answer.text
    return answer.cookies["sid"]
