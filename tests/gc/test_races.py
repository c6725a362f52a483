"""Garbage collection without a grace period beside pushes: nothing acknowledged is lost, nothing unused stays."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest
from django.db import connection

from registry.models import Blob, BlobLink, Manifest
from registry.services import uploads
from registry.services.garbage import collect_garbage
from tests.support.images import image
from tests.support.processes import wait_until

ROOT = Path(__file__).resolve().parents[2]
NOW = timedelta(0)
SHARED = image("shared by everybody")
COLLECTOR = """
import django, sys
from datetime import timedelta
django.setup()
from registry.services.garbage import collect_garbage
print("ready", flush=True)
while not sys.stdin.closed:
    collect_garbage(grace=timedelta(0))
    print("round", flush=True)
    if sys.stdin.readline() != "on\\n":
        break
"""


class Collector:
    """Another process that collects garbage, round after round."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.rounds = 0

    def round(self) -> None:
        """Lets it run, and waits until it is through."""
        assert self._process.stdout
        assert self._process.stdin
        assert self._process.stdout.readline() == "round\n"
        self.rounds += 1
        self._process.stdin.write("on\n")
        self._process.stdin.flush()


@contextmanager
def collector(environment: dict[str, str]) -> Iterator[Collector]:
    argv = [sys.executable, "-c", COLLECTOR]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe, text=True, env=environment, cwd=ROOT) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
            yield Collector(process)
        finally:
            process.kill()


def in_thread(function, *args):
    """Calls a function in a thread that leaves no database connection behind."""
    try:
        return function(*args)
    finally:
        connection.close()


def together(*calls):
    """Runs (function, arguments…) at once and gives their results; raises what they raised."""
    with ThreadPoolExecutor(len(calls)) as pool:
        futures = [pool.submit(in_thread, *call) for call in calls]
        return [future.result() for future in futures]


def test_pushes_beside_a_collector_that_knows_no_grace(shore, tmp_path):
    """Images of their own and one shared by all, pushed and deleted again, while another process collects."""

    def push_and_delete(writer: int) -> None:
        for number in range(6):
            mine = image(f"{writer}/{number}")
            shore.push_until_taken(f"library/{writer}", mine)
            shore.push_until_taken(f"library/{writer}", SHARED, "shared")
            if number % 2:
                shore.delete(f"library/{writer}", mine)

    with collector(shore.environment(tmp_path / "data")) as other, ThreadPoolExecutor(4) as pool:
        pushes = [pool.submit(in_thread, push_and_delete, writer) for writer in range(3)]
        while not all(push.done() for push in pushes):
            other.round()
        for push in pushes:
            push.result()
        assert other.rounds
    for writer in range(3):
        assert shore.is_whole(f"library/{writer}", SHARED)
        assert all(shore.is_whole(f"library/{writer}", image(f"{writer}/{number}")) for number in (0, 2, 4))
    collect_garbage(grace=NOW)
    used = {blob.digest for content in [SHARED, *kept_images()] for blob in content.blobs}
    assert set(Blob.objects.values_list("digest", flat=True)) == used
    assert len(shore.files()) == len(used)


def kept_images():
    return [image(f"{writer}/{number}") for writer in range(3) for number in (0, 2, 4)]


def test_collectors_side_by_side_only_share_the_work(shore):
    for number in range(10):
        for blob in image(f"unused {number}").blobs:
            shore.push_blob("library/a", blob)
    done = together(*[(lambda: collect_garbage(grace=NOW),)] * 3)
    assert sum(each.blobs for each in done) == 20
    assert shore.files() == set()


def test_the_same_blob_uploaded_over_and_over_while_it_is_collected(shore, tmp_path):
    """A blob that collection deletes at that moment is new again, or the client is told to send it again."""
    blob = SHARED.blobs[0]

    def upload(name: str) -> None:
        for _ in range(15):
            shore.push_blob_until_taken(name, blob)

    with collector(shore.environment(tmp_path / "data")) as other, ThreadPoolExecutor(3) as pool:
        ups = [pool.submit(in_thread, upload, f"library/{name}") for name in "abc"]
        while not all(up.done() for up in ups):
            other.round()
        for up in ups:
            up.result()
    shown = BlobLink.objects.filter(condemned_at=None).exists()
    assert not shown or shore.bytes_of(blob) == blob.data


def test_a_mount_beside_the_collector_gives_a_whole_blob_or_says_no(shore, tmp_path):
    blob = SHARED.blobs[0]

    def mount() -> int:
        mounted = 0
        for number in range(25):
            source, target = f"library/source{number}", f"library/target{number}"
            shore.push_blob_until_taken(source, blob)
            if shore.mount(source, target, blob):
                mounted += 1
                if shore.shows(target, blob):
                    assert shore.bytes_of(blob) in (blob.data, None)
        return mounted

    with collector(shore.environment(tmp_path / "data")) as other, ThreadPoolExecutor(1) as pool:
        mounting = pool.submit(in_thread, mount)
        while not mounting.done():
            other.round()
        mounting.result()
    shown = BlobLink.objects.filter(condemned_at=None).exists()
    assert not shown or shore.bytes_of(blob) == blob.data


@pytest.mark.parametrize("condemned", [False, True])
def test_collection_waits_for_an_upload_that_is_about_to_link_the_blob_again(shore, monkeypatch, condemned):
    """An acknowledged upload must not lose its link to a verdict that was reached before it."""
    blob = SHARED.blobs[0]
    shore.push_blob("library/a", blob)
    if condemned:
        BlobLink.objects.update(condemned_at="2020-01-01T00:00Z")
    linked, go_on, record = Event(), Event(), uploads.record

    def record_slowly(*args, **options):
        linked.set()
        assert go_on.wait(30)
        record(*args, **options)

    monkeypatch.setattr(uploads, "record", record_slowly)
    # A grace period under which the old verdict is ripe and the new upload is not.
    collection = (lambda: collect_garbage(grace=timedelta(hours=1)),)
    with ThreadPoolExecutor(2) as pool:
        uploading = pool.submit(in_thread, shore.push_blob, "library/a", blob)
        assert linked.wait(30)
        collecting = pool.submit(in_thread, *collection)
        wait_until(lambda: collecting.done() or _somebody_waits(), "collection has come to the upload")
        go_on.set()
        uploading.result()
        collecting.result()
    assert shore.shows("library/a", blob)
    assert shore.bytes_of(blob) == blob.data


def _somebody_waits() -> bool:
    """Whether a transaction waits for another; on SQLite there is no telling, and the order is the same anyway."""
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


def test_deleting_and_pushing_one_image_at_once(shore):
    """Either order is right; the image is whole or gone, and its tag with it."""

    def push() -> None:
        for _ in range(15):
            shore.push_until_taken("library/a", SHARED)

    def delete() -> None:
        for _ in range(15):
            if Manifest.objects.filter(digest=SHARED.digest).exists():
                shore.delete("library/a", SHARED)

    together((push,), (delete,))
    collect_garbage(grace=NOW)
    if Manifest.objects.exists():
        assert shore.is_whole("library/a", SHARED)
    else:
        assert shore.files() == set()
