"""Copies between repositories, and tags given without a push."""

import pytest

from audit.origin import Origin
from registry import selectors
from registry.models import Manifest, Namespace, Tag
from registry.oci.errors import OCIError
from registry.services.copies import copy_manifest
from registry.services.recount import compare
from registry.services.tags import create_tag, delete_tag
from tests.registry.conftest import BASE, entries, expect, push
from tests.support.images import artifact, digest_of, image, index

SOMEBODY = Origin("somebody", "user")
THERE = "/v2/other/copy"


@pytest.fixture
def other(client):
    """Another namespace."""
    return Namespace.objects.create(name="other")


def copy(reference, repository="other/copy"):
    return copy_manifest(origin=SOMEBODY, source_repository="library/app", reference=reference, repository=repository)


def is_whole(client, content) -> bool:
    """Whether the copy can be pulled with all it refers to."""
    manifest = client.get(f"{THERE}/manifests/{content.digest}")
    blobs = all(client.get(f"{THERE}/blobs/{blob.digest}").body == blob.data for blob in content.blobs)
    return manifest.body == content.data and blobs and all(is_whole(client, member) for member in content.members)


@pytest.mark.parametrize("reference", ["v1", image().digest])
def test_a_copy_has_every_tag(client, other, reference):
    content = push(client, image(), "v1", "latest")
    push(client, image("other"), "v2")
    assert copy(reference) == content.digest
    assert is_whole(client, content)
    assert client.get(f"{THERE}/tags/list").json["tags"] == ["latest", "v1"]
    (entry,) = entries("manifest.copy")
    assert (entry.actor, entry.project, entry.target) == ("somebody", "other", f"other/copy@{content.digest}")
    assert entry.after == {"digest": content.digest, "from": f"library/app@{content.digest}", "tags": ["latest", "v1"]}


def test_what_people_see_of_it_is_the_same(client, other):
    push(client, image(), "v1")
    copy("v1")
    seen = ("kind", "extra_attrs", "config_media_type", "total_size", "media_type", "artifact_type", "annotations")
    here, there = Manifest.objects.order_by("pk").values(*seen)
    assert here == there
    assert here["kind"] == "IMAGE"


def test_an_index_is_copied_with_its_members_and_accessories(client, other):
    one, two = image("one"), image("two")
    both = push(client, index([one, index([two])]), "both")
    sbom = push(client, artifact("text/plain", b"sbom", subject=one))
    seal = push(client, artifact("text/plain", b"signature", subject=sbom))
    old = push(client, image("old signature"), f"sha256-{both.digest.removeprefix('sha256:')}.sig", "beside")
    push(client, image("unrelated"), "unrelated")
    copy("both")
    assert all(is_whole(client, content) for content in (both, sbom, seal, old))
    assert set(client.get(f"{THERE}/tags/list").json["tags"]) == {
        "both",
        f"sha256-{both.digest.removeprefix('sha256:')}.sig",
    }
    assert Manifest.objects.filter(repository__name="other/copy").count() == 7


def test_a_copy_counts_for_its_namespace(client, other, gate):
    content = push(client, image(), "v1")
    size = len(content.data) + sum(len(blob.data) for blob in content.blobs)
    gate.limits[other.pk] = size - 1
    with pytest.raises(OCIError, match="upper limit"):
        copy("v1")
    assert not Manifest.objects.filter(repository__name="other/copy").exists()
    refused = [gate.refused[0][name] for name in ("repository", "digest", "tags")]
    assert refused == ["other/copy", content.digest, ["v1"]]
    gate.limits[other.pk] = size
    copy("v1")
    assert compare(other.pk) == (size, size)


def test_copying_again_changes_nothing(client, other):
    content = push(client, image(), "v1")
    copy("v1")
    before = selectors.usage(other.pk)
    copy("v1")
    assert is_whole(client, content)
    assert selectors.usage(other.pk) == before


def test_a_copy_moves_a_tag_and_tells_where_it_was(client, other):
    old = push(client, image("old"), "v1", repository="other/copy")
    push(client, image("new"), "v1")
    copy("v1")
    assert client.get(f"{THERE}/manifests/v1").body == image("new").data
    assert entries("manifest.copy")[0].before == {"tags": {"v1": old.digest}}


@pytest.mark.parametrize("reference", ["nothing", digest_of(b"nothing")])
def test_what_is_not_there_cannot_be_copied(client, other, reference):
    with pytest.raises(OCIError, match="repository name not known"):
        copy(reference)
    push(client, image(), "v1")
    with pytest.raises(OCIError, match="manifest unknown"):
        copy(reference)


@pytest.mark.parametrize(("name", "told"), [("nowhere/copy", "does not exist"), ("Other/Copy", "invalid repository")])
def test_nothing_is_copied_to_where_nothing_can_be(client, other, name, told):
    push(client, image(), "v1")
    with pytest.raises(OCIError, match=told):
        copy("v1", name)


# --- tags -------------------------------------------------------------------------------------------------------------------


def test_a_manifest_is_given_another_tag(client):
    content = push(client, image(), "v1")
    create_tag(origin=SOMEBODY, repository="library/app", digest=content.digest, tag="v2")
    assert client.get(f"{BASE}/manifests/v2").body == content.data
    (entry,) = entries("tag.create")
    assert (entry.target, entry.after) == ("library/app:v2", {"digest": content.digest})
    delete_tag(origin=SOMEBODY, repository="library/app", tag="v2")
    expect(client.get(f"{BASE}/manifests/v2"), 404)


def test_a_tag_that_exists_is_not_taken_away_from_its_manifest(client):
    one, two = push(client, image("one"), "one"), push(client, image("two"), "two")
    for digest in (one.digest, two.digest):
        with pytest.raises(OCIError, match="already") as raised:
            create_tag(origin=SOMEBODY, repository="library/app", digest=digest, tag="two")
        assert raised.value.status == 409
    assert client.get(f"{BASE}/manifests/two").body == two.data


@pytest.mark.parametrize(
    ("repository", "digest", "tag", "status"),
    [
        ("library/nothing", image().digest, "v2", 404),
        ("library/app", digest_of(b"nothing"), "v2", 404),
        ("library/app", image().digest, "not a tag", 400),
        ("library/app", image().digest, "v" * 129, 400),
    ],
)
def test_a_tag_that_cannot_be(client, repository, digest, tag, status):
    push(client, image(), "v1")
    with pytest.raises(OCIError) as raised:
        create_tag(origin=SOMEBODY, repository=repository, digest=digest, tag=tag)
    assert raised.value.status == status
    assert [found.name for found in Tag.objects.all()] == ["v1"]
