"""Which manifests refer to another one."""

from urllib.parse import quote

import pytest

from registry.distribution import listings
from registry.oci.names import digest_of
from tests.registry.conftest import BASE, expect, push
from tests.support.images import DOCKER_CONFIG, OCI_CONFIG, OCI_INDEX, OCI_MANIFEST, artifact, image, index, manifest

SIGNATURE, SBOM = "application/vnd.example.signature+json", "application/spdx+json"
SUBJECT = image("subject")


def referrers(client, digest=SUBJECT.digest, query=""):
    return expect(client.get(f"{BASE}/referrers/{digest}{query}"), 200)


def test_a_push_with_a_subject_is_told_that_it_counts(client):
    push(client, SUBJECT)
    content = push(client, artifact(SIGNATURE, subject=SUBJECT))
    answer = client.put(f"{BASE}/manifests/{content.digest}", content.data, content_type=OCI_MANIFEST)
    assert answer.headers["oci-subject"] == SUBJECT.digest
    answer = client.put(f"{BASE}/manifests/latest", SUBJECT.data, content_type=OCI_MANIFEST)
    assert "oci-subject" not in answer.headers


def test_referrers_are_listed_with_all_that_is_known_of_them(client):
    signature = push(client, artifact(SIGNATURE, b"1", subject=SUBJECT, **{"org.example.by": "alice", "empty": ""}))
    plain = push(client, manifest(SUBJECT.blobs[0], [], subject=SUBJECT.descriptor()))
    group = push(client, index([], subject=SUBJECT.descriptor(), artifactType=SBOM))
    bare = push(client, index([], subject=SUBJECT.descriptor()))
    push(client, SUBJECT)  # They may come before it.
    push(client, artifact(SIGNATURE, b"2"))
    answer = referrers(client)
    assert answer.headers["content-type"] == OCI_INDEX
    assert "oci-filters-applied" not in answer.headers
    assert {key: value for key, value in answer.json.items() if key != "manifests"} == {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
    }
    assert answer.json["manifests"] == [
        signature.descriptor(artifactType=SIGNATURE, annotations={"org.example.by": "alice", "empty": ""}),
        plain.descriptor(artifactType=OCI_CONFIG),
        group.descriptor(artifactType=SBOM),
        bare.descriptor(),
    ]


def test_docker_images_may_have_a_subject(client):
    docker = image(docker=True)
    content = manifest(docker.blobs[0], [], media_type=docker.media_type, subject=SUBJECT.descriptor())
    push(client, content)
    assert referrers(client).json["manifests"] == [content.descriptor(artifactType=DOCKER_CONFIG)]


def test_by_type(client):
    signature = push(client, artifact(SIGNATURE, b"1", subject=SUBJECT))
    push(client, artifact(SBOM, b"2", subject=SUBJECT))
    answer = referrers(client, query=f"?artifactType={quote(SIGNATURE)}")
    assert answer.json["manifests"] == [signature.descriptor(artifactType=SIGNATURE)]
    assert answer.headers["oci-filters-applied"] == "artifactType"
    assert referrers(client, query="?artifactType=unknown%E2%9A%93").json["manifests"] == []


@pytest.mark.parametrize("repository", ["library/app", "library/never-pushed-to"])
def test_there_are_none_of_what_nobody_knows(client, repository):
    push(client, SUBJECT)
    answer = expect(client.get(f"/v2/{repository}/referrers/{digest_of(b'unknown')}"), 200)
    assert answer.json == {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}


def test_other_repositories_have_their_own(client):
    push(client, artifact(SIGNATURE, subject=SUBJECT), repository="library/other")
    assert referrers(client).json["manifests"] == []


def test_a_deleted_one_is_gone(client):
    content = push(client, artifact(SIGNATURE, subject=SUBJECT))
    client.delete(f"{BASE}/manifests/{content.digest}")
    assert referrers(client).json["manifests"] == []


def test_of_subjects_with_another_algorithm(client):
    subject = digest_of(b"whatever", "sha512")
    descriptor = {"mediaType": OCI_MANIFEST, "digest": subject, "size": 8}
    content = push(client, manifest(SUBJECT.blobs[0], [], subject=descriptor))
    assert [entry["digest"] for entry in referrers(client, subject).json["manifests"]] == [content.digest]


@pytest.mark.parametrize("query", ["", f"?artifactType={quote(SIGNATURE)}"])
def test_many_come_in_pages(client, monkeypatch, query):
    monkeypatch.setattr(listings, "_PAGE", 2)
    pushed = [push(client, artifact(SIGNATURE, bytes([number]), subject=SUBJECT)).digest for number in range(5)]
    found, sizes, url = [], [], f"{BASE}/referrers/{SUBJECT.digest}{query}"
    while url:
        answer = expect(client.get(url), 200)
        sizes.append(len(answer.json["manifests"]))
        found += [entry["digest"] for entry in answer.json["manifests"]]
        url = answer.headers.get("link", "").partition(">")[0].removeprefix("<")
        assert ("oci-filters-applied" in answer.headers) == bool(query)
    assert found == pushed
    assert sizes == [2, 2, 1]


@pytest.mark.parametrize("last", ["", "x", "-1", "1.5", "٣a"])
def test_a_page_that_was_never_given_out(client, last):
    expect(
        client.get(f"{BASE}/referrers/{SUBJECT.digest}?last={quote(last, safe='%')}"), 400, "PAGINATION_NUMBER_INVALID"
    )


def test_a_page_far_beyond_the_end(client):
    assert referrers(client, query=f"?last={'9' * 500}").json["manifests"] == []


@pytest.mark.parametrize("digest", ["sha256:abc", "latest", "md5:" + "0" * 32])
def test_what_is_no_digest(client, digest):
    expect(client.get(f"{BASE}/referrers/{digest}"), 400, "DIGEST_INVALID")
