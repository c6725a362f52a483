"""Disk full, store away, database away: a clear answer with a time to come back, and recovery without a restart."""

import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.robustness.clients import assert_refused, assert_sound, client, digest_on, pushed
from tests.support.images import Content, image
from tests.support.portolan import Portolan
from tests.support.processes import MissingPeer, is_root, wait_until
from tests.support.registry import Registry

MIB = 1024 * 1024


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A folder on a disk of its own with room for 8 MiB."""
    if not is_root():
        pytest.skip("mounting a small disk takes root")
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        raise MissingPeer("root may not mount a small disk here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def upload(registry: Registry, repository: str, blob: Content):
    """The answer to an upload in one piece."""
    path = f"/v2/{repository}/blobs/uploads/?digest={blob.digest}"
    return registry.request("POST", path, data=blob.data)


def blob_of(size: int, letter: bytes = b"x") -> Content:
    return Content("application/octet-stream", letter * size)


def test_a_full_store_says_so_and_takes_pushes_again_when_there_is_room(small_disk, start_portolan):
    instance: Portolan = start_portolan(storage_url=f"file://{small_disk}/store")
    kept = pushed(instance, "library/kept", "was there before")
    registry = client(instance, "library/kept")
    assert_refused(upload(registry, "library/kept", blob_of(9 * MIB)), 507, "INSUFFICIENT_STORAGE")
    instance.manage("jobs", "run", "registry.purge-uploads", "older_than_seconds=0")
    assert upload(registry, "library/kept", blob_of(5 * MIB)).status_code == 201
    assert_refused(upload(registry, "library/kept", blob_of(5 * MIB, b"y")), 507, "INSUFFICIENT_STORAGE")
    assert registry.pull("library/kept", "1").data == kept.data, "pulls go on"
    instance.manage("jobs", "run", "registry.purge-uploads", "older_than_seconds=0")
    instance.manage("gc", "--grace", "0")
    assert upload(registry, "library/kept", blob_of(5 * MIB, b"z")).status_code == 201
    assert_sound(instance, ["library/kept"])


def test_a_full_database_says_so_and_works_again_when_there_is_room(small_disk, start_portolan, tmp_path):
    database = f"sqlite:///{small_disk}/portolan.sqlite3"
    instance: Portolan = start_portolan(database_url=database, storage_url=f"file://{tmp_path}/store")
    kept = pushed(instance, "library/kept", "was there before")
    registry = client(instance, "library/kept")
    ballast = small_disk / "ballast"
    fill(ballast)
    refused = None
    for number in range(200):  # The write-ahead log still has room for a few.
        answer = registry.request("PUT", f"/v2/library/kept/manifests/t{number}", data=kept.data, headers=typed(kept))
        if answer.status_code != 201:
            refused = answer
            break
    assert refused is not None
    assert_refused(refused, 507, "INSUFFICIENT_STORAGE")
    assert registry.pull("library/kept", "1").data == kept.data, "pulls go on"
    ballast.unlink()
    registry.put_manifest("library/kept", kept, "after")
    assert digest_on(registry, "library/kept", "after") == kept.digest
    assert_sound(instance, ["library/kept"])


def fill(file: Path) -> None:
    """Takes all the room there is."""
    with file.open("wb", buffering=0) as taking, suppress(OSError):
        while taking.write(bytes(4096)):
            pass


def typed(content: Content) -> dict[str, str]:
    return {"Content-Type": content.media_type}


def test_a_store_that_is_away_says_so_and_is_found_again(start_portolan, tmp_path):
    instance: Portolan = start_portolan(storage_url=f"file://{tmp_path}/store")
    content = pushed(instance, "library/away", "on a disk that is unplugged")
    registry = client(instance, "library/away")
    layer = content.blobs[1]
    (tmp_path / "store").rename(tmp_path / "unplugged")
    try:
        assert_refused(upload(registry, "library/away", blob_of(1000)), 503, "UNAVAILABLE")
        assert_refused(registry.request("GET", f"/v2/library/away/blobs/{layer.digest}"), 503, "UNAVAILABLE")
        (tmp_path / "store").mkdir()  # The empty mount point.
        assert_refused(upload(registry, "library/away", blob_of(1000)), 503, "UNAVAILABLE")
        assert_refused(registry.request("GET", f"/v2/library/away/blobs/{layer.digest}"), 503, "UNAVAILABLE")
        (tmp_path / "store").rmdir()
    finally:
        (tmp_path / "unplugged").rename(tmp_path / "store")
    assert upload(registry, "library/away", blob_of(1000)).status_code == 201
    assert registry.pull("library/away", "1").blobs[1].data == layer.data
    assert_sound(instance, ["library/away"])


@pytest.mark.parametrize("redis", [False, True])
def test_a_database_that_is_away_says_so_and_is_found_again(stoppable_postgres, start_portolan, redis, request):
    url = f"postgresql://postgres@127.0.0.1:{stoppable_postgres.port}/postgres"
    options = {"redis_url": request.getfixturevalue("redis_url")} if redis else {}
    instance: Portolan = start_portolan(database_url=url, **options)
    content = pushed(instance, "library/away", "while the database slept")
    registry = client(instance, "library/away")
    stoppable_postgres.stop()
    try:
        answer = registry.request("POST", "/v2/library/away/blobs/uploads/")
        assert_refused(answer, 503, "UNAVAILABLE")
        answer = registry.request("GET", "/v2/library/away/manifests/1")
        assert_refused(answer, 503, "UNAVAILABLE")
        assert_refused(
            instance.http("GET", "/service/token?service=harbor-registry&scope=a", auth=("admin", "x")),
            503,
            "UNAVAILABLE",
        )
        assert instance.ready(), "the ping asks nobody"
    finally:
        stoppable_postgres.start()
    assert registry.pull("library/away", "1").data == content.data
    after = image("after")
    registry.push("library/away", after, "2")
    assert registry.pull("library/away", "2").data == after.data
    assert instance.alive
    health = f"{instance.url}/api/v2.0/health"
    wait_until(lambda: registry.session.get(health).json()["status"] == "healthy", "all is well again")
    assert_sound(instance, ["library/away"])
