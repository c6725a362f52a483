"""Read your writes: what one instance acknowledged is what every other instance answers with, at once."""

import pytest

from audit.origin import SYSTEM
from registry.models import Namespace, Repository
from registry.oci.names import digest_of
from registry.services.garbage import collect_garbage
from tests.registry.conftest import BASE, expect, push, upload
from tests.support.images import artifact, image

DATA = b"a layer"


@pytest.fixture
def other(new_instance):
    """A client of another instance on the same database and store."""
    return new_instance()


def pulled(client, reference="latest"):
    answer = client.get(f"{BASE}/manifests/{reference}")
    return answer.body if answer.status == 200 else None


def test_a_moved_tag(client, other):
    for number in range(6):
        here, there = (client, other) if number % 2 else (other, client)
        content = push(here, image(str(number)), "latest")
        for _ in range(2):
            assert pulled(there) == pulled(here) == content.data


def test_a_tag_that_was_not_there(client, other):
    push(client, image(), "other")
    assert pulled(other) is None
    content = push(client, image(), "latest")
    assert pulled(other) == content.data


def test_a_deleted_tag(client, other):
    content = push(client, image(), "latest")
    assert pulled(other) == content.data
    client.delete(f"{BASE}/manifests/latest")
    assert pulled(other) is None
    assert pulled(other, content.digest) == content.data


def test_a_deleted_manifest(client, other):
    content = push(client, image(), "latest")
    assert pulled(other) == pulled(other, content.digest) == content.data
    client.delete(f"{BASE}/manifests/{content.digest}")
    assert pulled(other) is pulled(other, content.digest) is None


def test_a_manifest_pushed_as_another_type(client, other):
    body = b'{"schemaVersion": 2, "manifests": []}'
    for media_type in ("application/vnd.example", "application/vnd.oci.image.index.v1+json"):
        expect(client.put(f"{BASE}/manifests/latest", body, content_type=media_type), 201)
        assert other.get(f"{BASE}/manifests/latest").headers["content-type"] == media_type


def test_a_deleted_blob(client, other):
    url = f"{BASE}/blobs/{upload(client, DATA)}"
    assert other.get(url).body == DATA
    client.delete(url)
    expect(other.get(url), 404, "BLOB_UNKNOWN")
    upload(client, DATA)
    assert other.get(url).body == DATA


def test_a_collected_blob(client, other):
    from datetime import timedelta

    url = f"{BASE}/blobs/{upload(client, DATA)}"
    assert other.get(url).body == DATA
    collect_garbage(grace=timedelta(0))
    expect(other.get(url), 404)


def test_lists(client, other):
    push(client, image(), "latest")
    subject = image("subject")
    for name in ("a", "b"):
        push(client, artifact("text/plain", name.encode(), subject=subject), name)
        assert name in other.get(f"{BASE}/tags/list").json["tags"]
    assert len(other.get(f"{BASE}/referrers/{subject.digest}").json["manifests"]) == 2


def test_a_change_elsewhere_does_not_disturb(client, other):
    content = push(client, image(), "latest")
    assert pulled(other) == content.data
    push(client, image(), "latest", repository="library/neighbour")
    assert pulled(other) == content.data


@pytest.mark.parametrize("again", [image("again"), image()], ids=["with other content", "with the same"])
def test_a_namespace_that_was_removed_and_made_anew(client, other, doorkeeper, again):
    push(client, image(), "latest")
    assert pulled(other) == image().data
    Repository.objects.all().delete()
    Namespace.objects.all().delete()
    expect(other.get(f"{BASE}/manifests/latest"), 403, "DENIED")
    Namespace.objects.create(name="library")
    expect(other.get(f"{BASE}/manifests/latest"), 404, "NAME_UNKNOWN")
    push(client, again, "latest")
    assert pulled(other) == again.data


def test_a_repository_made_anew_is_not_taken_for_the_old_one(client, other):
    """Nobody asked for it in between, and it has changed as often as the old one had."""
    push(client, image("old"), "latest")
    assert pulled(other) == image("old").data
    Repository.objects.all().delete()
    push(client, image("new"), "latest")
    assert pulled(other) == image("new").data


def test_the_service_layer_counts_as_well(client):
    from registry.services.tags import delete_tag

    push(client, image(), "latest")
    assert pulled(client) == image().data
    delete_tag(origin=SYSTEM, repository="library/app", tag="latest")
    assert pulled(client) is None
    assert digest_of(image().data) == image().digest
