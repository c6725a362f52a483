"""Pushing, pulling and deleting manifests and tags."""

import json

import pytest

from registry.models import ManifestBlob, ManifestChild
from registry.oci.names import digest_of
from tests.registry.conftest import BASE, REPOSITORY, expect, push, upload
from tests.support.images import (
    OCI_CONFIG,
    OCI_INDEX,
    OCI_MANIFEST,
    Content,
    Manifest,
    artifact,
    image,
    index,
    manifest,
)

ARTIFACT = "application/vnd.oci.artifact.manifest.v1+json"
CONFIG = Content(OCI_CONFIG, b"{}")


def put(client, document, reference="latest", content_type=OCI_MANIFEST):
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return client.put(f"{BASE}/manifests/{reference}", body, content_type=content_type)


def image_document(**changes):
    return {"schemaVersion": 2, "config": CONFIG.descriptor(), "layers": []} | changes


def old_artifact():
    blob = Content("application/spdx+json", b"a bill of materials")
    document = {"mediaType": ARTIFACT, "artifactType": "application/spdx+json", "blobs": [blob.descriptor()]}
    return Manifest(ARTIFACT, json.dumps(document).encode(), blobs=(blob,))


KINDS = {
    "OCI image": image(),
    "Docker image": image(docker=True),
    "OCI index": index([image(), image(architecture="arm64")]),
    "Docker list": index([image(docker=True)], docker=True),
    "empty index": index([]),
    "index of indexes": index([index([image()]), index([])]),
    "artifact": artifact("application/vnd.example.signature"),
    "old artifact": old_artifact(),
    "image without layers": manifest(CONFIG, []),
    "the same blob twice": manifest(CONFIG, [CONFIG, CONFIG]),
}


@pytest.mark.parametrize("content", KINDS.values(), ids=KINDS)
def test_what_is_pushed_comes_back_byte_for_byte(client, content):
    push(client, content, "latest")
    for reference in ("latest", content.digest):
        for _ in range(2):
            answer = expect(client.get(f"{BASE}/manifests/{reference}"), 200)
            assert answer.body == content.data
            assert answer.headers["content-type"] == content.media_type
            assert answer.headers["content-length"] == str(len(content.data))
            assert answer.headers["docker-content-digest"] == content.digest
        head = expect(client.head(f"{BASE}/manifests/{reference}"), 200)
        assert head.body == b""
        assert head.headers | {"x-request-id": ""} == answer.headers | {"x-request-id": ""}


@pytest.mark.parametrize("reference", ["latest", image().digest])
def test_a_push_says_where_the_manifest_is(client, reference):
    content = image()
    push(client, content)
    answer = expect(put(client, content.data, reference), 201)
    assert answer.location == f"{BASE}/manifests/{content.digest}"
    assert answer.headers["docker-content-digest"] == content.digest
    assert client.get(answer.location).body == content.data


def test_a_body_in_pieces(client):
    content = push(client, image())
    pieces = [content.data[start : start + 7] for start in range(0, len(content.data), 7)]
    expect(put_pieces(client, pieces), 201)
    assert client.get(f"{BASE}/manifests/pieces").body == content.data


def put_pieces(client, pieces):
    return client.put(f"{BASE}/manifests/pieces", pieces, content_type=OCI_MANIFEST)


def test_a_body_that_breaks_off_stores_nothing(client):
    content = push(client, image())
    assert put_pieces(client, [content.data, None]).status == 0
    expect(client.head(f"{BASE}/manifests/pieces"), 404)


def test_tags_and_digests_may_be_kept_differently(client):
    content = push(client, image(), "latest")
    assert client.get(f"{BASE}/manifests/latest").headers["cache-control"] == "private, no-cache"
    by_digest = client.get(f"{BASE}/manifests/{content.digest}").headers["cache-control"]
    assert by_digest == "private, max-age=31536000, immutable"


