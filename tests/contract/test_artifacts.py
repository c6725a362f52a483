"""artifact."""

import pytest

from tests.contract.conftest import Person, Pushed
from tests.contract.specimens import chart, model
from tests.contract.walk import REFUSED, Caller
from tests.support.api import id_of, unique
from tests.support.images import artifact, image, index
from tests.support.registry import Registry

EVERYTHING = {"with_tag": True, "with_label": True, "with_accessory": True, "with_immutable_status": True}


def test_an_artifact_is_found_by_digest_and_by_tag(admin: Caller, pushed: Pushed):
    found = admin("getArtifact", 200, **pushed.here, **EVERYTHING).json()
    assert (found["digest"], found["type"]) == (pushed.manifest.digest, "IMAGE")
    assert found["size"] > len(pushed.manifest.data)
    assert found["extra_attrs"]["architecture"] == "amd64"
    assert [tag["name"] for tag in found["tags"]] == [pushed.tag]
    assert "build_history" in found["addition_links"]
    by_tag = admin("getArtifact", 200, **pushed.place, reference=pushed.tag, **EVERYTHING).json()
    assert by_tag["id"] == found["id"]


def test_artifacts_are_listed_newest_first_and_narrowed(admin: Caller, registry: Registry, pushed: Pushed):
    newer = image(unique("content"))
    registry.push(pushed.name, newer)
    answer = admin("listArtifacts", 200, **pushed.place, **EVERYTHING, page=1, page_size=1)
    assert [row["digest"] for row in answer.json()] == [newer.digest]
    assert answer.headers["X-Total-Count"] == "2"
    assert 'rel="next"' in answer.headers["Link"]
    for q, expected in {
        f"tags={pushed.tag}": [pushed.manifest.digest],
        "tags=*": [pushed.manifest.digest],
        "tags=nil": [newer.digest],
        f"digest={newer.digest}": [newer.digest],
        "type=IMAGE,tags=~nothing": [],
    }.items():
        assert [row["digest"] for row in admin("listArtifacts", 200, **pushed.place, q=q).json()] == expected, q
    admin("listArtifacts", 400, **pushed.place, q="base=other")
    admin("listArtifacts", 422, **pushed.place, page="first")


def test_an_index_tells_its_members_which_are_not_listed_by_themselves(admin: Caller, registry: Registry, project: str):
    content = index([image("one"), image("two", architecture="arm64")])
    registry.push(f"{project}/multi", content, "latest")
    here = {"project_name": project, "repository_name": "multi"}
    listed = admin("listArtifacts", 200, **here).json()
    assert [row["digest"] for row in listed] == [content.digest]
    assert {row["platform"]["architecture"] for row in listed[0]["references"]} == {"amd64", "arm64"}
    assert len(admin("listArtifacts", 200, **here, q="base=*").json()) == 3


def test_artifacts_that_do_not_exist_or_are_not_ones_own(
    admin: Caller, someone: Person, anonymous: Caller, pushed: Pushed
):
    admin("getArtifact", 404, **pushed.place, reference="nothing")
    admin("getArtifact", 404, **pushed.place, reference="sha256:" + "0" * 64)
    admin("deleteArtifact", 404, **pushed.place, reference="nothing")
    admin("listArtifacts", 404, project_name=unique("nothing"), repository_name="app")
    for call, status in ((someone.call, 403), (anonymous, 401)):
        call("getArtifact", status, **pushed.here)
        call("listArtifacts", status, **pushed.place)
        call("deleteArtifact", status, **pushed.here)
        call("listTags", status, **pushed.here)
        call("createTag", status, **pushed.here, body={"name": "mine"})


def test_tags_come_and_go_without_a_push(admin: Caller, pushed: Pushed):
    admin("createTag", 201, **pushed.here, body={"name": "v1"})
    listed = admin("listTags", 200, **pushed.here, with_immutable_status=True, sort="name", page_size=100)
    assert [(tag["name"], tag["immutable"]) for tag in listed.json()] == [(pushed.tag, False), ("v1", False)]
    admin("createTag", 409, **pushed.here, body={"name": "v1"})
    admin("createTag", REFUSED, **pushed.here, body={"name": "not a tag"})
    admin("createTag", REFUSED, **pushed.here, body={})
    admin("deleteTag", 200, **pushed.here, tag_name="v1")
    admin("deleteTag", 404, **pushed.here, tag_name="v1")


