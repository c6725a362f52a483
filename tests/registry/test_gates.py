"""Immutable tags, and a registry that is read only."""

import pytest

from audit.origin import SYSTEM
from registry.models import Repository, Tag
from registry.oci.errors import OCIError
from registry.services.copies import copy_manifest
from registry.services.repositories import delete_repository
from tests.registry.conftest import BASE, entries, expect, push, upload
from tests.support.images import image, index

ONE, TWO = image("one"), image("two")


@pytest.fixture
def guarded(client, gate):
    """A repository with the tags `kept`, which is immutable, and `free`."""
    push(client, ONE, "kept", "free")
    gate.immutable = {"kept", "new"}
    return client


def put(client, content, tag):
    return client.put(f"{BASE}/manifests/{tag}", content.data, content_type=content.media_type)


def test_an_immutable_tag_cannot_be_moved(guarded):
    push(guarded, TWO, "other")
    answer = expect(put(guarded, TWO, "kept"), 412, "PRECONDITION")
    assert "configured as immutable, cannot be updated" in answer.errors[0]["message"]
    assert answer.errors[0]["detail"] == {"tags": ["kept"]}
    assert guarded.get(f"{BASE}/manifests/kept").body == ONE.data


def test_but_it_can_be_pushed_where_it_is_and_come_into_being(guarded):
    expect(put(guarded, ONE, "kept"), 201)
    push(guarded, TWO, "new", "free")
    assert guarded.get(f"{BASE}/manifests/new").body == TWO.data


def test_an_immutable_tag_cannot_be_deleted(guarded):
    answer = expect(guarded.delete(f"{BASE}/manifests/kept"), 412, "PRECONDITION")
    assert "configured as immutable, cannot be deleted" in answer.errors[0]["message"]
    expect(guarded.delete(f"{BASE}/manifests/free"), 202)
    assert [tag.name for tag in Tag.objects.all()] == ["kept"]


def test_a_manifest_with_an_immutable_tag_cannot_be_deleted(guarded):
    expect(guarded.delete(f"{BASE}/manifests/{ONE.digest}"), 412, "PRECONDITION")
    assert guarded.get(f"{BASE}/manifests/kept").body == ONE.data
    assert entries("manifest.delete", "tag.delete") == []


def test_a_repository_with_an_immutable_tag_cannot_be_deleted(guarded, gate):
    with pytest.raises(OCIError, match="immutable"):
        delete_repository(origin=SYSTEM, name="library/app")
    gate.immutable = set()
    delete_repository(origin=SYSTEM, name="library/app")
    assert not Repository.objects.filter(name="library/app").exists()


def test_a_copy_does_not_move_an_immutable_tag(guarded):
    push(guarded, TWO, "kept", repository="library/source")
    push(guarded, TWO, "other", repository="library/source")
    for reference in ("kept", "other", TWO.digest):
        with pytest.raises(OCIError, match="tag kept is configured as immutable"):
            copy_manifest(
                origin=SYSTEM, source_repository="library/source", reference=reference, repository="library/app"
            )


def test_an_index_goes_without_a_member_that_an_immutable_tag_names(guarded):
    both = push(guarded, index([ONE, TWO]), "both")
    expect(guarded.delete(f"{BASE}/manifests/{both.digest}"), 202)
    assert guarded.get(f"{BASE}/manifests/kept").body == ONE.data
    expect(guarded.head(f"{BASE}/manifests/{TWO.digest}"), 404)


# --- read only ------------------------------------------------------------------------------------------------------------


def test_a_read_only_registry_refuses_every_change_and_serves(client, gate):
    push(client, ONE, "latest")
    location = client.post(f"{BASE}/blobs/uploads/").location
    gate.closed = True
    for method, url in (
        ("PUT", f"{BASE}/manifests/latest"),
        ("DELETE", f"{BASE}/manifests/latest"),
        ("POST", f"{BASE}/blobs/uploads/"),
        ("PATCH", location),
        ("PUT", f"{location}?digest={ONE.digest}"),
        ("DELETE", location),
        ("DELETE", f"{BASE}/blobs/{ONE.blobs[0].digest}"),
    ):
        answer = expect(client.request(method, url, body=b"content"), 403, "DENIED")
        assert "read only" in answer.errors[0]["message"]
    assert client.get(f"{BASE}/manifests/latest").body == ONE.data
    assert client.get(location).status == 204
    gate.closed = False
    upload(client, b"again")


def test_who_may_not_push_is_not_told_of_it(new_instance, doorkeeper, gate):
    gate.closed = True
    answer = expect(new_instance("").post(f"{BASE}/blobs/uploads/"), 401, "UNAUTHORIZED")
    assert b"read only" not in answer.body
