import base64
import json

import pytest

from tests.api.pushing import keep, push
from tests.support.images import Content, Manifest, image, manifest

PNG = b"\x89PNG\r\n\x1a\n and so on"


@pytest.fixture(autouse=True)
def _content(project, kept):
    """A project and a store."""


def pictured(data):
    made = manifest(Content("application/vnd.acme.thing.config.v1+json", b"{}"), [Content("image/png", data)])
    document = made.document
    document["layers"][0]["annotations"] = {"io.goharbor.artifact.v1alpha1.icon": ""}
    return Manifest(made.media_type, json.dumps(document).encode(), blobs=made.blobs)


def icon_of(caller, content):
    push("apps/it", content, "latest")
    return caller.get("/projects/apps/repositories/it/artifacts/latest").json()["icon"]


def test_every_kind_has_a_picture(admin, nobody):
    answer = nobody.get(f"/icons/{icon_of(admin, image())}").json()
    assert answer["content-type"] == "image/svg+xml"
    assert base64.b64decode(answer["content"]).startswith(b"<svg ")


def test_an_artifact_may_bring_its_own(admin, nobody):
    answer = nobody.get(f"/icons/{icon_of(admin, pictured(PNG))}").json()
    assert (answer["content-type"], base64.b64decode(answer["content"])) == ("image/png", PNG)


def test_nothing_else_is_shown(admin, nobody):
    assert nobody.get(f"/icons/{icon_of(admin, pictured(b'<script>'))}").status_code == 404
    layer = image().blobs[1]
    push("apps/it", image())
    assert nobody.get(f"/icons/{layer.digest}").status_code == 404
    assert nobody.get(f"/icons/{keep(Content('', PNG + b'!')).digest}").status_code == 404
    assert nobody.get("/icons/sha256:" + "0" * 64).status_code == 404
    assert nobody.get("/icons/nonsense").status_code == 400
