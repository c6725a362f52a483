"""Appends that go round the page cache, with pieces small enough to meet every boundary."""

import errno
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.storage import appending
from registry.storage.appending import BLOCK, Appender

PIECE = 2 * BLOCK


@pytest.fixture(autouse=True, scope="module")
def small_pieces():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(appending, "PIECE", PIECE)
        patch.setattr(appending, "LARGE", BLOCK)
        yield


@pytest.fixture
def file(tmp_path):
    return tmp_path / "upload"


class Appending:
    """A file and what it should hold."""

    def __init__(self, path):
        self.path = path
        self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        self.appender = Appender(self.descriptor, path)
        self.expected = b""

    def append(self, size):
        data = os.urandom(size)
        self.appender.append(data, len(self.expected))
        self.expected += data

    def settled(self):
        self.appender.settle(len(self.expected))
        return self.path.read_bytes()

    def close(self):
        self.appender.close()
        os.close(self.descriptor)


@pytest.fixture
def appending_to(file):
    opened = Appending(file)
    yield opened
    opened.close()


SIZES = st.integers(0, 3) | st.integers(BLOCK - 2, BLOCK + 2) | st.integers(0, 3 * PIECE)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(SIZES, st.just("settle")), max_size=12))
def test_any_appends_give_the_same_bytes(tmp_path_factory, steps):
    opened = Appending(tmp_path_factory.getbasetemp() / "appended")
    try:
        for step in steps:
            if step == "settle":
                assert opened.settled() == opened.expected
            else:
                opened.append(step)
        assert opened.settled() == opened.expected
    finally:
        opened.close()


def test_whole_pieces_go_round_the_page_cache(appending_to, monkeypatch):
    if appending_to.appender._open() is False:
        pytest.skip("this file system has no O_DIRECT")
    direct = []
    pwrite = os.pwrite

    def noting(descriptor, data, offset):
        direct.append(descriptor == appending_to.appender._direct)
        return pwrite(descriptor, data, offset)

    monkeypatch.setattr(os, "pwrite", noting)
    appending_to.append(3 * PIECE)
    assert direct == [True, True, True]
    assert appending_to.settled() == appending_to.expected


def test_a_file_system_that_refuses_late_is_served_through_the_cache(appending_to, monkeypatch):
    pwrite = os.pwrite

    def refusing(descriptor, data, offset):
        if descriptor == appending_to.appender._direct:
            raise OSError(errno.EINVAL, "Invalid argument")
        return pwrite(descriptor, data, offset)

    monkeypatch.setattr(os, "pwrite", refusing)
    for _ in range(4):
        appending_to.append(PIECE + 1)
    assert appending_to.settled() == appending_to.expected


@pytest.mark.parametrize("room", [0, 1, 2], ids="room for {} writes".format)
@pytest.mark.parametrize("before", [0, 10, BLOCK, BLOCK + 10, PIECE + 10])
def test_a_full_disk_loses_nothing_that_was_there(appending_to, monkeypatch, before, room):
    appending_to.append(before)
    pwrite = os.pwrite
    left = iter(range(room))

    def full(*arguments):
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        return pwrite(*arguments)

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(OSError, match="No space"):
        appending_to.append(5 * PIECE)
    monkeypatch.setattr(os, "pwrite", pwrite)
    appending_to.append(100)
    assert appending_to.settled()[: before + 100] == appending_to.expected
