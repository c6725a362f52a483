"""Uploads go on wherever the next request arrives, and whatever became of the one before."""

import asyncio
import hashlib

import pytest
from django.db import OperationalError

from registry.distribution.threads import in_database_thread
from registry.models import Upload
from registry.oci.names import digest_of
from registry.services import uploads
from registry.storage import hashing
from registry.storage.errors import NoSpace
from registry.storage.filesystem_upload import FilesystemWriter
from tests.registry.client import HANG_UP
from tests.registry.conftest import BASE, expect

DATA = bytes(range(256)) * 10
DIGEST = digest_of(DATA)


@pytest.fixture
def session(client):
    return client.post(f"{BASE}/blobs/uploads/").location


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_each_request_may_reach_another_instance(new_instance, client, session, algorithm):
    for start in range(0, len(DATA), 300):
        expect(new_instance().patch(session, DATA[start : start + 300]), 202)
    digest = digest_of(DATA, algorithm)
    expect(new_instance().put(f"{session}?digest={digest}"), 201)
    assert client.get(f"{BASE}/blobs/{digest}").body == DATA


def test_a_digest_that_cannot_be_carried_on_is_computed_anew(client, session, monkeypatch):
    client.patch(session, DATA[:1000])
    Upload.objects.update(digest_state=b"written by another kind of machine")
    client.patch(session, DATA[1000:2000])
    monkeypatch.setattr(hashing, "_NATIVE", {})
    expect(client.put(f"{session}?digest={DIGEST}", DATA[2000:]), 201)
    assert hashlib.sha256(client.get(f"{BASE}/blobs/{DIGEST}").body).hexdigest() == DIGEST.partition(":")[2]


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_what_arrived_before_the_client_hung_up_counts(client, session, method):
    client.patch(session, DATA[:100])
    body = [DATA[100:150], DATA[150:300], HANG_UP]
    answer = client.request(method, f"{session}?digest={DIGEST}", body=body)
    assert answer.status == 0, "there is nobody to answer"
    assert client.get(session).headers["range"] == "0-299"
    expect(client.put(f"{session}?digest={DIGEST}", DATA[300:], content_range=f"300-{len(DATA) - 1}"), 201)


def test_hanging_up_at_once_changes_nothing(client, session):
    client.patch(session, DATA[:100])
    client.patch(session, [HANG_UP])
    assert client.get(session).headers["range"] == "0-99"


def test_of_two_chunks_at_once_one_is_refused(client, session):
    arrived = asyncio.Event()

    async def meanwhile():
        answer = await client.exchange("PATCH", session, body=b"intruder")
        assert (answer.status, answer.code) == (416, "RANGE_INVALID")
        cancelled = await client.exchange("DELETE", session)
        assert cancelled.status == 416
        arrived.set()

    expect(client.patch(session, [DATA[:1000], meanwhile(), DATA[1000:]]), 202)
    assert arrived.is_set()
    expect(client.put(f"{session}?digest={DIGEST}"), 201)


@pytest.mark.parametrize("content_range", [None, "0-999"])
def test_requests_that_arrive_together_never_overwrite_what_was_acknowledged(client, session, content_range, loop):
    headers = {"content_range": content_range} if content_range else {}

    async def at_once():
        bodies = [bytes([number]) * 1000 for number in range(8)]
        return await asyncio.gather(*(client.exchange("PATCH", session, body=body, headers=headers) for body in bodies))

    answers = loop.run_until_complete(at_once())
    taken = [number for number, answer in enumerate(answers) if answer.status == 202]
    assert taken
    assert {answer.status for answer in answers} <= {202, 416}
    taken.sort(key=lambda number: int(answers[number].headers["range"].partition("-")[2]))
    data = b"".join(bytes([number]) * 1000 for number in taken)
    assert client.get(session).headers["range"] == f"0-{len(data) - 1}"
    expect(client.put(f"{session}?digest={digest_of(data)}"), 201)
    assert client.get(f"{BASE}/blobs/{digest_of(data)}").body == data


def test_a_chunk_acknowledged_while_another_request_was_opening_the_upload_is_kept(client, session, monkeypatch):
    open_writer = uploads._writer

    def late(upload):
        monkeypatch.setattr(uploads, "_writer", open_writer)
        assert asyncio.run(client.exchange("PATCH", session, body=DATA[:1000])).status == 202
        return open_writer(upload)

    monkeypatch.setattr(uploads, "_writer", late)
    expect(client.patch(session, b"late"), 416, "RANGE_INVALID")
    expect(client.put(f"{session}?digest={DIGEST}", DATA[1000:]), 201)


def test_an_upload_that_failed_goes_on_where_it_was_acknowledged(client, session, monkeypatch):
    client.patch(session, DATA[:1000])
    write = FilesystemWriter.write

    def half(self, data):
        write(self, data[: len(data) // 2])
        raise NoSpace("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(FilesystemWriter, "write", half)
        expect(client.patch(session, DATA[1000:]), 507, "INSUFFICIENT_STORAGE")
        expect(client.put(f"{session}?digest={DIGEST}", DATA[1000:]), 507, "INSUFFICIENT_STORAGE")
    assert client.get(session).headers["range"] == "0-999"
    expect(client.put(f"{session}?digest={DIGEST}", DATA[1000:]), 201)


def test_an_outage_while_an_upload_is_opened_does_not_keep_it_locked(client, session, monkeypatch):
    def out_of_reach(upload):
        raise OperationalError

    with monkeypatch.context() as patched:
        patched.setattr(uploads.statements, "upload_is_at", out_of_reach)
        expect(client.patch(session, DATA), 503, "UNAVAILABLE")
    expect(client.put(f"{session}?digest={DIGEST}", DATA), 201)


def test_bytes_that_vanished_end_the_upload(client, session, store_dir):
    client.patch(session, DATA[:1000])
    for file in (store_dir / "uploads").iterdir():
        file.unlink()
    expect(client.patch(session, DATA[1000:]), 404, "BLOB_UPLOAD_UNKNOWN")


def test_an_upload_that_ended_while_a_chunk_arrived_takes_no_more(client, session):
    removed = in_database_thread(Upload.objects.all().delete)
    expect(client.patch(session, [DATA[:1000], removed, DATA[1000:]]), 416, "RANGE_INVALID")


def test_the_first_uploads_of_all_may_come_together(client):
    """Each of them finds a folder that is not a store yet."""
    requests = [("POST", f"{BASE}/blobs/uploads/?digest={digest_of(bytes([n]))}", bytes([n])) for n in range(8)]
    assert {answer.status for answer in client.together(*requests)} == {201}
