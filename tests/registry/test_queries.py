"""How often the database is asked at most: no change should raise these numbers without a reason."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from django.db.backends.utils import CursorWrapper

from registry.models import Manifest, Repository, Tag
from registry.oci.names import digest_of
from tests.registry.conftest import BASE, push, upload
from tests.support.images import artifact, image, index

DATA = b"a layer"
DIGEST = digest_of(DATA)
LARGE = bytes(200_000)


@pytest.fixture
def count(monkeypatch):
    """A context that gives the list of the statements executed in it, in whatever thread; not what frames transactions."""
    lock = threading.Lock()
    statements: list[str] = []
    for name in ("execute", "executemany"):
        original = getattr(CursorWrapper, name)

        def noted(self, sql, *args, original=original, **options):
            with lock:
                if not str(sql).startswith(("BEGIN", "SAVEPOINT", "RELEASE", "PRAGMA", "SET")):
                    statements.append(str(sql))
            return original(self, sql, *args, **options)

        monkeypatch.setattr(CursorWrapper, name, noted)

    @contextmanager
    def counting() -> Iterator[list[str]]:
        statements.clear()
        yield statements

    return counting


@pytest.fixture
def freshness_check():
    """SQLite is asked past Django, and Redis in its place; PostgreSQL alone is asked for the repository's generation."""
    return 0 if connection.vendor == "sqlite" else 1


@pytest.fixture
def stocked(client):
    """A repository that is not being created any more, seen by every thread."""
    push(client, image(), "latest")
    return client


def queries(count, call) -> int:
    with count() as statements:
        answer = call()
        assert answer.status < 400, answer.body
    return len(statements)


def assert_at_most(limits, found):
    assert set(found) == set(limits)
    assert {name: number for name, number in found.items() if number > limits[name]} == {}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_repeated_pull_asks_nothing(stocked, count, method, freshness_check):
    digest = upload(stocked, LARGE)
    for path in (
        "manifests/latest",
        f"manifests/{image().digest}",
        f"blobs/{image().blobs[0].digest}",
        f"blobs/{digest}",
    ):
        url = f"{BASE}/{path}"
        first = queries(count, lambda url=url: stocked.request(method, url))
        again = queries(count, lambda url=url: stocked.request(method, url))
        looked_up_again = method == "GET" and digest in url  # A file, and this client's server cannot send files.
        assert (first, again) == (2, freshness_check + (2 if looked_up_again else 0)), path


def test_a_repeated_pull_of_a_file_asks_nothing(stocked, new_instance, count, freshness_check):
    digest = upload(stocked, LARGE)
    client = new_instance(sends_files=True)
    assert [queries(count, lambda: client.get(f"{BASE}/blobs/{digest}")) for _ in range(2)] == [2, freshness_check]


def test_what_a_push_asks(stocked, count):
    location = stocked.post(f"{BASE}/blobs/uploads/").location
    steps = {
        "start": lambda: stocked.post(f"{BASE}/blobs/uploads/"),
        "status": lambda: stocked.get(location),
        "chunk": lambda: stocked.patch(location, DATA),
        "another chunk": lambda: stocked.patch(location, LARGE),
        "finish": lambda: stocked.put(f"{location}?digest={digest_of(DATA + LARGE)}"),
        "at once": lambda: stocked.post(f"{BASE}/blobs/uploads/?digest={DIGEST}", DATA),
        "mount": lambda: stocked.post(f"/v2/library/other/blobs/uploads/?mount={DIGEST}&from=library/app"),
        "delete": lambda: stocked.delete(f"{BASE}/blobs/{DIGEST}"),
    }
    stocked.post("/v2/library/other/blobs/uploads/")
    assert_at_most(
        {
            "start": 3,
            "status": 2,
            "chunk": 4,
            "another chunk": 4,
            "finish": 9,
            "at once": 9,
            "mount": 9,
            "delete": 8,
        },
        {name: queries(count, step) for name, step in steps.items()},
    )


def test_what_a_manifest_asks(stocked, count):
    new, large = image("new"), image("large", layers=40)
    members = [image(str(number)) for number in range(20)]
    for content in (new, large, artifact("text/plain")):
        for blob in content.blobs:
            upload(stocked, blob.data)
    for member in members:
        push(stocked, member)

    def put(content, reference):
        return lambda: stocked.put(f"{BASE}/manifests/{reference}", content.data, content_type=content.media_type)

    steps = {
        "new tag": put(new, "new"),
        "moved tag": put(new, "latest"),
        "many layers": put(large, "large"),
        "artifact": put(artifact("text/plain"), "artifact"),
        "index": put(index(members), "index"),
        "delete tag": lambda: stocked.delete(f"{BASE}/manifests/large"),
        "delete manifest": lambda: stocked.delete(f"{BASE}/manifests/{large.digest}"),
    }
    assert_at_most(
        {
            "new tag": 9,
            "moved tag": 10,
            "many layers": 9,
            "artifact": 9,
            "index": 9,
            "delete tag": 6,
            "delete manifest": 20,
        },
        {name: queries(count, step) for name, step in steps.items()},
    )


@pytest.mark.parametrize("url", [f"{BASE}/tags/list?n=10", f"{BASE}/tags/list?n=10&last=m", f"{BASE}/tags/list"])
def test_a_page_of_few_tags_asks_as_much_as_one_of_many(stocked, count, url):
    repository, manifest = Repository.objects.get(), Manifest.objects.get()
    found = []
    for amount in (10, 1000):
        tags = [Tag(repository=repository, name=f"v{amount}-{number}", manifest=manifest) for number in range(amount)]
        Tag.objects.bulk_create(tags)
        found.append(queries(count, lambda: stocked.get(url)))
    assert found == [3, 3]


def test_listing_referrers_asks_as_much_for_few_as_for_many(stocked, count):
    found = []
    for amount in (1, 10):
        for number in range(amount):
            push(stocked, artifact("text/plain", b"%d" % number, subject=image()))
        found.append(queries(count, lambda: stocked.get(f"{BASE}/referrers/{image().digest}")))
    assert found == [3, 3]
