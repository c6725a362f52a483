"""Immutable tags, as a client of the registry meets them."""

import pytest

from tests.support.api import Api, unique
from tests.support.images import image
from tests.support.portolan import ADMIN, Portolan


def selector(decoration: str, pattern: str) -> dict[str, str]:
    return {"kind": "doublestar", "decoration": decoration, "pattern": pattern}


@pytest.fixture
def repository(portolan_server: Portolan) -> str:
    """A repository of a project in which tags that begin with v are immutable."""
    api, project = Api(portolan_server.url, ADMIN), unique("project")
    assert api.post("/projects", {"project_name": project}).status_code == 201
    rule = {
        "tag_selectors": [selector("matches", "v*")],
        "scope_selectors": {"repository": [selector("repoMatches", "**")]},
    }
    assert api.post(f"/projects/{project}/immutabletagrules", rule).status_code == 201
    return f"{project}/app"


def test_a_tag_is_pushed_once_and_then_stays(portolan_server: Portolan, repository: str):
    registry = portolan_server.registry()
    first, second = image(unique("content")), image(unique("content"))
    registry.push(repository, first, "v1")
    registry.push(repository, first, "v1")
    registry.push(repository, first, "latest")
    registry.push(repository, second, "latest")

    def put(tag: str):
        headers = {"Content-Type": second.media_type}
        return registry.request("PUT", f"/v2/{repository}/manifests/{tag}", data=second.data, headers=headers)

    refused = put("v1")
    assert refused.status_code == 412
    assert refused.json()["errors"][0]["code"] == "PRECONDITION"
    assert "immutable" in refused.json()["errors"][0]["message"]
    for reference in ("v1", first.digest):
        assert registry.request("DELETE", f"/v2/{repository}/manifests/{reference}").status_code == 412
    assert registry.request("HEAD", f"/v2/{repository}/manifests/v1").headers["Docker-Content-Digest"] == first.digest
    assert put("v2").status_code == 201
