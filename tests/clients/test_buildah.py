"""buildah: an image from scratch, pushed in both formats and pulled again."""

from pathlib import Path

import pytest

from tests.support import images
from tests.support.clients import Client, buildah
from tests.support.portolan import ADMIN, Portolan

pytestmark = pytest.mark.clients


@pytest.fixture(scope="module")
def client(directory: Path) -> Client:
    return buildah(directory)


@pytest.fixture
def logged_in(client: Client, server: Portolan) -> Client:
    client("login", "--tls-verify=false", "-u", ADMIN[0], "--password-stdin", server.address, stdin=ADMIN[1])
    return client


@pytest.mark.parametrize(
    ("name", "media_type"), [("oci", images.OCI_MANIFEST), ("v2s2", images.DOCKER_MANIFEST)], ids=["oci", "v2s2"]
)
def test_an_image_from_scratch_is_committed_pushed_and_pulled(
    logged_in, server, repository, tmp_path, name, media_type
):
    (tmp_path / "hello.txt").write_text(repository)
    container = logged_in("from", "scratch")
    logged_in("copy", container, str(tmp_path / "hello.txt"), "/hello.txt")
    logged_in("config", "--label", "made=here", container)
    image = logged_in("commit", "--quiet", "--rm", "--format", name.replace("v2s2", "docker"), container, repository)
    reference = f"{server.address}/{repository}:1"
    logged_in("push", "--tls-verify=false", "--format", name, image, f"docker://{reference}")
    pushed = server.registry().pull(repository, "1")
    assert pushed.media_type == media_type
    logged_in("rmi", "--all")
    assert f"sha256:{logged_in('pull', '--quiet', '--tls-verify=false', reference)}" == pushed.blobs[0].digest


def test_a_manifest_list_is_pushed_with_its_members(logged_in, server, repository):
    for name in ("amd64", "arm64"):
        server.registry().push(repository, images.image(repository, architecture=name), name)
    reference = f"{server.address}/{repository}"
    logged_in("manifest", "create", "both")
    for name in ("amd64", "arm64"):
        logged_in("manifest", "add", "--tls-verify=false", "both", f"docker://{reference}:{name}")
    logged_in("manifest", "push", "--tls-verify=false", "--all", "both", f"docker://{reference}:all")
    assert len(server.registry().pull(repository, "all").members) == 2