def test_labels_are_put_on_an_artifact_and_taken_off(admin: Caller, someone: Person, pushed: Pushed):
    label = id_of(admin("CreateLabel", 201, body={"name": unique("label"), "scope": "g", "color": "#FFFFFF"}))
    admin("addLabel", 200, **pushed.here, body={"id": label})
    shown = admin("getArtifact", 200, **pushed.here, with_label=True).json()
    assert [row["id"] for row in shown["labels"]] == [label]
    assert len(admin("listArtifacts", 200, **pushed.place, q=f"labels=({label})").json()) == 1
    admin("addLabel", 409, **pushed.here, body={"id": label})
    admin("addLabel", 404, **pushed.here, body={"id": 10**9})
    someone.call("addLabel", 403, **pushed.here, body={"id": label})
    admin("removeLabel", 200, **pushed.here, label_id=label)
    admin("removeLabel", 404, **pushed.here, label_id=label)


def test_accessories_belong_to_their_subject(admin: Caller, registry: Registry, pushed: Pushed):
    signature = artifact("application/vnd.dev.cosign.artifact.sig.v1+json", subject=pushed.manifest)
    registry.push(pushed.name, signature)
    found = admin("listAccessories", 200, **pushed.here).json()
    assert [row["digest"] for row in found] == [signature.digest]
    assert found[0]["type"] == "signature.cosign"
    assert found[0]["subject_artifact_digest"] == pushed.manifest.digest
    assert len(admin("listArtifacts", 200, **pushed.place).json()) == 1
    shown = admin("getArtifact", 200, **pushed.here, with_accessory=True).json()
    assert [row["digest"] for row in shown["accessories"]] == [signature.digest]


def test_an_artifact_is_copied_between_repositories(admin: Caller, someone: Person, pushed: Pushed):
    to = {"project_name": pushed.project, "repository_name": "copies/app"}
    source = f"{pushed.name}@{pushed.manifest.digest}"
    created = admin("CopyArtifact", 201, **to, **{"from": source})
    assert admin.request("GET", created.headers["Location"]).json()["digest"] == pushed.manifest.digest
    admin("CopyArtifact", 404, **to, **{"from": f"{pushed.name}:nothing"})
    admin("CopyArtifact", REFUSED, **to, **{"from": "nonsense"})
    someone.call("CopyArtifact", 403, **to, **{"from": source})


def test_an_artifact_is_deleted_with_its_tags(admin: Caller, pushed: Pushed):
    admin("deleteArtifact", 200, **pushed.here)
    admin("getArtifact", 404, **pushed.place, reference=pushed.tag)


def test_the_history_of_an_image_is_an_addition(admin: Caller, pushed: Pushed):
    answer = admin("getAddition", 200, **pushed.here, addition="build_history")
    assert answer.headers["Content-Type"].startswith("application/json")
    assert isinstance(answer.json(), list)
    admin("getAddition", 400, **pushed.here, addition="values.yaml")
    admin("getAddition", 422, **pushed.here, addition="nonsense")


@pytest.mark.parametrize(
    ("addition", "expected"),
    [("readme.md", "# Chart"), ("values.yaml", "replicas: 1"), ("dependencies", "redis")],
)
def test_a_chart_shows_what_is_inside(admin: Caller, registry: Registry, project: str, addition: str, expected: str):
    registry.push(f"{project}/chart", chart(), "1.0.0")
    here = {"project_name": project, "repository_name": "chart", "reference": "1.0.0"}
    assert admin("getArtifact", 200, **here).json()["type"] == "CHART"
    assert expected in admin("getAddition", 200, **here, addition=addition).text


@pytest.mark.parametrize(("addition", "expected"), [("license", "Anybody may use it."), ("files", "model.safetensors")])
def test_a_model_shows_what_is_inside(admin: Caller, registry: Registry, project: str, addition: str, expected: str):
    registry.push(f"{project}/model", model(), "1")
    here = {"project_name": project, "repository_name": "model", "reference": "1"}
    assert admin("getArtifact", 200, **here).json()["type"] == "CNAI"
    assert expected in admin("getAddition", 200, **here, addition=addition).text
