"""Manifests that are refused, and what the client is told."""

import json

import pytest

from registry.oci.names import digest_of
from tests.registry.conftest import expect, upload
from tests.registry.test_manifests import ARTIFACT, CONFIG, image_document, put
from tests.support.images import OCI_INDEX, OCI_MANIFEST

DESCRIPTOR = CONFIG.descriptor()
SCHEMA1 = "application/vnd.docker.distribution.manifest.v1+json"
SIGNED = "application/vnd.docker.distribution.manifest.v1+prettyjws"

TEXTS = {
    "nothing": b"",
    "no JSON": b"blablabla",
    "bad UTF-8": b'{"schemaVersion": 2, "x": "\xff"}',
    "UTF-16": json.dumps(image_document()).encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + json.dumps(image_document()).encode(),
    "deep nesting": b"[" * 200_000,
    "deep nesting, closed": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "a list": b"[]",
    "a text": b'"manifest"',
    "null": b"null",
    "two values of one name": b'{"schemaVersion": 2, "schemaVersion": 2}',
    "two values of one name, inside": b'{"config": {"digest": "a", "digest": "b"}}',
    "an endless number": b'{"schemaVersion": ' + b"9" * 100_000 + b"}",
    "NaN": json.dumps(image_document(x=1)).replace("1}", "NaN}").encode(),
    "Infinity": json.dumps(image_document(x=1)).replace("1}", "-Infinity}").encode(),
    "two documents": json.dumps(image_document()).encode() * 2,
}

IMAGES = {
    "no version": {"schemaVersion": None},
    "another version": {"schemaVersion": 3},
    "a version in words": {"schemaVersion": "2"},
    "no config": {"config": None},
    "a config that is a list": {"config": []},
    "a config without a digest": {"config": {"mediaType": "a", "size": 2}},
    "a config without a size": {"config": {"mediaType": "a", "digest": DESCRIPTOR["digest"]}},
    "a negative size": {"config": DESCRIPTOR | {"size": -1}},
    "a size that is true": {"config": DESCRIPTOR | {"size": True}},
    "a size in words": {"config": DESCRIPTOR | {"size": "2"}},
    "a broken size": {"config": DESCRIPTOR | {"size": 2.5}},
    "a digest that is none": {"config": DESCRIPTOR | {"digest": "../../etc/passwd"}},
    "a digest that is a number": {"config": DESCRIPTOR | {"digest": 5}},
    "a digest without an end": {"config": DESCRIPTOR | {"digest": "sha256:" + "a" * 5000}},
    "a digest with a newline": {"config": DESCRIPTOR | {"digest": DESCRIPTOR["digest"] + "\n"}},
    "a type that is a list": {"config": DESCRIPTOR | {"mediaType": []}},
    "a config type without an end": {"config": DESCRIPTOR | {"mediaType": "a" * 256}},
    "a config type with a NUL": {"config": DESCRIPTOR | {"mediaType": "a\0b"}},
    "layers that are an object": {"layers": {}},
    "layers that are numbers": {"layers": [1, 2]},
    "layers that are null": {"layers": [None]},
    "members": {"manifests": []},
    "a subject that is a text": {"subject": "sha256:abc"},
    "a subject without a digest": {"subject": {}},
    "annotations that are a list": {"annotations": []},
    "annotations that are numbers": {"annotations": {"a": 1}},
    "annotations that are objects": {"annotations": {"a": {"b": "c"}}},
    "an artifact type that is a number": {"artifactType": 7},
    "an artifact type without an end": {"artifactType": "a" * 256},
    "an artifact type with a NUL": {"artifactType": "a\0b"},
    "an artifact type with half a character": {"artifactType": "a\ud800b"},
    "a type that is a number": {"mediaType": 7},
    "another type than it was sent as": {"mediaType": OCI_INDEX},
}

INDEXES = {
    "no members": {"schemaVersion": 2},
    "members that are an object": {"schemaVersion": 2, "manifests": {}},
    "a config": {"schemaVersion": 2, "manifests": [], "config": DESCRIPTOR},
    "layers": {"schemaVersion": 2, "manifests": [], "layers": []},
    "no version": {"manifests": []},
}


@pytest.mark.parametrize("body", TEXTS.values(), ids=TEXTS)
def test_what_is_no_document(client, body):
    expect(put(client, body), 400, "MANIFEST_INVALID")


@pytest.mark.parametrize("changes", IMAGES.values(), ids=IMAGES)
def test_what_is_no_image(client, changes):
    upload(client, CONFIG.data)
    answer = expect(put(client, image_document(**changes)), 400, "MANIFEST_INVALID")
    assert len(answer.body) < 2000


@pytest.mark.parametrize("document", INDEXES.values(), ids=INDEXES)
def test_what_is_no_index(client, document):
    expect(put(client, document, content_type=OCI_INDEX), 400, "MANIFEST_INVALID")


def test_what_is_no_artifact(client):
    upload(client, CONFIG.data)
    document = {"schemaVersion": 2, "mediaType": ARTIFACT, "blobs": [DESCRIPTOR]}
    expect(put(client, document, content_type=ARTIFACT), 400, "MANIFEST_INVALID")


@pytest.mark.parametrize(
    ("content_type", "document"),
    [
        (SCHEMA1, {"schemaVersion": 1, "name": "library/app", "fsLayers": []}),
        (SIGNED, {"schemaVersion": 1, "signatures": []}),
        ("application/json", {"schemaVersion": 1}),
        (SIGNED, {"schemaVersion": 2}),
    ],
)
def test_schema_1_is_refused_and_the_client_told_what_to_do(client, content_type, document):
    answer = expect(put(client, document, content_type=content_type), 400, "MANIFEST_INVALID")
    assert "schema 1" in answer.errors[0]["message"]


def test_it_must_have_a_type(client):
    expect(put(client, image_document(), content_type=""), 400, "MANIFEST_INVALID")


@pytest.mark.parametrize("content_type", ["a" * 256, "application/\x01", "application/é", "application/\x85x"])
def test_a_type_that_could_not_be_sent_back(client, content_type):
    expect(put(client, image_document(), content_type=content_type), 400, "MANIFEST_INVALID")
    expect(put(client, image_document(mediaType=content_type), content_type=""), 400, "MANIFEST_INVALID")


@pytest.mark.parametrize("text", ["\0", "\ud800", "日本", "\U0001f6a2", "\u2028\r\n"], ids=ascii)
def test_annotations_may_say_anything(client, text):
    """Even what a database would refuse: it comes back with the manifest, and in the list of referrers as far as it can."""
    upload(client, CONFIG.data)
    subject = digest_of(b"subject")
    document = image_document(annotations={"note": text, text: "x"}, subject=DESCRIPTOR | {"digest": subject})
    expect(put(client, document, content_type=OCI_MANIFEST), 201)
    assert json.loads(client.get("/v2/library/app/manifests/latest").body) == document
    (descriptor,) = client.get(f"/v2/library/app/referrers/{subject}").json["manifests"]
    assert len(descriptor["annotations"]) == 2
