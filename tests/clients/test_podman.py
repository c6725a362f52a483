"""podman: login, push in both formats, pull, manifest lists and builds."""

import json
from pathlib import Path

import pytest

from tests.support import images
from tests.support.clients import Client, podman
from tests.support.portolan import ADMIN, Portolan
from tests.support.processes import CommandFailed

pytestmark = pytest.mark.clients


@pytest.fixture(scope="module")
def unlogged(directory: Path) -> Client:
    return podman(directory)


@pytest.fixture
def client(unlogged: Client, server: Portolan) -> Client:
    """A podman that is logged in."""
    unlogged("login", "--tls-verify=false", "-u", ADMIN[0], "--password-stdin", server.address, stdin=ADMIN[1])
    return unlogged


@pytest.fixture
def reference(server: Portolan, repository: str) -> str:
    return f"{server.address}/{repository}"


def imported(client: Client, tmp_path: Path, reference: str) -> str:
    """An image of one layer, tagged `reference`; gives its id."""
    archive = tmp_path / "rootfs.tar"
    archive.write_bytes(images.tar_of({"hello": reference.encode()}))
    return client("import", "--quiet", str(archive), reference).removeprefix("sha256:")


def test_a_wrong_password_is_refused(unlogged, server):
    with pytest.raises(CommandFailed, match="invalid username/password"):
        unlogged("login", "--tls-verify=false", "-u", ADMIN[0], "--password-stdin", server.address, stdin="wrong")


@pytest.mark.parametrize(
    ("name", "media_type"), [("oci", images.OCI_MANIFEST), ("v2s2", images.DOCKER_MANIFEST)], ids=["oci", "v2s2"]
)
def test_what_was_pushed_is_pulled(client, server, reference, repository, tmp_path, name, media_type):
    imported(client, tmp_path, f"{reference}:1")
    client("push", "--tls-verify=false", "--format", name, f"{reference}:1")
    pushed = server.registry().pull(repository, "1")
    assert pushed.media_type == media_type
    client("rmi", f"{reference}:1")
    image = client("pull", "--quiet", "--tls-verify=false", f"{reference}:1")
    assert f"sha256:{image}" == pushed.blobs[0].digest


def test_a_manifest_list_is_made_pushed_and_pulled(client, server, reference, repository):
    for name in ("amd64", "arm64"):
        server.registry().push(repository, images.image(repository, architecture=name), name)
    client("manifest", "create", f"{reference}:all")
    for name in ("amd64", "arm64"):
        client("manifest", "add", "--tls-verify=false", f"{reference}:all", f"docker://{reference}:{name}")
    client("manifest", "push", "--tls-verify=false", "--all", f"{reference}:all", f"docker://{reference}:all")
    pushed = server.registry().pull(repository, "all")
    assert [entry["platform"]["architecture"] for entry in pushed.document["manifests"]] == ["amd64", "arm64"]
    client("manifest", "rm", f"{reference}:all")
    client("pull", "--quiet", "--tls-verify=false", "--arch", "arm64", f"{reference}:all")
    shown = json.loads(client("image", "inspect", f"{reference}:all"))
    assert shown[0]["Architecture"] == "arm64"


def test_a_build_is_pushed(client, server, reference, repository, tmp_path):
    server.registry().push(repository, images.image(repository), "base")
    (tmp_path / "Containerfile").write_text(f"FROM {reference}:base\nCOPY Containerfile /added\n")
    client("build", "--isolation=chroot", "--tls-verify=false", "-t", f"{reference}:built", str(tmp_path))
    client("push", "--tls-verify=false", f"{reference}:built")
    assert len(server.registry().pull(repository, "built").blobs) == 3  # the config, the base's layer and ours


def test_a_second_repository_gets_the_same_image(client, server, reference, repository, tmp_path):
    imported(client, tmp_path, f"{reference}:1")
    client("push", "--tls-verify=false", f"{reference}:1")
    client("push", "--tls-verify=false", f"{reference}:1", f"{reference}/second:1")
    assert server.registry().pull(f"{repository}/second", "1") == server.registry().pull(repository, "1")


def test_search_and_pull_of_what_is_not_there_say_so(client, reference):
    with pytest.raises(CommandFailed, match=r"manifest unknown|name unknown|not found"):
        client("pull", "--tls-verify=false", f"{reference}:missing")
