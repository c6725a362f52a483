"""What people see of a manifest: kind, attributes, size, icon, members, and what it is an accessory of."""

import json

import pytest

from registry.models import Manifest, ManifestChild
from registry.oci.artifact import CONFIG_LIMIT, FITTING, describe, wanted_config
from registry.oci.media_types import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST
from registry.storage import paths
from registry.store import store
from tests.registry.conftest import BASE, expect, push, upload
from tests.support.images import DOCKER_CONFIG, OCI_CONFIG, OCI_EMPTY, Content, artifact, image, index, manifest

HELM = "application/vnd.cncf.helm.config.v1+json"
WASM = "application/vnd.wasm.config.v1+json"
ICON = "io.goharbor.artifact.v1alpha1.icon"
IMAGE_CONFIG = {
    "architecture": "arm64",
    "os": "linux",
    "created": "2026-01-02T03:04:05Z",
    "config": {"Cmd": ["/run"], "Labels": {"maintainer": "somebody"}},
}


def of(config_type="", *, artifact_type="", config=None, media_type=OCI_MANIFEST, **document):
    """The description of a manifest with such a config."""
    whole = {"config": {"mediaType": config_type}, "artifactType": artifact_type, **document}
    return describe(whole, media_type, None if config is None else json.dumps(config).encode())


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("IMAGE", {"config_type": OCI_CONFIG}),
        ("IMAGE", {"config_type": DOCKER_CONFIG, "media_type": DOCKER_MANIFEST}),
        ("IMAGE", {"media_type": OCI_INDEX}),
        ("IMAGE", {"media_type": DOCKER_LIST}),
        ("CHART", {"config_type": HELM}),
        (
            "CNAB",
            {
                "media_type": OCI_INDEX,
                "annotations": {"org.opencontainers.artifactType": "application/vnd.cnab.manifest.v1"},
            },
        ),
        ("WASM", {"config_type": WASM}),
        ("WASM", {"config_type": OCI_CONFIG, "annotations": {"run.oci.handler": "wasm"}}),
        ("WASM", {"config_type": OCI_CONFIG, "annotations": {"module.wasm.image/variant": "compat"}}),
        ("CNAI", {"config_type": "application/vnd.cnai.model.config.v1+json"}),
        ("CNAI", {"config_type": OCI_EMPTY, "artifact_type": "application/vnd.cnai.model.manifest.v1+json"}),
        ("SBOM", {"config_type": "application/vnd.goharbor.harbor.sbom.v1"}),
        ("THING", {"config_type": "application/vnd.example.thing.config.v1alpha1+json"}),
        ("BIG.THING", {"config_type": "application/vnd.example.big.thing.config.v1+json"}),
        ("UNKNOWN", {"config_type": "application/vnd.example." + "x" * 40 + ".config.v1+json"}),
        ("UNKNOWN", {"config_type": OCI_EMPTY, "artifact_type": "text/plain"}),
        ("UNKNOWN", {}),
        ("UNKNOWN", {"media_type": OCI_INDEX, "annotations": {"org.opencontainers.artifactType": "text/plain"}}),
        ("UNKNOWN", {"media_type": "application/vnd.example"}),
    ],
)
def test_the_kind(kind, options):
    assert of(**options).kind == kind


def test_an_image_tells_what_its_config_says():
    assert of(OCI_CONFIG, config=IMAGE_CONFIG).extra_attrs == {
        "architecture": "arm64",
        "os": "linux",
        "created": "2026-01-02T03:04:05Z",
        "author": "somebody",
        "config": IMAGE_CONFIG["config"],
    }


@pytest.mark.parametrize(
    ("config", "author"),
    [
        ({"author": "me", "config": {"Labels": {"maintainer": "you"}}}, "me"),
        ({"config": {"Labels": {"maintainer": "you", "org.opencontainers.image.authors": "us"}}}, "us"),
        ({"author": 7, "config": {"Labels": ["maintainer"]}}, ""),
    ],
)
def test_the_author(config, author):
    assert of(OCI_CONFIG, config=config).extra_attrs["author"] == author


def test_a_chart_tells_its_whole_config():
    chart = {"name": "app", "version": "1.2.3", "appVersion": "7"}
    found = of(HELM, config=chart)
    assert (found.extra_attrs, found.config_media_type) == (chart, HELM)


def test_a_module_tells_what_it_is_made_of():
    layer = {
        "mediaType": "application/vnd.wasm.content.layer.v1+wasm",
        "annotations": {"org.opencontainers.image.title": "a"},
    }
    assert of(WASM, layers=[layer]).extra_attrs == {
        "manifest.config.mediaType": WASM,
        "manifest.layers.mediaType": layer["mediaType"],
        "org.opencontainers.image.title": "a",
    }
    marked = of(OCI_CONFIG, config=IMAGE_CONFIG, annotations={"run.oci.handler": "wasm"})
    assert marked.config_media_type == WASM
    assert marked.extra_attrs["manifest.config.mediaType"] == OCI_CONFIG
    assert marked.extra_attrs["architecture"] == "arm64"


