"""What the journal tells of the data plane."""

import pytest
from django.conf import settings

from audit.ingestion import ingest
from registry.oci.names import digest_of
from tests.registry.conftest import BASE, REPOSITORY, entries, expect, push, upload
from tests.support.images import image

FROM = {"x_request_id": "request-0815", "user_agent": "docker/27.0"}
DATA = b"a layer"
DIGEST = digest_of(DATA)


def assert_origin(entry, request_id="request-0815"):
    assert (entry.actor, entry.kind, entry.credential) == ("tester", "user", "credential of tester")
    assert (entry.address, entry.user_agent) == ("192.0.2.7", "docker/27.0")
    assert entry.request_id == request_id
    assert (entry.project, entry.result) == ("library", "success")


def test_pushing_a_blob(client):
    expect(client.post(f"{BASE}/blobs/uploads/?digest={DIGEST}", DATA, **FROM), 201)
    created, pushed = entries()
    assert (created.action, created.target) == ("repository.create", REPOSITORY)
    assert (pushed.action, pushed.target) == ("blob.push", f"{REPOSITORY}@{DIGEST}")
    assert pushed.after == {"digest": DIGEST, "size": len(DATA)}
    assert_origin(created)
    assert_origin(pushed)


def test_a_blob_in_chunks_is_one_push(client):
    location = client.post(f"{BASE}/blobs/uploads/").location
    client.patch(location, DATA)
    client.put(f"{location}?digest={DIGEST}", **FROM)
    (entry,) = entries("blob.push")
    assert_origin(entry)


def test_pushing_a_manifest_and_moving_its_tag(client):
    old, new = push(client, image("old"), "latest"), push(client, image("new"))
    client.put(f"{BASE}/manifests/latest", new.data, content_type=new.media_type, **FROM)
    entry = entries("manifest.push")[-1]
    assert entry.target == f"{REPOSITORY}:latest"
    assert entry.before == {"tags": {"latest": old.digest}}
    assert entry.after == {
        "digest": new.digest,
        "media_type": new.media_type,
        "size": len(new.data),
        "tags": ["latest"],
    }
    assert_origin(entry)


def test_deleting(client):
    content = push(client, image(), "latest", "v1")
    client.delete(f"{BASE}/manifests/v1", **FROM)
    client.delete(f"{BASE}/manifests/{content.digest}", **FROM)
    client.delete(f"{BASE}/blobs/{content.blobs[0].digest}", **FROM)
    tag, manifest, blob = entries("tag.delete", "manifest.delete", "blob.delete")
    assert (tag.target, tag.before) == (f"{REPOSITORY}:v1", {"digest": content.digest})
    assert manifest.target == f"{REPOSITORY}@{content.digest}"
    assert manifest.before == {"digest": content.digest, "media_type": content.media_type, "tags": ["latest"]}
    assert blob.target == f"{REPOSITORY}@{content.blobs[0].digest}"
    for entry in (tag, manifest, blob):
        assert_origin(entry)


def test_mounting(client):
    upload(client, DATA, repository="library/source")
    client.post(f"{BASE}/blobs/uploads/?mount={DIGEST}&from=library/source", **FROM)
    assert_origin(entries("blob.mount")[0])


@pytest.mark.parametrize("reference", ["latest", "digest"])
def test_pulls_come_through_the_spool(client, reference):
    content = push(client, image(), "latest")
    reference = content.digest if reference == "digest" else reference
    target = f"{REPOSITORY}@{reference}" if reference == content.digest else f"{REPOSITORY}:{reference}"
    client.get(f"{BASE}/manifests/{reference}", **FROM)
    client.get(f"{BASE}/manifests/{reference}", **FROM | {"x_request_id": "another-one"})
    client.get(f"{BASE}/manifests/{reference}", user_agent="podman/5")
    assert not entries("manifest.pull")
    while ingest(settings.SPOOL_DIR):
        pass
    twice, once = entries("manifest.pull")
    assert_origin(twice)
    assert (twice.target, twice.count) == (target, 2)
    assert (once.user_agent, once.count) == ("podman/5", 1)


def test_only_what_gives_a_manifest_away_is_a_pull(client):
    content = push(client, image(), "latest")
    url = f"{BASE}/manifests/latest"
    for _ in range(2):
        client.head(url)
        client.get(url, if_none_match=f'"{content.digest}"')
        client.get(f"{BASE}/manifests/none")
        client.get(f"{BASE}/blobs/{content.blobs[0].digest}")
    ingest(settings.SPOOL_DIR)
    assert not entries("manifest.pull")


def test_what_fails_is_not_told_as_done(client):
    upload(client, DATA)
    before = len(entries())
    client.post(f"{BASE}/blobs/uploads/?digest={digest_of(b'other')}", DATA)
    client.put(f"{BASE}/manifests/latest", image().data, content_type=image().media_type)
    client.delete(f"{BASE}/manifests/latest")
    client.delete(f"{BASE}/blobs/{digest_of(b'other')}")
    client.post(f"{BASE}/blobs/uploads/?mount={digest_of(b'other')}&from=library/none")
    assert len(entries()) == before


def test_hostile_origins_are_cut_to_size(client):
    client.post(f"{BASE}/blobs/uploads/?digest={DIGEST}", DATA, user_agent=b"\xff" * 10_000)
    entry = entries("blob.push")[0]
    assert entry.user_agent == "ÿ" * 255
    assert len(entry.request_id) > 8


def test_forwarded_addresses_count_only_behind_a_proxy_of_ours(client, settings):
    from ipaddress import ip_network

    headers = {"x_forwarded_for": "203.0.113.5, 198.51.100.9, 192.0.2.8"}
    client.post(f"{BASE}/blobs/uploads/?digest={DIGEST}", DATA, **headers)
    settings.TRUSTED_PROXIES = [ip_network("192.0.2.0/24")]
    client.post(f"{BASE}/blobs/uploads/?digest={DIGEST}", DATA, **headers)
    client.post(f"{BASE}/blobs/uploads/?digest={DIGEST}", DATA, x_forwarded_for="nonsense, 192.0.2.8")
    assert [entry.address for entry in entries("blob.push")] == ["192.0.2.7", "198.51.100.9", "192.0.2.7"]