def test_a_client_that_has_it_is_told_so(client):
    content = push(client, image(), "latest")
    for _ in range(2):
        answer = expect(client.get(f"{BASE}/manifests/latest", if_none_match=f'"{content.digest}"'), 304)
        assert answer.headers["docker-content-digest"] == content.digest
        assert answer.headers["cache-control"] == "private, no-cache"
    push(client, image("newer"), "latest")
    expect(client.get(f"{BASE}/manifests/latest", if_none_match=f'"{content.digest}"'), 200)


@pytest.mark.parametrize("accept", ["", "application/json", "text/plain;q=0.1, */*"])
def test_whatever_a_client_accepts_it_gets_what_there_is(client, accept):
    push(client, image(), "latest")
    assert client.get(f"{BASE}/manifests/latest", accept=accept).headers["content-type"] == OCI_MANIFEST


def test_sha512_names_a_manifest_as_well(client):
    layer = b"layer"
    digest = upload(client, layer, algorithm="sha512")
    upload(client, CONFIG.data)
    descriptor = {"mediaType": "application/octet-stream", "digest": digest, "size": 5}
    body = json.dumps(image_document(layers=[descriptor])).encode()
    reference = digest_of(body, "sha512")
    answer = expect(client.put(f"{BASE}/manifests/{reference}?tag=v1", body, content_type=OCI_MANIFEST), 201)
    assert answer.headers["docker-content-digest"] == reference
    assert client.get(f"{BASE}/manifests/v1").headers["docker-content-digest"] == reference
    child = {"mediaType": OCI_MANIFEST, "digest": reference, "size": len(body)}
    expect(put(client, {"schemaVersion": 2, "manifests": [child]}, "index", OCI_INDEX), 201)


# --- tags -------------------------------------------------------------------------------------------------------------


def test_a_tag_moves_and_the_old_manifest_stays(client):
    old, new = push(client, image("old"), "latest"), push(client, image("new"), "latest")
    assert client.get(f"{BASE}/manifests/latest").body == new.data
    assert client.get(f"{BASE}/manifests/{old.digest}").body == old.data


def test_tags_given_with_a_digest(client):
    content = push(client, image())
    url = f"{BASE}/manifests/{content.digest}"
    answer = expect(client.put(f"{url}?tag=v1&tag=v1.0&tag=latest", content.data, content_type=OCI_MANIFEST), 201)
    assert answer.headers["oci-tag"] == "v1, v1.0, latest"
    for tag in ("v1", "v1.0", "latest"):
        assert client.get(f"{BASE}/manifests/{tag}").body == content.data


def test_a_wrong_tag_given_with_a_digest_stores_nothing(client):
    content = image()
    for blob in content.blobs:
        upload(client, blob.data)
    url = f"{BASE}/manifests/{content.digest}"
    expect(client.put(f"{url}?tag=good&tag=.bad", content.data), 400, "TAG_INVALID")
    expect(client.head(url), 404)
    many = "&".join(f"tag=v{number}" for number in range(101))
    expect(client.put(f"{url}?{many}", content.data), 414, "TAG_INVALID")


@pytest.mark.parametrize("tag", [".hidden", "-dash", "a" * 129, "a b", "é", "a\n", "a,b"])
def test_what_is_no_tag(client, tag):
    push(client, image())
    expect(put(client, image().data, tag), 400, "TAG_INVALID")
    expect(client.delete(f"{BASE}/manifests/{tag}"), 400, "TAG_INVALID")
    expect(client.get(f"{BASE}/manifests/{tag}"), 404, "MANIFEST_UNKNOWN")


@pytest.mark.parametrize("tag", ["a", "A.b-C_d", "_", "9", "a" * 128])
def test_what_is_a_tag(client, tag):
    push(client, image(), tag)
    expect(client.get(f"{BASE}/manifests/{tag}"), 200)


def test_pushing_the_same_again_is_no_error(client):
    content = push(client, image(), "latest")
    push(client, content, "latest", content.digest)
    assert client.get(f"{BASE}/tags/list").json == {"name": REPOSITORY, "tags": ["latest"]}


def test_a_manifest_that_poses_as_a_web_page_can_do_nothing_in_a_browser(client):
    expect(put(client, b"<script>alert(1)</script>", "page", "text/html"), 201)
    for _ in range(2):
        headers = expect(client.get(f"{BASE}/manifests/page"), 200).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"] == "default-src 'none'; sandbox"


