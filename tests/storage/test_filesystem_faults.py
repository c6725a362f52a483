"""What disks and processes do to the filesystem driver: crashes, full and vanished disks, locks taken too late."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from registry.storage.errors import NoSpace, NotFound, Unavailable, UploadBusy
from registry.storage.factory import driver_from_url
from registry.storage.paths import blob_path, upload_path
from tests.storage.suite import DATA, paths, stored

BLOB = blob_path("sha256:" + "ab" * 32)
UPLOAD = upload_path(uuid.UUID(int=1))

WRITER = """
import sys
from registry.storage.factory import driver_from_url
writer = driver_from_url(sys.argv[1]).upload(sys.argv[2], offset=0, state={})
writer.write(b"checkpointed")
writer.state()
writer.write(b" and lost")
print("written", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def url(tmp_path):
    return f"file://{tmp_path}/store"


@pytest.fixture
def driver(url):
    return driver_from_url(url)


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a disk of its own with room for 1 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small disk takes root")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_killed_writer_leaves_the_upload_free_and_its_checkpoint_whole(url, driver):
    command = [sys.executable, "-c", WRITER, url, UPLOAD]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path.cwd()) as process:
        assert process.stdout.readline() == b"written\n"
        with pytest.raises(UploadBusy):
            driver.upload(UPLOAD, offset=12, state={})
        process.send_signal(signal.SIGKILL)
        process.wait()
    with driver.upload(UPLOAD, offset=12, state={"durable": 12}) as writer:
        writer.commit(BLOB)
    assert stored(driver, BLOB) == b"checkpointed"


@pytest.mark.parametrize("offset", [0, 4])
def test_a_lock_that_comes_after_the_commit_does_not_touch_the_blob(driver, monkeypatch, offset):
    first = driver.upload(UPLOAD, offset=0, state={})
    first.write(b"blob")
    lock = fcntl.flock

    def commit_then_lock(descriptor: int, operation: int) -> None:
        monkeypatch.setattr(fcntl, "flock", lock)
        first.commit(BLOB)
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", commit_then_lock)
    if offset:
        with pytest.raises(NotFound):
            driver.upload(UPLOAD, offset=offset, state={})
    else:
        with driver.upload(UPLOAD, offset=0, state={}) as second:
            second.write(b"another")
            second.cancel()
    assert stored(driver, BLOB) == b"blob"
    assert paths(driver) == {BLOB}


def test_an_upload_deleted_while_it_is_written_cannot_be_committed(driver):
    with driver.upload(UPLOAD, offset=0, state={}) as writer:
        writer.write(b"x")
        driver.delete(UPLOAD)
        with pytest.raises(NotFound):
            writer.commit(BLOB)
    assert paths(driver) == set()


def test_a_reader_keeps_the_object_it_opened(driver):
    driver.put(BLOB, DATA)
    pieces = driver.read(BLOB)
    driver.put(BLOB, b"new")
    driver.delete(BLOB)
    assert b"".join(pieces) == DATA


def checkpoint_after(writer, data):
    """A write may hold bytes back, and then it is the checkpoint that finds no room for them."""
    writer.write(data)
    writer.state()


def test_a_full_disk_is_told_and_recovered_from(small_disk):
    driver = driver_from_url(f"file://{small_disk}")
    driver.put("blobs/filler", bytes(500_000))
    with driver.upload(UPLOAD, offset=0, state={}) as writer:
        writer.write(bytes(100_000))
        state = writer.state()
        with pytest.raises(NoSpace):
            checkpoint_after(writer, bytes(1_000_000))
    with pytest.raises(NoSpace):
        driver.put(BLOB, bytes(1_000_000))
    assert paths(driver) == {"blobs/filler", UPLOAD}
    driver.delete("blobs/filler")
    with driver.upload(UPLOAD, offset=100_000, state=state) as writer:
        writer.write(bytes(500_000))
        writer.commit(BLOB)
    assert stored(driver, BLOB) == bytes(600_000)


def test_a_disk_mounted_read_only_is_no_healthy_store(small_disk):
    driver = driver_from_url(f"file://{small_disk}")
    driver.put(BLOB, b"x")
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(Unavailable):
        driver.check()
    with pytest.raises(Unavailable):
        driver.put(BLOB, b"y")
    assert stored(driver, BLOB) == b"x"


