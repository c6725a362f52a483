"""The spool's writing side."""

import errno
import logging
import os
import signal
import threading
from pathlib import Path

import pytest

from audit import spool as module
from audit.events import parse
from audit.spool import Spool, encoded

PULL = {"actor": "anna", "kind": "user", "action": "manifest.pull", "project": "library", "target": "library/hello:1"}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def spool(directory: Path):
    spool = Spool(directory)
    yield spool
    spool.close()


def segments(directory: Path) -> list[Path]:
    return sorted(directory.iterdir())


def spooled(directory: Path) -> list[str]:
    events = [parse(line) for path in segments(directory) for line in path.read_bytes().splitlines()]
    return [event.target for event in events if event]


def in_child(action) -> int:
    """Runs `action` in a forked process; its exit status, or the signal it died of as a negative number."""
    child = os.fork()
    if not child:
        try:
            action()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_an_event_is_on_file_when_append_returns(spool: Spool, directory: Path):
    spool.append(encoded(PULL | {"target": "ä\n\0\ud800"}))
    (segment,) = segments(directory)
    event = parse(segment.read_bytes())
    assert event is not None
    assert (event.origin.actor, event.action, event.target) == ("anna", "manifest.pull", "ä\n\0\ud800")


def test_only_the_owner_may_read_the_spool(spool: Spool, directory: Path):
    spool.append(encoded(PULL))
    assert directory.stat().st_mode & 0o777 == 0o700
    assert segments(directory)[0].stat().st_mode & 0o777 == 0o600


def test_events_survive_a_process_killed_right_after(spool: Spool, directory: Path):
    def append_and_die() -> None:
        spool.append(encoded(PULL))
        os.kill(os.getpid(), signal.SIGKILL)

    assert in_child(append_and_die) == -signal.SIGKILL
    assert spooled(directory) == ["library/hello:1"]


def test_a_forked_process_writes_a_segment_of_its_own(spool: Spool, directory: Path):
    spool.append(encoded(PULL | {"target": "parent"}))
    in_child(lambda: spool.append(encoded(PULL | {"target": "child"})))
    spool.append(encoded(PULL | {"target": "parent again"}))
    assert [path.read_bytes().count(b"\n") for path in segments(directory)] == [2, 1]


def test_threads_share_a_segment_line_by_line(spool: Spool, directory: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "SEGMENT_BYTES", 1000)

    def append(number: int) -> None:
        for index in range(50):
            spool.append(encoded(PULL | {"target": f"{number}.{index}"}))

    threads = [threading.Thread(target=append, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(spooled(directory)) == sorted(f"{number}.{index}" for number in range(4) for index in range(50))


@pytest.mark.parametrize("limit", ["SEGMENT_BYTES", "SEGMENT_SECONDS"])
def test_a_full_or_old_segment_is_left_for_a_new_one(
    spool: Spool, directory: Path, monkeypatch: pytest.MonkeyPatch, limit: str
):
    monkeypatch.setattr(module, limit, 0)
    spool.append(encoded(PULL))
    spool.append(encoded(PULL))
    assert len(segments(directory)) == 2


def test_closing_a_spool_leaves_no_empty_segment(directory: Path):
    spool = Spool(directory)
    spool.append(encoded(PULL))
    spool.close()
    spool.close()
    assert len(segments(directory)) == 1
    spool.append(encoded(PULL))
    assert len(segments(directory)) == 2
    spool.close()


class FullDisk:
    """Stands for `os.write`: full until it is emptied. Half of a line may still fit."""

    def __init__(self, *, half: bool) -> None:
        self.full, self.half, self.write = True, half, os.write

    def __call__(self, descriptor: int, data: bytes) -> int:
        if not self.full:
            return self.write(descriptor, data)
        if self.half:
            return self.write(descriptor, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("half", [False, True])
def test_a_full_disk_fails_no_pull_and_is_said_once(
    spool: Spool, directory: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, half: bool
):
    disk = FullDisk(half=half)
    monkeypatch.setattr(module.os, "write", disk)
    monkeypatch.setattr(module, "RETRY_SECONDS", 0)
    for _ in range(3):
        spool.append(encoded(PULL))
    disk.full = False
    spool.append(encoded(PULL | {"target": "after"}))
    spool.append(encoded(PULL | {"target": "later"}))
    assert spooled(directory) == ["after", "later"]
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.WARNING]
    assert "3 events are missing" in caplog.text


def test_a_directory_that_cannot_be_made_fails_no_pull(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    (tmp_path / "file").touch()
    spool = Spool(tmp_path / "file" / "spool")
    for _ in range(3):
        spool.append(encoded(PULL))
    assert len(caplog.records) == 1


def test_a_segment_snatched_before_it_was_locked_is_not_written_to(
    spool: Spool, directory: Path, monkeypatch: pytest.MonkeyPatch
):
    """An ingester may take the empty file of a slow writer for a dead one's, and remove it."""
    lock = module.fcntl.flock
    snatched: list[Path] = []

    def slow_lock(descriptor: int, operation: int) -> None:
        if not snatched:
            snatched.extend(segments(directory))
            snatched[0].unlink()
        lock(descriptor, operation)

    monkeypatch.setattr(module.fcntl, "flock", slow_lock)
    spool.append(encoded(PULL))
    assert spooled(directory) == ["library/hello:1"]