def test_a_manifest_may_be_pushed_again_as_what_it_really_is(client):
    """Some clients send a type of their own first; what counts is what the last push said."""
    layer, child = Content("text/plain", b"layer"), image()
    push(client, child)
    upload(client, layer.data)
    body = json.dumps({"schemaVersion": 2, "manifests": [child.descriptor()]}).encode()
    expect(put(client, body, "latest", "application/vnd.example"), 201)
    assert client.get(f"{BASE}/manifests/latest").headers["content-type"] == "application/vnd.example"
    expect(put(client, body, "latest", OCI_INDEX), 201)
    assert client.get(f"{BASE}/manifests/latest").headers["content-type"] == OCI_INDEX
    assert ManifestChild.objects.get().digest == child.digest


# --- deletion ---------------------------------------------------------------------------------------------------------


def test_deleting_a_tag_leaves_the_manifest(client):
    content = push(client, image(), "latest", "v1")
    assert client.get(f"{BASE}/manifests/latest").status == 200
    expect(client.delete(f"{BASE}/manifests/latest"), 202)
    expect(client.get(f"{BASE}/manifests/latest"), 404, "MANIFEST_UNKNOWN")
    expect(client.delete(f"{BASE}/manifests/latest"), 404, "MANIFEST_UNKNOWN")
    assert client.get(f"{BASE}/manifests/v1").body == content.data
    assert client.get(f"{BASE}/tags/list").json["tags"] == ["v1"]


def test_deleting_a_manifest_takes_its_tags_and_leaves_its_blobs(client):
    content = push(client, image(), "latest", "v1")
    push(client, image("other"), "other")
    assert client.get(f"{BASE}/manifests/{content.digest}").status == 200
    expect(client.delete(f"{BASE}/manifests/{content.digest}"), 202)
    for reference in ("latest", "v1", content.digest):
        expect(client.get(f"{BASE}/manifests/{reference}"), 404, "MANIFEST_UNKNOWN")
    assert client.get(f"{BASE}/tags/list").json["tags"] == ["other"]
    expect(client.head(f"{BASE}/blobs/{content.blobs[0].digest}"), 200)
    expect(client.delete(f"{BASE}/manifests/{content.digest}"), 404, "MANIFEST_UNKNOWN")


def test_blobs_may_be_deleted_before_their_manifest(client):
    content = push(client, image(), "latest")
    for blob in content.blobs:
        expect(client.delete(f"{BASE}/blobs/{blob.digest}"), 202)
    expect(client.delete(f"{BASE}/manifests/{content.digest}"), 202)
    push(client, content, "latest")


@pytest.mark.parametrize("reference", ["latest", digest_of(b"unknown")])
@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_what_is_not_there(client, method, reference):
    url = f"{BASE}/manifests/{reference}"
    for code in ("NAME_UNKNOWN", "MANIFEST_UNKNOWN"):
        answer = expect(client.request(method, url), 404)
        assert method == "HEAD" or answer.code == code
        push(client, image(), "other")


# --- what a manifest must have ------------------------------------------------------------------------------------------


def test_blobs_that_are_missing_are_named(client):
    content = image(layers=2)
    upload(client, content.blobs[1].data)
    answer = expect(put(client, content.data), 404, "MANIFEST_BLOB_UNKNOWN")
    missing = [content.blobs[0].digest, content.blobs[2].digest]
    assert answer.errors[0]["detail"] == [{"digest": digest} for digest in missing]
    assert all(digest in answer.errors[0]["message"] for digest in missing)
    expect(client.head(f"{BASE}/manifests/latest"), 404)


def test_members_of_an_index_that_are_missing_are_named(client):
    there, missing = push(client, image("there")), image("missing")
    answer = expect(put(client, index([there, missing]).data, content_type=OCI_INDEX), 404, "MANIFEST_BLOB_UNKNOWN")
    assert answer.errors[0]["detail"] == [{"digest": missing.digest}]