@pytest.mark.parametrize(
    ("code", "expected"), [(errno.ENOSPC, NoSpace), (errno.EDQUOT, NoSpace), (errno.EIO, Unavailable)]
)
def test_errors_of_the_disk_name_driver_and_path(driver, monkeypatch, code, expected):
    def fail(*_: object) -> int:
        raise OSError(code, os.strerror(code))

    with driver.upload(UPLOAD, offset=0, state={}) as writer:
        monkeypatch.setattr(os, "pwrite", fail)
        with pytest.raises(expected, match=f"filesystem: {UPLOAD}: "):
            writer.write(b"x")


def test_short_writes_are_completed(driver, monkeypatch):
    write = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda file, data, offset: write(file, data[:1000], offset))
    with driver.upload(UPLOAD, offset=0, state={}) as writer:
        writer.write(DATA[:10_500])
        writer.commit(BLOB)
    assert stored(driver, BLOB) == DATA[:10_500]


def test_bytes_are_synced_once(driver, syncs):
    with driver.upload(UPLOAD, offset=0, state={}) as writer:
        writer.write(DATA)
        state = writer.state()
    assert syncs.files == 1
    with driver.upload(UPLOAD, offset=len(DATA), state=state) as writer:
        writer.commit(BLOB)
    assert syncs.files == 1
    assert syncs.folders > 0


class _Syncs:
    files = folders = 0


@pytest.fixture
def syncs(driver, monkeypatch):
    driver.put("blobs/first", b"")
    counted, sync = _Syncs(), os.fsync

    def count(descriptor: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").is_dir():
            counted.folders += 1
        else:
            counted.files += 1
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", count)
    return counted


def test_a_vanished_store_is_unavailable_and_is_not_made_anew(driver, tmp_path):
    store, away = tmp_path / "store", tmp_path / "away"
    driver.put(BLOB, b"x")
    writer = driver.upload(UPLOAD, offset=0, state={})
    verbs = [
        driver.check,
        driver.space,
        lambda: driver.stat(BLOB),
        lambda: driver.read(BLOB),
        lambda: driver.put(BLOB, b"y"),
        lambda: driver.delete(BLOB),
        lambda: list(driver.walk("")),
        lambda: driver.upload(UPLOAD, offset=0, state={}),
        lambda: driver.upload(UPLOAD, offset=1, state={}),
        lambda: writer.commit(BLOB),
    ]
    store.rename(away)
    for mount_point_stays in (False, True):
        if mount_point_stays:
            store.mkdir()
        for verb in verbs:
            with pytest.raises(Unavailable):
                verb()
        assert not mount_point_stays or list(store.iterdir()) == []
    store.rmdir()
    away.rename(store)
    writer.commit(BLOB)
    assert stored(driver, BLOB) == b""


def test_a_folder_with_files_of_others_is_not_taken_for_a_store(driver, tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "holiday.jpg").touch()
    with pytest.raises(Unavailable, match=r"\.portolan-store"):
        driver.put(BLOB, b"x")
    (tmp_path / "store" / ".portolan-store").touch()
    driver.put(BLOB, b"x")


def test_a_fresh_disk_is_made_a_store(driver, tmp_path):
    (tmp_path / "store" / "lost+found").mkdir(parents=True)
    driver.check()
    assert (tmp_path / "store" / ".portolan-store").exists()


def test_files_that_others_put_into_the_store_are_not_listed(driver, tmp_path):
    driver.put(BLOB, b"x")
    (tmp_path / "store" / "blobs" / ".nfs0001").touch()
    (tmp_path / "store" / "blobs" / "a b").touch()
    assert paths(driver) == {BLOB}


def test_the_file_of_an_object_can_be_sent(driver):
    driver.put(BLOB, b"x")
    assert driver.local_path(BLOB).read_bytes() == b"x"
    assert driver.url(BLOB, expires=None) is None


def test_no_file_stays_open(driver):
    def use() -> None:
        driver.put(BLOB, DATA)
        next(driver.read(BLOB))
        driver.read(BLOB)
        with pytest.raises(NotFound):
            driver.upload(UPLOAD, offset=5, state={})
        with driver.upload(UPLOAD, offset=0, state={}), pytest.raises(UploadBusy):
            driver.upload(UPLOAD, offset=0, state={})
        with pytest.raises(NotFound):
            driver.upload(UPLOAD, offset=5, state={})
        list(driver.walk(""))

    use()
    before = len(list(Path("/proc/self/fd").iterdir()))
    use()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
