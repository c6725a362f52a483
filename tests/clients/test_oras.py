"""oras: artifacts that are no images, and artifacts about a subject, found through referrers."""

from pathlib import Path

import oras.client
import oras.oci
import pytest

from tests.support import images
from tests.support.portolan import ADMIN, Portolan

pytestmark = pytest.mark.clients

SBOM = "application/vnd.example.sbom.v1+json"


@pytest.fixture
def client(server: Portolan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> oras.client.OrasClient:
    """An oras that is logged in and works in a directory of its own."""
    monkeypatch.chdir(tmp_path)
    # It would ask the machine's own docker engine to log in, and keep the login in the user's configuration.
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    found = oras.client.OrasClient(hostname=server.address, insecure=True)
    found.login(*ADMIN, hostname=server.address, config_path=str(tmp_path / "config.json"))
    return found


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "sbom.json"
    path.write_text('{"packages": []}')
    return path


def test_an_artifact_is_pushed_and_pulled(client, server, repository, document):
    reference = f"{server.address}/{repository}:1"
    client.push(target=reference, files=[f"{document.name}:{SBOM}"], manifest_annotations={"made": "here"})
    (pulled,) = client.pull(target=reference, outdir="out")
    assert Path(pulled).read_bytes() == document.read_bytes()
    stored = server.registry().pull(repository, "1")
    assert stored.document["annotations"] == {"made": "here"}
    assert stored.document["layers"][0]["mediaType"] == SBOM


def test_an_artifact_about_an_image_is_among_its_referrers(client, server, repository, document):
    image = images.image(repository)
    server.registry().push(repository, image, "1")
    subject = oras.oci.Subject(image.media_type, image.digest, len(image.data))
    answer = client.push(
        target=f"{server.address}/{repository}:sbom",
        files=[f"{document.name}:{SBOM}"],
        subject=subject,
        manifest_annotations={"made": "here"},
    )
    (referrer,) = server.registry().referrers(repository, image.digest)
    assert referrer["digest"] == images.digest_of(answer.request.body)
    assert referrer["annotations"] == {"made": "here"}
    assert answer.headers["OCI-Subject"] == image.digest


def test_tags_are_listed_and_deleted(client, server, repository, document):
    for tag in ("1", "2", "3"):
        document.write_text(tag)  # oras deletes a tag through its digest, so each needs a manifest of its own.
        client.push(target=f"{server.address}/{repository}:{tag}", files=[f"{document.name}:{SBOM}"])
    target = f"{server.address}/{repository}"
    assert client.get_tags(target) == ["1", "2", "3"]
    assert client.delete_tags(target, ["2"]) == ["2"]
    assert client.get_tags(target) == ["1", "3"]
