"""What every storage driver promises, as one suite: a driver's test file makes a store and inherits this class."""

import hashlib
import json
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import cycle, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.storage.base import StorageDriver
from registry.storage.errors import InvalidPath, NotFound, UploadBusy
from registry.storage.factory import driver_from_url
from registry.storage.paths import blob_path, upload_path

DATA = bytes(range(251)) * 10_000  # 2.5 MB whose period no power of two divides, so that a misplaced piece shows.
MiB = 1024 * 1024

RANGES = [
    (0, 0),
    (0, 1),
    (5, 3),
    (MiB - 1, 2),
    (1, 2 * MiB),
    (0, None),
    (MiB, None),
    (len(DATA) - 1, None),
    (len(DATA) - 1, 10),
    (len(DATA), 1),
    (len(DATA), None),
    (len(DATA) + 5, 5),
    (len(DATA) + 5, None),
]

HOSTILE = [
    "",
    "/",
    "/etc/passwd",
    "..",
    "../other",
    "blobs/../../other",
    "blobs/..",
    "blobs/./x",
    "blobs//x",
    "blobs/x/",
    "blobs/.hidden",
    ".portolan-store",
    "blobs/x\0y",
    "blobs/x\n",
    "blobs/x\r\nHost: y",
    "blobs\\x",
    "blobs/%2e%2e/x",
    "blobs/\u202e",
    "blobs/\uff0e\uff0e/x",
    "C:x",
    "x" * 300,
    "/".join("x" * 40),
]

STEPS = st.lists(
    st.tuples(st.integers(0, 200_000), st.sampled_from(["go on", "checkpoint", "move", "crash"])), max_size=8
)


def stored(driver: StorageDriver, path: str) -> bytes:
    return b"".join(driver.read(path))


def paths(driver: StorageDriver, prefix: str = "") -> set[str]:
    return {found.path for found in driver.walk(prefix)}