@pytest.mark.parametrize(
    "config",
    [
        b"",
        b"no JSON",
        b"[]",
        b"null",
        b"\xff",
        b"[" * 100_000,
        b'{"config": 7, "os": [], "architecture": {}}',
        b"1" * 5000,
    ],
    ids=lambda config: config[:12],
)
def test_a_config_that_is_none_tells_nothing(config):
    found = describe({"config": {"mediaType": OCI_CONFIG}}, OCI_MANIFEST, config)
    assert found.kind == "IMAGE"
    assert not any(found.extra_attrs.values())


def test_only_so_much_of_a_config_is_shown():
    found = of(HELM, config={"name": "app", "long": "x" * 300_000, "after": 1})
    assert found.extra_attrs == {"name": "app"}


def test_a_config_is_wanted_where_it_tells_something():
    def wanted(config_type, **more):
        config = {"mediaType": config_type, "digest": image().digest, "size": 10} | more
        return wanted_config({"config": config}, OCI_MANIFEST)

    assert wanted(OCI_CONFIG) == wanted(HELM) == image().digest
    assert wanted(OCI_EMPTY) == ""
    assert wanted(OCI_CONFIG, size=CONFIG_LIMIT + 1) == ""
    assert wanted(OCI_CONFIG, digest="../../etc/passwd") == ""
    assert wanted_config({"config": []}, OCI_MANIFEST) == ""


def test_the_size_is_what_the_descriptors_say():
    parts = {"config": {"size": 10}, "layers": [{"size": 100}, {"size": 1000}, {"size": "many"}, {"size": -5}, 7]}
    assert describe(parts, OCI_MANIFEST).size == 1110


def test_a_layer_may_picture_it():
    layer = {"digest": image().digest, "annotations": {ICON: ""}}
    assert of(layers=[{"digest": "sha256:other"}, layer]).icon == image().digest
    assert of(layers=[{"digest": "no digest", "annotations": {ICON: ""}}]).icon == ""


@pytest.mark.parametrize("name", ["config", "layers", "blobs", "manifests", "annotations", "artifactType"])
@pytest.mark.parametrize("value", [None, 7, "text", [], [None, [], "a"], {}, {"a": []}])
@pytest.mark.parametrize("media_type", [OCI_MANIFEST, "application/vnd.example"])
def test_whatever_a_manifest_holds_it_is_described(name, value, media_type):
    document = {"config": {"mediaType": OCI_CONFIG, "digest": "", "size": 0}, name: value}
    wanted_config(document, media_type)
    assert describe(document, media_type, b"{}").kind in {"IMAGE", "UNKNOWN"}


# --- what a push keeps ------------------------------------------------------------------------------------------------------


def test_a_pushed_image_is_described(client):
    content = push(client, image(architecture="arm64", layers=2), "latest")
    found = Manifest.objects.get()
    assert (found.kind, found.config_media_type) == ("IMAGE", OCI_CONFIG)
    assert found.extra_attrs["architecture"] == "arm64"
    assert found.extra_attrs["config"] == {"Cmd": ["/file-0.txt"]}
    assert found.total_size == len(content.data) + sum(len(blob.data) for blob in content.blobs)


def test_a_pushed_index_has_the_size_and_platforms_of_its_members(client):
    members = [image("one"), image("two", architecture="arm64")]
    content = push(client, index(members), "latest")
    found = {row.digest: row for row in Manifest.objects.all()}
    inner = sum(found[member.digest].total_size for member in members)
    assert found[content.digest].total_size == len(content.data) + inner
    assert found[content.digest].kind == "IMAGE"
    platforms = {child.digest: child.platform for child in ManifestChild.objects.all()}
    assert platforms[members[1].digest] == {"os": "linux", "architecture": "arm64"}


@pytest.mark.parametrize(
    "config",
    [
        b"no JSON",
        b'{"os": "\\u0000", "config": {"\\ud800": NaN}}',
        b'{"config": {"a": 1e999, "b": ' + b"1" * 400 + b"}}",
    ],
    ids=["text", "what no database takes", "numbers"],
)
def test_no_config_makes_a_push_fail(client, config):
    push(client, manifest(Content(OCI_CONFIG, config), []), "latest")
    assert Manifest.objects.get().kind == "IMAGE"


