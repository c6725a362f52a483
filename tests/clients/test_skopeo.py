"""skopeo: copies in every format keep every byte; inspect, list, sync, delete and mounts."""

import json
from pathlib import Path

import pytest

from tests.support import images
from tests.support.clients import Client, skopeo
from tests.support.portolan import ADMIN, Portolan
from tests.support.processes import CommandFailed

pytestmark = pytest.mark.clients


@pytest.fixture(scope="module")
def client(directory: Path) -> Client:
    return skopeo(directory)


@pytest.fixture
def logged_in(client: Client, server: Portolan) -> Client:
    client("login", "--tls-verify=false", "-u", ADMIN[0], "--password-stdin", server.address, stdin=ADMIN[1])
    return client


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    """Where a test lays out what skopeo shall copy."""
    return tmp_path / "layout"


def copy(client: Client, source: str, target: str, *flags: str) -> str:
    return client("copy", "--src-tls-verify=false", "--dest-tls-verify=false", *flags, source, target)


def test_a_wrong_password_is_refused(client, server):
    with pytest.raises(CommandFailed, match=r"invalid username/password|unauthorized"):
        client("login", "--tls-verify=false", "-u", ADMIN[0], "--password-stdin", server.address, stdin="wrong")


@pytest.mark.parametrize("docker", [False, True], ids=["oci", "v2s2"])
def test_an_image_travels_there_and_back_byte_identical(logged_in, server, repository, tmp_path, docker):
    pushed = images.image(repository, docker=docker, layers=3)
    server.registry().push(repository, pushed, "1")
    reference = f"docker://{server.address}/{repository}"
    copy(logged_in, f"{reference}:1", f"dir:{tmp_path}/out", "--preserve-digests")
    assert (tmp_path / "out/manifest.json").read_bytes() == pushed.data
    copy(logged_in, f"dir:{tmp_path}/out", f"{reference}:2", "--preserve-digests")
    assert server.registry().pull(repository, "2") == pushed


def test_an_oci_layout_with_several_architectures_keeps_its_digests(logged_in, server, repository, layout):
    pushed = images.index([images.image(repository, architecture=name) for name in ("amd64", "arm64", "s390x")])
    images.write_layout(layout, pushed, "all")
    copy(logged_in, f"oci:{layout}:all", f"docker://{server.address}/{repository}:all", "--all", "--preserve-digests")
    assert server.registry().pull(repository, "all") == pushed


def test_inspect_tells_what_was_pushed(logged_in, server, repository):
    pushed = images.image(repository)
    server.registry().push(repository, pushed, "1")
    reference = f"docker://{server.address}/{repository}:1"
    found = json.loads(logged_in("inspect", "--tls-verify=false", reference))
    assert (found["Digest"], found["Architecture"], found["RepoTags"]) == (pushed.digest, "amd64", ["1"])
    assert found["Layers"] == [layer.digest for layer in pushed.blobs[1:]]
    assert logged_in("inspect", "--tls-verify=false", "--raw", reference).encode() == pushed.data


def test_tags_are_listed(logged_in, server, repository):
    for tag in ("b", "a", "c"):
        server.registry().push(repository, images.image(tag), tag)
    listed = json.loads(logged_in("list-tags", "--tls-verify=false", f"docker://{server.address}/{repository}"))
    assert listed["Tags"] == ["a", "b", "c"]


def test_a_deleted_image_is_gone(logged_in, server, repository):
    server.registry().push(repository, images.image(repository), "1")
    reference = f"docker://{server.address}/{repository}:1"
    logged_in("delete", "--tls-verify=false", reference)
    with pytest.raises(CommandFailed, match="manifest unknown"):
        logged_in("inspect", "--tls-verify=false", reference)


def test_a_copy_to_another_repository_is_the_same_image(logged_in, server, repository):
    source, target = f"{server.address}/{repository}:1", f"{server.address}/{repository}/mounted:1"
    pushed = images.image(repository, layers=2)
    server.registry().push(repository, pushed, "1")
    copy(logged_in, f"docker://{source}", f"docker://{target}")
    assert server.registry().pull(f"{repository}/mounted", "1") == pushed


def test_sync_mirrors_a_repository(logged_in, server, repository, tmp_path):
    pushed = {tag: images.image(tag) for tag in ("1", "2")}
    for tag, content in pushed.items():
        server.registry().push(repository, content, tag)
    flags = ["--src=docker", "--dest=dir", "--src-tls-verify=false", "--scoped"]
    logged_in("sync", *flags, f"{server.address}/{repository}", str(tmp_path))
    for tag, content in pushed.items():
        manifest = tmp_path / f"{server.address}/{repository}:{tag}/manifest.json"
        assert manifest.read_bytes() == content.data


def test_without_login_a_public_image_is_pulled_and_none_is_pushed(directory, server, repository, tmp_path):
    server.registry().push(repository, images.image(repository), "1")
    (tmp_path / "stranger").mkdir()
    stranger = skopeo(tmp_path / "stranger")
    reference = f"docker://{server.address}/{repository}"
    copy(stranger, f"{reference}:1", f"dir:{tmp_path}/out")
    with pytest.raises(CommandFailed, match=r"denied|unauthorized|authentication required"):
        copy(stranger, f"dir:{tmp_path}/out", f"{reference}:2")


def test_without_login_a_private_image_is_not_there(server, private_project, tmp_path):
    server.registry().push(f"{private_project}/secret", images.image("secret"), "1")
    with pytest.raises(CommandFailed, match=r"denied|unauthorized|authentication required"):
        skopeo(tmp_path)("inspect", "--tls-verify=false", f"docker://{server.address}/{private_project}/secret:1")