class DriverSuite:
    """Subclasses give a fixture `url`: the storage URL of an empty store of the test's own."""

    @pytest.fixture
    def connect(self, url: str) -> Callable[[], StorageDriver]:
        """Makes a new driver for the store, as another instance of the registry would."""
        return lambda: driver_from_url(url)

    @pytest.fixture
    def driver(self, connect: Callable[[], StorageDriver]) -> Iterator[StorageDriver]:
        """The driver under test. When all is done the store must be empty: whatever a test leaves is a leak."""
        driver = connect()
        yield driver
        assert paths(driver) == set()

    @pytest.fixture
    def path(self, driver: StorageDriver) -> Iterator[str]:
        """Where the test may store an object; removed at the end."""
        path = blob_path(f"sha256:{uuid.uuid4().hex * 2}")
        yield path
        driver.delete(path)

    @pytest.fixture
    def upload(self) -> str:
        return upload_path(uuid.uuid4())

    # --- objects ----------------------------------------------------------------------------------------------------

    def test_an_object_reads_back_as_it_was_put(self, driver, path):
        driver.put(path, DATA)
        assert stored(driver, path) == DATA
        assert driver.stat(path).size == len(DATA)
        assert driver.stat(path).modified.utcoffset().total_seconds() == 0

    def test_putting_again_replaces(self, driver, path):
        driver.put(path, b"old and longer")
        driver.put(path, b"new")
        assert stored(driver, path) == b"new"

    def test_an_empty_object_is_an_object(self, driver, path):
        driver.put(path, b"")
        assert driver.stat(path).size == 0
        assert stored(driver, path) == b""

    def test_ranges(self, driver, path):
        driver.put(path, DATA)
        for start, length in RANGES:
            end = None if length is None else start + length
            assert b"".join(driver.read(path, start, length)) == DATA[start:end], (start, length)

    def test_reading_comes_in_pieces_and_may_stop_early(self, driver, path):
        driver.put(path, DATA)
        pieces = driver.read(path)
        piece = next(pieces)
        assert 0 < len(piece) <= MiB
        assert DATA.startswith(piece)
        pieces.close()
        driver.read(path).close()

    def test_what_is_missing_is_not_found(self, driver, path):
        for missing in (path, path.rpartition("/")[0]):
            with pytest.raises(NotFound) as error:
                driver.stat(missing)
            assert (error.value.driver, error.value.path) == (driver.name, missing)
            for length in (None, 0, 1):
                with pytest.raises(NotFound):
                    driver.read(missing, 0, length)

    def test_deleting_twice_is_no_error(self, driver, path):
        driver.put(path, b"x")
        driver.delete(path)
        driver.delete(path)
        with pytest.raises(NotFound):
            driver.stat(path)

    def test_walking_finds_what_is_below_a_folder(self, driver):
        names = [f"blobs/sha256/0{number}/{number}" for number in range(3)] + ["blobsx/1", "quarantine/1"]
        for name in names:
            driver.put(name, name.encode())
        assert {found.path: found.size for found in driver.walk("blobs")} == {name: len(name) for name in names[:3]}
        assert paths(driver, "blobs/sha256/01") == {names[1]}
        assert paths(driver, "nowhere") == set()
        assert paths(driver) == set(names)
        for name in names:
            driver.delete(name)

    def test_health_and_room(self, driver):
        driver.check()
        space = driver.space()
        assert space is None or 0 < space.free <= space.total

    # --- uploads ----------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("size", [0, 1, 70_000, len(DATA)])
    def test_an_upload_becomes_an_object_when_committed(self, driver, path, upload, size):
        with driver.upload(upload, offset=0, state={}) as writer:
            for start in range(0, size, 65_536):
                writer.write(memoryview(DATA)[start : min(size, start + 65_536)])
            assert writer.size == size
            with pytest.raises(NotFound):
                driver.stat(path)
            writer.commit(path)
        assert stored(driver, path) == DATA[:size]
        assert paths(driver) == {path}

    def test_an_upload_goes_on_at_another_instance(self, driver, connect, path, upload):
        size, state = 0, {}
        for end in (10, 10, 100_000, 1_000_000, len(DATA)):
            with connect().upload(upload, offset=size, state=state) as writer:
                writer.write(DATA[size:end])
                size, state = writer.size, json.loads(json.dumps(writer.state()))
        with connect().upload(upload, offset=size, state=state) as writer:
            writer.commit(path)
        assert stored(driver, path) == DATA

    def test_what_was_written_after_the_checkpoint_is_dropped(self, driver, connect, path, upload):
        with connect().upload(upload, offset=0, state={}) as writer:
            writer.write(DATA[:300_000])
            state = writer.state()
            writer.write(b"lost in the crash" * 10_000)
        with connect().upload(upload, offset=300_000, state=state) as writer:
            writer.write(b"the end")
            writer.commit(path)
        assert stored(driver, path) == DATA[:300_000] + b"the end"
        driver.delete(upload)

    def test_a_checkpoint_that_was_not_kept_does_no_harm(self, driver, connect, path, upload):
        with connect().upload(upload, offset=0, state={}) as writer:
            writer.write(DATA[:200_000])
            kept = writer.state()
            writer.write(DATA[:200_000])
            writer.state()
        with connect().upload(upload, offset=200_000, state=kept) as writer:
            writer.commit(path)
        assert stored(driver, path) == DATA[:200_000]
        driver.delete(upload)

    def test_an_upload_without_a_checkpoint_begins_anew(self, driver, connect, path, upload):
        with connect().upload(upload, offset=0, state={}) as writer:
            writer.write(DATA)
        with connect().upload(upload, offset=0, state={}) as writer:
            writer.write(b"short")
            writer.commit(path)
        assert stored(driver, path) == b"short"
        driver.delete(upload)

    @pytest.mark.parametrize("size", [0, 1, 300_000, len(DATA)])
    def test_an_unfinished_upload_can_be_read_and_goes_on(self, driver, connect, path, upload, size):
        with driver.upload(upload, offset=0, state={}) as writer:
            writer.write(DATA[:size])
            state = writer.state()
        with connect().upload(upload, offset=size, state=state) as writer:
            assert b"".join(writer.read()) == DATA[:size]
            writer.write(DATA[:200_000])
            assert b"".join(writer.read()) == DATA[:size] + DATA[:200_000]
            state = writer.state()
        with connect().upload(upload, offset=size + 200_000, state=state) as writer:
            assert b"".join(writer.read()) == DATA[:size] + DATA[:200_000]
            writer.commit(path)
        assert stored(driver, path) == DATA[:size] + DATA[:200_000]

    def test_cancelling_leaves_nothing(self, driver, connect, upload):
        with driver.upload(upload, offset=0, state={}) as writer:
            writer.write(DATA)
            state = writer.state()
            writer.cancel()
        assert paths(driver) == set()
        with pytest.raises(NotFound):
            connect().upload(upload, offset=len(DATA), state=state)

    def test_an_abandoned_upload_is_listed_and_can_be_deleted(self, driver, upload):
        with driver.upload(upload, offset=0, state={}) as writer:
            writer.write(DATA)
            state = writer.state()
        assert paths(driver, "uploads") == {upload}
        driver.delete(upload)
        assert paths(driver, "uploads") == set()
        driver.delete(upload)
        with pytest.raises(NotFound):
            driver.upload(upload, offset=len(DATA), state=state)

    def test_bytes_that_are_not_there_cannot_be_continued(self, driver, upload):
        with driver.upload(upload, offset=0, state={}) as writer:
            writer.write(b"five!")
            state = writer.state()
        with pytest.raises(NotFound):
            driver.upload(upload, offset=6, state=state)
        with pytest.raises(NotFound):
            driver.upload(upload_path(uuid.uuid4()), offset=5, state={})
        driver.delete(upload)

    def test_one_writer_at_a_time(self, driver, path, upload):
        with driver.upload(upload, offset=0, state={}) as writer:
            writer.write(b"mine")
            with pytest.raises(UploadBusy):
                driver.upload(upload, offset=0, state={})
            state = writer.state()
        with driver.upload(upload, offset=4, state=state) as writer:
            writer.commit(path)
            with driver.upload(upload, offset=0, state={}) as successor:
                writer.close()
                with pytest.raises(UploadBusy):
                    driver.upload(upload, offset=0, state={})
                successor.cancel()
        assert stored(driver, path) == b"mine"

    def test_many_uploads_of_the_same_content_at_once(self, driver, path):
        together = threading.Barrier(6)

        def push(_: int) -> None:
            with driver.upload(upload_path(uuid.uuid4()), offset=0, state={}) as writer:
                writer.write(DATA)
                together.wait()
                writer.commit(path)

        with ThreadPoolExecutor(6) as threads:
            assert list(threads.map(push, range(6))) == [None] * 6
        assert paths(driver) == {path}
        assert stored(driver, path) == DATA

    def test_any_chunking_with_any_crashes_gives_the_same_bytes(self, driver, connect, path, upload):
        instances = cycle([connect(), connect()])

        @settings(max_examples=20, deadline=None, database=None)
        @given(STEPS)
        def pushes(steps: list[tuple[int, str]]) -> None:
            expected = self.push_in_steps(instances, steps, upload, path)
            assert hashlib.sha256(stored(driver, path)).digest() == expected
            driver.delete(upload)

        pushes()

    def push_in_steps(
        self, instances: Iterator[StorageDriver], steps: list[tuple[int, str]], upload: str, path: str
    ) -> bytes:
        """Push pieces, checkpointing, moving to another instance and crashing as told; the digest of what must be there."""
        sent, kept, state = hashlib.sha256(), 0, {}
        writer = next(instances).upload(upload, offset=0, state={})
        checkpoint = sent.copy()
        for number, (size, then) in enumerate(steps):
            piece = DATA[number * 1000 : number * 1000 + size]
            writer.write(piece)
            sent.update(piece)
            if then in {"checkpoint", "move"}:
                kept, state, checkpoint = writer.size, json.loads(json.dumps(writer.state())), sent.copy()
            if then in {"move", "crash"}:
                writer.close()
                sent = checkpoint.copy()
                writer = next(instances).upload(upload, offset=kept, state=state)
        writer.commit(path)
        return sent.digest()

    # --- hostile paths ----------------------------------------------------------------------------------------------

    def test_hostile_paths_are_refused_by_every_verb(self, driver, upload):
        with driver.upload(upload, offset=0, state={}) as writer:
            verbs = [
                driver.stat,
                driver.read,
                lambda path: driver.put(path, b"x"),
                driver.delete,
                lambda path: list(driver.walk(path or "/")),
                lambda path: driver.upload(path, offset=0, state={}),
                driver.local_path,
                lambda path: driver.url(path, expires=timedelta(1)),
                writer.commit,
            ]
            for hostile, verb in product(HOSTILE, verbs):
                with pytest.raises(InvalidPath):
                    verb(hostile)
            writer.cancel()