def test_of_many_annotations_so_many_are_kept_as_lists_can_show(client):
    many = {f"note-{number}": "x" * 1000 for number in range(1000)}
    marked = manifest(Content(OCI_CONFIG, b"{}"), [], annotations=many)
    push(client, marked, "latest")
    kept = Manifest.objects.get().annotations
    assert 0 < len(json.dumps(kept)) <= FITTING
    assert kept.items() < many.items()
    members = index([marked])
    document = members.document
    document["manifests"] = [{**document["manifests"][0], "annotations": many}]
    expect(client.put(f"{BASE}/manifests/all", json.dumps(document).encode(), content_type=OCI_INDEX), 201)
    assert ManifestChild.objects.get().annotations == {}


def test_a_manifest_that_claims_to_be_endless_is_kept(client):
    config = Content(OCI_CONFIG, b"{}")
    upload(client, config.data)
    layer = {"mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar", "digest": "sha256:" + "0" * 64}
    document = {"schemaVersion": 2, "config": config.descriptor(), "layers": [layer | {"size": 10**30}]}
    url = f"{BASE}/manifests/latest"
    expect(client.put(url, json.dumps(document).encode(), content_type=OCI_MANIFEST), 201)
    assert Manifest.objects.get().total_size == 2**63 - 1


def test_a_config_whose_bytes_are_away_is_not_missed(client):
    content = image()
    for blob in content.blobs:
        upload(client, blob.data)
    store().delete(paths.blob_path(content.blobs[0].digest))
    expect(client.put(f"{BASE}/manifests/latest", content.data, content_type=content.media_type), 201)
    assert Manifest.objects.get().extra_attrs == {}


# --- accessories ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("artifact_type", "kind"),
    [
        ("application/vnd.cncf.notary.signature", "signature.notation"),
        ("application/vnd.dev.cosign.artifact.sig.v1+json", "signature.cosign"),
        ("application/vnd.dev.sigstore.bundle.v0.3+json", "signature.cosign"),
        ("application/vnd.goharbor.harbor.sbom.v1", "sbom.harbor"),
        ("text/spdx", "subject.accessory"),
    ],
)
def test_what_has_a_subject_is_its_accessory(client, artifact_type, kind):
    push(client, artifact(artifact_type, subject=image()))
    found = Manifest.objects.get()
    assert (found.accessory_of, found.accessory_kind) == (image().digest, kind)


def test_an_accelerated_image_is_an_accessory(client):
    config, layer = image().blobs
    document = image().document | {"subject": image("slow").descriptor()}
    document["layers"][0]["annotations"] = {"containerd.io/snapshot/nydus-bootstrap": "true"}
    for blob in (config, layer):
        upload(client, blob.data)
    url = f"{BASE}/manifests/fast"
    expect(client.put(url, json.dumps(document).encode(), content_type=OCI_MANIFEST), 201)
    assert Manifest.objects.get().accessory_kind == "accelerator.nydus"


@pytest.mark.parametrize(
    ("suffix", "kind"), [("sig", "signature.cosign"), ("att", "subject.accessory"), ("sbom", "subject.accessory")]
)
def test_cosigns_tag_makes_an_accessory(client, suffix, kind):
    signed = image("signed").digest
    content = push(client, image(), f"{signed.replace(':', '-')}.{suffix}")
    found = Manifest.objects.get()
    assert (found.accessory_of, found.accessory_kind) == (signed, kind)
    push(client, content)
    found.refresh_from_db()
    assert found.accessory_of == signed, "it stays one when it is pushed by digest"


def test_any_other_tag_makes_none(client):
    push(client, image(), "sha256-abc.sig", "latest.sig")
    assert Manifest.objects.get().accessory_of == ""


def test_accessories_go_with_what_they_are_about(client):
    content = push(client, image(), "latest")
    sbom = push(client, artifact("text/spdx", b"sbom", subject=content))
    push(client, artifact("application/vnd.cncf.notary.signature", b"signature", subject=sbom))
    push(client, image("cosign"), f"{content.digest.replace(':', '-')}.sig")
    kept = push(client, artifact("text/spdx", b"other", subject=image("other")))
    expect(client.delete(f"{BASE}/manifests/{content.digest}"), 202)
    assert [found.digest for found in Manifest.objects.all()] == [kept.digest]


def test_members_go_with_the_last_index_that_names_them(client):
    shared, alone, tagged = image("shared"), image("alone"), image("tagged")
    first, second = index([shared, alone, tagged]), index([shared])
    push(client, first, "first")
    push(client, second, "second")
    push(client, tagged, "tagged")
    expect(client.delete(f"{BASE}/manifests/{first.digest}"), 202)
    assert {found.digest for found in Manifest.objects.all()} == {second.digest, shared.digest, tagged.digest}
    expect(client.delete(f"{BASE}/manifests/{second.digest}"), 202)
    assert {found.digest for found in Manifest.objects.all()} == {tagged.digest}
