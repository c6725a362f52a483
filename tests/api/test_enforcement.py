"""What is decided through the REST API holds for docker: on a real server, seen by a registry client."""

import base64
import json
import time

import pytest
import requests

from tests.support.api import Api, id_of, unique
from tests.support.images import image
from tests.support.portolan import ADMIN
from tests.support.registry import Registry

pytestmark = pytest.mark.slow


@pytest.fixture
def api(portolan_server) -> Api:
    return Api(portolan_server.url, ADMIN)


@pytest.fixture
def project(api) -> str:
    name = unique("enforced")
    assert api.post("/projects", {"project_name": name}).status_code == 201
    return name


def refusal(caught: pytest.ExceptionInfo[requests.HTTPError]) -> tuple[int, dict]:
    response = caught.value.response
    return response.status_code, response.json()["errors"][0]


def test_a_push_beyond_the_quota_is_refused_and_told(portolan_server, api, project):
    quota = api.get(
        "/quotas", params={"reference": "project", "reference_id": api.get(f"/projects/{project}").json()["project_id"]}
    )
    (row,) = quota.json()
    assert api.put(f"/quotas/{row['id']}", {"hard": {"storage": 2000}}).status_code == 200

    docker = portolan_server.registry()
    docker.push(f"{project}/app", image("small"), "1")
    with pytest.raises(requests.HTTPError) as caught:
        docker.push(f"{project}/app", image("x" * 5000, layers=3), "2")
    status, error = refusal(caught)
    assert (status, error["code"]) == (403, "DENIED")
    assert "will exceed the configured upper limit of" in error["message"]
    assert docker.tags(f"{project}/app") == ["1"]
    used = api.get(f"/quotas/{row['id']}").json()["used"]["storage"]
    assert 0 < used <= 2000

    assert api.delete(f"/projects/{project}/repositories/app/artifacts/1").status_code == 200
    assert api.get(f"/quotas/{row['id']}").json()["used"]["storage"] < used


def test_an_immutable_tag_can_be_neither_moved_nor_deleted(portolan_server, api, project):
    docker = portolan_server.registry()
    docker.push(f"{project}/app", image("first"), "v1")
    rule = {
        "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": "v*"}],
        "scope_selectors": {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]},
        "action": "immutable",
        "template": "immutable_template",
    }
    assert api.post(f"/projects/{project}/immutabletagrules", rule).status_code == 201
    with pytest.raises(requests.HTTPError) as caught:
        docker.push(f"{project}/app", image("second"), "v1")
    assert refusal(caught)[0] == 412
    docker.push(f"{project}/app", image("second"), "latest")
    assert api.delete(f"/projects/{project}/repositories/app/artifacts/v1/tags/v1").status_code == 412
    assert api.delete(f"/projects/{project}/repositories/app/artifacts/v1").status_code == 412
    assert api.delete(f"/projects/{project}/repositories/app").status_code == 412
    assert sorted(docker.tags(f"{project}/app")) == ["latest", "v1"]


def test_a_read_only_registry_serves_pulls_and_refuses_pushes(start_portolan):
    server = start_portolan()
    api, docker = Api(server.url, ADMIN), server.registry()
    docker.push("library/app", image("here"), "1")
    assert api.put("/configurations", {"read_only": True}).status_code == 200

    def refused() -> bool:
        try:
            docker.push("library/app", image(unique("text")), "2")
        except requests.HTTPError as error:
            return "read" in error.response.json()["errors"][0]["message"] and error.response.status_code == 403
        return False

    deadline = time.monotonic() + 30
    while not refused():
        assert time.monotonic() < deadline, "the registry never became read-only"
    assert docker.pull("library/app", "1").digest == image("here").digest
    assert api.post("/projects", {"project_name": "new"}).status_code == 403
    assert api.put("/configurations", {"read_only": False}).status_code == 200


def test_tokens_live_as_long_as_is_configured(start_portolan):
    server = start_portolan()
    assert Api(server.url, ADMIN).put("/configurations", {"token_expiration": 5}).status_code == 200

    def lifetime() -> int:
        return requests.get(
            f"{server.url}/service/token", params={"service": "harbor-registry"}, auth=ADMIN, timeout=30
        ).json()["expires_in"]

    deadline = time.monotonic() + 30
    while lifetime() != 300:
        assert time.monotonic() < deadline, "the lifetime never changed"
    token = requests.get(f"{server.url}/service/token", params={"service": "harbor-registry"}, auth=ADMIN, timeout=30)
    payload = token.json()["token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert claims["exp"] - claims["iat"] == 300


def test_a_robot_may_do_what_it_was_given_until_it_is_disabled(portolan_server, api, project):
    body = {
        "name": "ci",
        "level": "project",
        "duration": -1,
        "permissions": [
            {"kind": "project", "namespace": project, "access": [{"resource": "repository", "action": "pull"}]}
        ],
    }
    created = api.post("/robots", body)
    robot = created.json()
    docker = Registry(portolan_server.url, (robot["name"], robot["secret"]))
    portolan_server.registry().push(f"{project}/app", image("robots"), "1")
    assert docker.pull(f"{project}/app", "1").digest == image("robots").digest
    with pytest.raises(requests.HTTPError):
        docker.push(f"{project}/app", image("more"), "2")

    location = f"/robots/{id_of(created)}"
    assert api.put(location, api.get(location).json() | {"disable": True}).status_code == 200
    with pytest.raises(requests.HTTPError) as caught:
        Registry(portolan_server.url, (robot["name"], robot["secret"])).pull(f"{project}/app", "1")
    assert caught.value.response.status_code == 401


def test_only_administrators_create_projects_where_that_is_configured(start_portolan):
    server = start_portolan()
    api = Api(server.url, ADMIN)
    person = {"username": "paula", "email": "paula@example.com", "realname": "Paula", "password": "Secret-123"}
    assert api.post("/users", person).status_code == 201
    paula = Api(server.url, ("paula", "Secret-123"))
    assert paula.post("/projects", {"project_name": "hers"}).status_code == 201
    assert api.put("/configurations", {"project_creation_restriction": "adminonly"}).status_code == 200
    deadline = time.monotonic() + 30
    while (answer := paula.post("/projects", {"project_name": unique("more")})).status_code == 201:
        assert time.monotonic() < deadline, "the restriction never came into force"
    assert answer.status_code == 403
    assert api.post("/projects", {"project_name": "ours"}).status_code == 201
