import pytest

from audit.models import Entry
from portal.immutability.models import ImmutableRule
from registry.models import Manifest, Tag
from tests.api.conftest import queries_of
from tests.api.pushing import push
from tests.support.images import image

HERE = "/projects/apps/repositories/web/artifacts/latest/tags"


@pytest.fixture
def pushed(project, kept):
    return push("apps/web", image(), "latest")


def names(caller, **query):
    return [tag["name"] for tag in caller.get(HERE, **query).json()]


def test_tags_come_and_go_without_a_push(admin, pushed):
    created = admin.post(HERE, {"name": "v1"})
    assert created.status_code == 201
    assert created["Location"] == f"/api/v2.0/projects/apps/repositories/web/artifacts/{pushed.digest}/tags/v1"
    assert names(admin) == ["v1", "latest"]
    push("apps/web", image(), "latest")
    assert names(admin) == ["latest", "v1"]
    assert names(admin, q="name=~V") == ["v1"]
    assert names(admin, sort="-name") == ["v1", "latest"]
    assert admin.post(HERE, {"name": "v1"}).status_code == 409
    assert admin.delete(f"{HERE}/v1").status_code == 200
    assert admin.delete(f"{HERE}/v1").status_code == 404
    assert names(admin) == ["latest"]
    actions = Entry.objects.filter(action__startswith="tag.").order_by("id")
    assert list(actions.values_list("action", "target")) == [
        ("tag.create", "apps/web:v1"),
        ("tag.delete", "apps/web:v1"),
    ]


@pytest.mark.parametrize(
    ("body", "status"),
    [({"name": "not a tag"}, 400), ({"name": ""}, 400), ({"name": "x" * 129}, 400), ({}, 422), ({"name": 1}, 422)],
)
def test_what_is_no_tag_is_refused(admin, pushed, body, status):
    assert admin.post(HERE, body).status_code == status
    assert Tag.objects.count() == 1


def test_a_tag_is_only_taken_off_the_artifact_that_has_it(admin, pushed):
    push("apps/web", image("other"), "other")
    assert admin.delete(f"{HERE}/other").status_code == 404
    assert Tag.objects.filter(name="other").exists()


def test_a_rule_makes_tags_immutable(admin, project, pushed):
    selector = {"kind": "doublestar", "decoration": "matches", "pattern": "latest", "extras": ""}
    everywhere = selector | {"decoration": "repoMatches", "pattern": "**"}
    ImmutableRule.objects.create(
        project=project, tag_selectors=[selector], scope_selectors={"repository": [everywhere]}
    )
    admin.post(HERE, {"name": "v1"})
    shown = admin.get(HERE, with_immutable_status="true").json()
    assert {tag["name"]: tag["immutable"] for tag in shown} == {"latest": True, "v1": False}
    assert not any(tag["immutable"] for tag in admin.get(HERE).json())
    assert admin.delete(f"{HERE}/latest").status_code == 412
    assert admin.delete("/projects/apps/repositories/web/artifacts/latest").status_code == 412
    assert admin.delete("/projects/apps/repositories/web").status_code == 412
    assert admin.delete(f"{HERE}/v1").status_code == 200


def test_a_page_takes_the_same_number_of_queries_whatever_its_length(admin, pushed):
    manifest = Manifest.objects.get()

    def fill(count):
        for number in range(count):
            Tag.objects.create(repository_id=manifest.repository_id, manifest=manifest, name=f"t{count}-{number}")

    def ask():
        return admin.get(HERE, page_size=100, with_immutable_status="true")

    fill(1)
    few = queries_of(ask)
    fill(60)
    assert len(ask().json()) == 62
    assert queries_of(ask) == few
