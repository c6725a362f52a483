"""Real clients behind an nginx that sends each request to another of two instances, on PostgreSQL and Redis."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import images, nginx, portolan
from tests.support.clients import skopeo
from tests.support.portolan import ADMIN
from tests.support.postgres import Postgres
from tests.support.registry import Registry

pytestmark = pytest.mark.clients


@pytest.fixture(scope="module")
def address(postgres_server: Postgres, redis_url: str) -> Iterator[str]:
    """Where nginx listens; it sends blobs itself, by X-Accel-Redirect."""
    with portolan.cluster(postgres_server.create(), redis_url, trusted_proxies="127.0.0.1") as instances:
        store = Path(instances[0].environment["PORTOLAN_STORAGE_URL"].removeprefix("file://"))
        with nginx.server(*(instance.address for instance in instances), store=store) as proxy:
            yield proxy


def test_docker_pushes_and_pulls(docker_engine, address, tmp_path):
    docker, reference = docker_engine, f"{address}/library/balanced:1"
    docker("login", "-u", ADMIN[0], "--password-stdin", address, stdin=ADMIN[1])
    (tmp_path / "rootfs.tar").write_bytes(images.tar_of({"zeros": bytes(20_000_000), "one": b"1"}))
    image = docker("import", str(tmp_path / "rootfs.tar"), reference).strip()
    docker("push", reference)
    docker("rmi", reference)
    docker("pull", reference)
    assert docker("image", "inspect", "--format", "{{.Id}}", reference).strip() == image


def test_skopeo_copies_all_architectures(address, tmp_path):
    pushed = images.index([images.image("balanced", architecture=name) for name in ("amd64", "arm64")])
    images.write_layout(tmp_path / "layout", pushed, "all")
    client = skopeo(tmp_path)
    client("login", "--tls-verify=false", "-u", ADMIN[0], "--password-stdin", address, stdin=ADMIN[1])
    target = f"docker://{address}/library/architectures:all"
    client("copy", "--all", "--preserve-digests", "--dest-tls-verify=false", f"oci:{tmp_path}/layout:all", target)
    assert Registry(f"http://{address}", ADMIN).pull("library/architectures", "all") == pushed


def test_nginx_sends_blobs_with_the_headers_clients_rely_on(address):
    registry = Registry(f"http://{address}", ADMIN)
    pushed = images.image("accelerated")
    registry.push("library/accelerated", pushed, "1")
    blob = pushed.blobs[1]
    answer = registry.request("GET", f"/v2/library/accelerated/blobs/{blob.digest}")
    assert (answer.content, answer.headers["Docker-Content-Digest"]) == (blob.data, blob.digest)
    part = registry.request("GET", f"/v2/library/accelerated/blobs/{blob.digest}", headers={"Range": "bytes=2-5"})
    assert (part.status_code, part.content) == (206, blob.data[2:6])
