"""The docker engine: login, push, pull, manifests of several architectures, mounts; images made without any network."""

import json
from pathlib import Path

import pytest

from tests.support import images
from tests.support.dockerd import Engine
from tests.support.portolan import ADMIN, Portolan
from tests.support.processes import CommandFailed

pytestmark = pytest.mark.clients


@pytest.fixture
def docker(docker_engine: Engine, server: Portolan) -> Engine:
    """A docker that is logged in."""
    docker_engine("login", "-u", ADMIN[0], "--password-stdin", server.address, stdin=ADMIN[1])
    return docker_engine


@pytest.fixture
def reference(server: Portolan, repository: str) -> str:
    return f"{server.address}/{repository}"


def imported(docker: Engine, tmp_path: Path, reference: str, *, size: int = 0) -> str:
    """An image of one layer, tagged `reference`; gives its id."""
    archive = tmp_path / "rootfs.tar"
    archive.write_bytes(images.tar_of({"hello": reference.encode(), "zeros": bytes(size)}))
    return docker("import", str(archive), reference).strip()


def test_login_tells_right_from_wrong(docker_engine, server):
    with pytest.raises(CommandFailed, match=r"unauthorized|incorrect username or password"):
        docker_engine("login", "-u", ADMIN[0], "--password-stdin", server.address, stdin="wrong")
    told = docker_engine("login", "-u", ADMIN[0], "--password-stdin", server.address, stdin=ADMIN[1])
    assert "Login Succeeded" in told


def test_a_robot_pushes_and_pulls_where_it_may(docker_engine, server, private_project, tmp_path):
    secret = server.manage("robot", "create", "docker", "--project", private_project).strip()
    docker_engine("login", "-u", f"robot${private_project}+docker", "--password-stdin", server.address, stdin=secret)
    imported(docker_engine, tmp_path, f"{server.address}/{private_project}/robot:1")
    docker_engine("push", f"{server.address}/{private_project}/robot:1")
    docker_engine("pull", f"{server.address}/{private_project}/robot:1")
    docker_engine("tag", f"{server.address}/{private_project}/robot:1", f"{server.address}/library/robot:1")
    with pytest.raises(CommandFailed, match=r"denied|unauthorized"):
        docker_engine("push", f"{server.address}/library/robot:1")


def test_what_was_pushed_is_pulled(docker, server, reference, repository, tmp_path):
    image = imported(docker, tmp_path, f"{reference}:1", size=3_000_000)
    docker("push", f"{reference}:1")
    docker("rmi", f"{reference}:1")
    assert "Downloaded newer image" in docker("pull", f"{reference}:1")
    assert docker("image", "inspect", "--format", "{{.Id}}", f"{reference}:1").strip() == image
    assert server.registry().pull(repository, "1").blobs[0].digest == image


def test_pull_by_digest(docker, server, reference, repository):
    pushed = images.image(repository, docker=True, layers=2)
    server.registry().push(repository, pushed)
    docker("pull", f"{reference}@{pushed.digest}")
    digests = docker("image", "inspect", "--format", "{{json .RepoDigests}}", f"{reference}@{pushed.digest}")
    assert json.loads(digests) == [f"{reference}@{pushed.digest}"]


def test_an_oci_image_is_pulled(docker, server, reference, repository):
    server.registry().push(repository, images.image(repository, layers=2), "oci")
    docker("pull", f"{reference}:oci")
    shown = docker("image", "inspect", "--format", "{{.Architecture}} {{len .RootFS.Layers}}", f"{reference}:oci")
    assert shown.strip() == "amd64 2"


def test_the_right_architecture_is_taken_from_a_list(docker, server, reference, repository):
    members = [images.image(repository, docker=True, architecture=name) for name in ("amd64", "arm64")]
    server.registry().push(repository, images.index(members, docker=True), "all")
    docker("pull", "--platform", "linux/arm64", f"{reference}:all")
    image = docker("image", "inspect", "--format", "{{.Id}}", f"{reference}:all").strip()
    assert image == members[1].blobs[0].digest


def test_docker_manifest_makes_a_list(docker, server, reference, repository):
    for name in ("amd64", "arm64"):
        server.registry().push(repository, images.image(repository, docker=True, architecture=name), name)
    parts = [f"{reference}:amd64", f"{reference}:arm64"]
    docker("manifest", "create", "--insecure", f"{reference}:all", *parts)
    docker("manifest", "push", "--insecure", f"{reference}:all")
    shown = json.loads(docker("manifest", "inspect", "--insecure", f"{reference}:all"))
    assert [entry["platform"]["architecture"] for entry in shown["manifests"]] == ["amd64", "arm64"]
    assert len(server.registry().pull(repository, "all").members) == 2


def test_a_build_on_a_pulled_base(docker, server, reference, repository, tmp_path):
    server.registry().push(repository, images.image(repository, docker=True), "base")
    (tmp_path / "Dockerfile").write_text(f'FROM {reference}:base\nCOPY Dockerfile /added\nLABEL made="here"\n')
    docker("build", "--pull", "-t", f"{reference}:built", str(tmp_path))
    docker("push", f"{reference}:built")
    assert len(server.registry().pull(repository, "built").blobs) == 3  # the config, the base's layer and ours


def test_a_layer_another_repository_has_is_mounted(docker, reference, tmp_path):
    imported(docker, tmp_path, f"{reference}:1")
    docker("push", f"{reference}:1")
    docker("tag", f"{reference}:1", f"{reference}/again:1")
    assert "Mounted from" in docker("push", f"{reference}/again:1")


def test_all_tags_go_at_once(docker, server, reference, repository, tmp_path):
    imported(docker, tmp_path, f"{reference}:1")
    for tag in ("2", "3"):
        docker("tag", f"{reference}:1", f"{reference}:{tag}")
    docker("push", "--all-tags", reference)
    assert server.registry().tags(repository) == ["1", "2", "3"]


def test_a_deleted_image_cannot_be_pulled(docker, server, reference, repository):
    digest = server.registry().push(repository, images.image(repository, docker=True), "1")
    server.registry().delete(repository, digest)
    with pytest.raises(CommandFailed, match=r"manifest unknown|not found"):
        docker("pull", f"{reference}:1")


def test_without_login_a_public_image_is_pulled_and_none_is_pushed(docker, server, reference, repository):
    server.registry().push(repository, images.image(repository, docker=True), "1")
    docker("logout", server.address)
    docker("pull", f"{reference}:1")
    docker("tag", f"{reference}:1", f"{reference}:2")
    with pytest.raises(CommandFailed, match=r"denied|unauthorized|authentication required|no basic auth"):
        docker("push", f"{reference}:2")


def test_without_login_a_private_image_is_not_there(docker, server, private_project):
    server.registry().push(f"{private_project}/docker", images.image("secret", docker=True), "1")
    docker("logout", server.address)
    with pytest.raises(CommandFailed, match=r"denied|unauthorized|authentication required|not found"):
        docker("pull", f"{server.address}/{private_project}/docker:1")