def test_a_deleted_blob_is_missing(client):
    content = push(client, image())
    client.delete(f"{BASE}/blobs/{content.blobs[0].digest}")
    expect(put(client, content.data), 404, "MANIFEST_BLOB_UNKNOWN")


def test_layers_that_are_kept_elsewhere_need_not_be_here(client):
    foreign = {"digest": digest_of(b"windows"), "size": 7, "urls": ["https://example.com/layer"]}
    types = [
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        "application/vnd.oci.image.layer.v1.tar",
    ]
    upload(client, CONFIG.data)
    layers = [foreign | {"mediaType": media_type} for media_type in types]
    expect(put(client, image_document(layers=layers)), 201)


def test_a_layer_kept_elsewhere_that_is_here_is_in_use(client):
    """Also when it is brought after the manifest, and the manifest is pushed again."""
    foreign = Content("application/vnd.oci.image.layer.nondistributable.v1.tar", b"windows")
    upload(client, CONFIG.data)
    expect(put(client, image_document(layers=[foreign.descriptor()])), 201)
    upload(client, foreign.data)
    expect(put(client, image_document(layers=[foreign.descriptor()])), 201)
    assert ManifestBlob.objects.filter(blob__digest=foreign.digest).exists()


def test_unknown_types_are_kept_as_they_are(client):
    for number, body in enumerate([b"\x00\xffnot json", b"[]", b'{"schemaVersion": 7}', b'{"config": {"digest": 5}}']):
        expect(put(client, body, f"v{number}", "application/vnd.example.thing+json; charset=utf-8"), 201)
        answer = client.get(f"{BASE}/manifests/v{number}")
        assert answer.body == body
        assert answer.headers["content-type"] == "application/vnd.example.thing+json"


def test_what_an_unknown_type_seems_to_use_is_in_use(client):
    digest = upload(client, b"a chart")
    body = {"layers": [{"digest": digest}, {"digest": digest_of(b"elsewhere")}], "manifests": {"digest": 7}}
    expect(put(client, body, content_type="application/vnd.example"), 201)
    assert ManifestBlob.objects.get().blob.digest == digest


def test_the_type_may_stand_in_either_place(client):
    upload(client, CONFIG.data)
    expect(put(client, image_document(mediaType=OCI_MANIFEST), content_type=""), 201)
    assert client.get(f"{BASE}/manifests/latest").headers["content-type"] == OCI_MANIFEST
    expect(put(client, image_document(), "bare"), 201)
    assert client.get(f"{BASE}/manifests/bare").headers["content-type"] == OCI_MANIFEST


def test_unknown_members_do_no_harm(client):
    upload(client, CONFIG.data)
    expect(put(client, image_document(unknown=None, newer={"a": [1, None, {}]}, annotations=None)), 201)


def test_a_manifest_of_four_mebibytes_is_taken_and_no_larger(client):
    upload(client, CONFIG.data)
    body = json.dumps(image_document(annotations={"long": ""})).encode()
    body = body.replace(b'""', b'"' + b"x" * (4 * 1024 * 1024 - len(body)) + b'"')
    assert len(body) == 4 * 1024 * 1024
    expect(put(client, body), 201)
    assert client.get(f"{BASE}/manifests/latest").body == body
    expect(put(client, body + b" "), 413, "REQUEST_ENTITY_TOO_LARGE")
    expect(put_pieces(client, [body, b" "]), 413, "REQUEST_ENTITY_TOO_LARGE")


@pytest.mark.parametrize("reference", [digest_of(b"other"), digest_of(b"other", "sha512")])
def test_a_digest_that_does_not_match(client, reference):
    push(client, image())
    expect(put(client, image().data, reference), 400, "DIGEST_INVALID")
    expect(client.head(f"{BASE}/manifests/{reference}"), 404)


@pytest.mark.parametrize("reference", ["sha256:totallywrong", "md5:" + "0" * 32, "sha256:", ":", "a:b"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_what_is_no_digest(client, method, reference):
    expect(client.request(method, f"{BASE}/manifests/{reference}", body=b"blablabla"), 400, "DIGEST_INVALID")
