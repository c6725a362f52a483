"""Pushing blobs: every way the specification knows."""

import pytest

from registry.models import Blob, Upload
from registry.oci.names import digest_of
from tests.registry.conftest import BASE, REPOSITORY, expect

DATA = b"a blob that comes in pieces"
DIGEST = digest_of(DATA)


@pytest.fixture
def session(client):
    """The address of a new upload."""
    return expect(client.post(f"{BASE}/blobs/uploads/"), 202).location


def stored_files(store_dir, folder):
    return [path for path in (store_dir / folder).rglob("*") if path.is_file()] if store_dir.exists() else []


def pulled(client, digest=DIGEST):
    return expect(client.get(f"{BASE}/blobs/{digest}"), 200).body


# --- one request ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
@pytest.mark.parametrize("data", [DATA, b""], ids=["some", "empty"])
def test_post_takes_a_whole_blob(client, algorithm, data):
    digest = digest_of(data, algorithm)
    answer = expect(client.post(f"{BASE}/blobs/uploads/?digest={digest}", data), 201)
    assert answer.location == f"{BASE}/blobs/{digest}"
    assert answer.headers["docker-content-digest"] == digest
    assert client.get(answer.location).body == data
    assert not Upload.objects.exists()


def test_post_with_a_wrong_digest_leaves_nothing(client, store_dir):
    answer = expect(client.post(f"{BASE}/blobs/uploads/?digest={DIGEST}", DATA[1:]), 400, "DIGEST_INVALID")
    assert answer.errors[0]["detail"] == {"digest": DIGEST}
    assert not Upload.objects.exists()
    assert not Blob.objects.exists()
    assert not stored_files(store_dir, "uploads")
    assert not stored_files(store_dir, "blobs")


def test_the_same_blob_may_be_pushed_again(client, store_dir):
    for _ in range(2):
        expect(client.post(f"{BASE}/blobs/uploads/?digest={DIGEST}", DATA), 201)
    assert len(stored_files(store_dir, "blobs")) == 1
    assert pulled(client) == DATA


# --- a session --------------------------------------------------------------------------------------------------------


def test_post_opens_a_session(client):
    answer = expect(client.post(f"{BASE}/blobs/uploads/"), 202)
    assert answer.location == f"{BASE}/blobs/uploads/{answer.headers['docker-upload-uuid']}"
    assert answer.headers["range"] == "0-0"
    assert answer.headers["content-length"] == "0"


def test_the_last_slash_may_be_missing(client):
    expect(client.post(f"{BASE}/blobs/uploads"), 202)


def test_put_brings_everything(client, session):
    answer = expect(client.put(f"{session}?digest={DIGEST}", DATA), 201)
    assert answer.location == f"{BASE}/blobs/{DIGEST}"
    assert pulled(client) == DATA


@pytest.mark.parametrize("sizes", [[27], [1] * 27, [5, 0, 22], [26, 1]], ids=str)
def test_a_streamed_body_may_arrive_in_any_pieces(client, session, sizes):
    pieces, start = [], 0
    for size in sizes:
        pieces.append(DATA[start : start + size])
        start += size
    answer = expect(client.patch(session, pieces), 202)
    assert answer.headers["range"] == "0-26"
    expect(client.put(f"{answer.location}?digest={DIGEST}"), 201)
    assert pulled(client) == DATA


def test_a_blob_larger_than_any_buffer(client, session):
    pieces = [bytes([number]) * 300_000 for number in range(12)]
    data = b"".join(pieces)
    expect(client.patch(session, pieces), 202)
    expect(client.put(f"{session}?digest={digest_of(data)}"), 201)
    assert pulled(client, digest_of(data)) == data


@pytest.mark.parametrize("last_with_put", [False, True])
@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_chunks_with_ranges(client, session, last_with_put, algorithm):
    digest = digest_of(DATA, algorithm)
    expect(client.patch(session, DATA[:10], content_range="0-9"), 202)
    answer = expect(client.patch(session, DATA[10:20], content_range="10-19"), 202)
    assert answer.headers["range"] == "0-19"
    if last_with_put:
        answer = client.put(f"{session}?digest={digest}", DATA[20:], content_range="20-26")
    else:
        client.patch(session, DATA[20:])
        answer = client.put(f"{session}?digest={digest}")
    expect(answer, 201)
    assert pulled(client, digest) == DATA


def test_a_session_may_be_told_its_algorithm(client):
    digest = digest_of(DATA, "sha512")
    location = expect(client.post(f"{BASE}/blobs/uploads/?digest-algorithm=sha512"), 202).location
    client.patch(location, DATA)
    expect(client.put(f"{location}?digest={digest}"), 201)
    assert pulled(client, digest) == DATA
    expect(client.post(f"{BASE}/blobs/uploads/?digest-algorithm=md5"), 400, "UNSUPPORTED")


def test_status_tells_how_far_it_is(client, session):
    assert expect(client.get(session), 204).headers["range"] == "0-0"
    client.patch(session, DATA[:10])
    answer = expect(client.get(f"{session}?digest={DIGEST}"), 204)
    assert answer.headers["range"] == "0-9"
    assert answer.location == session
    assert "content-length" not in answer.headers


def test_nothing_is_visible_before_the_end(client, session):
    client.patch(session, DATA)
    expect(client.head(f"{BASE}/blobs/{DIGEST}"), 404)


# --- what goes wrong --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    ["0-9", "9-18", "11-20", "22-41", "10-18", "10-20", "5-3", "10", "a-b", "-10", "10-", "bytes 10-19,20-29", "10-9"],
)
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_a_chunk_out_of_place_changes_nothing(client, session, method, wrong):
    client.patch(session, DATA[:10], content_range="0-9")
    url = f"{session}?digest={DIGEST}" if method == "PUT" else session
    answer = expect(client.request(method, url, body=b"x" * 10, headers={"content_range": wrong}), 416)
    assert answer.code == "RANGE_INVALID"
    assert answer.headers["range"] == "0-9"
    assert answer.location == session
    expect(client.patch(session, DATA[10:], content_range="10-26"), 202)
    expect(client.put(f"{session}?digest={DIGEST}"), 201)
    assert pulled(client) == DATA


@pytest.mark.parametrize("wrong", ["10-9", "10-0", "11-20"])
def test_a_streamed_chunk_out_of_place_changes_nothing(client, session, wrong):
    client.patch(session, DATA[:10])
    expect(client.patch(session, [], content_range=wrong), 416, "RANGE_INVALID")
    assert client.get(session).headers["range"] == "0-9"


@pytest.mark.parametrize("length", [5, 15])
def test_a_streamed_chunk_must_be_as_long_as_its_range(client, session, length):
    client.patch(session, DATA[:10])
    expect(client.patch(session, [b"x" * length], content_range="10-19"), 400, "SIZE_INVALID")
    assert client.get(session).headers["range"] == "0-9"
    expect(client.put(f"{session}?digest={DIGEST}", [DATA[10:]], content_range="10-26"), 201)
    assert pulled(client) == DATA


@pytest.mark.parametrize("spelling", ["10-26", "bytes 10-26/27", "bytes 10-26/*", "bytes=10-26", " 10-26 "])
def test_ranges_as_clients_spell_them(client, session, spelling):
    client.patch(session, DATA[:10])
    expect(client.patch(session, DATA[10:], content_range=spelling), 202)


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_wrong_digest_leaves_nothing(client, session, store_dir, algorithm, chunked):
    wrong = digest_of(b"something else", algorithm)
    body = DATA
    if chunked:
        client.patch(session, DATA[:10])
        body = DATA[10:]
    expect(client.put(f"{session}?digest={wrong}", body), 400, "DIGEST_INVALID")
    expect(client.get(session), 404, "BLOB_UPLOAD_UNKNOWN")
    expect(client.head(f"{BASE}/blobs/{wrong}"), 404)
    assert not stored_files(store_dir, "uploads")
    assert not stored_files(store_dir, "blobs")


@pytest.mark.parametrize("query", ["", "?digest=", "?digest=sha256:abc", "?digest=md5:" + "0" * 32, "?other=1"])
def test_put_needs_a_digest_and_the_upload_stays(client, session, query):
    expect(client.put(session + query, DATA), 400, "DIGEST_INVALID")
    expect(client.put(f"{session}?digest={DIGEST}", DATA), 201)


def test_cancel(client, session, store_dir):
    client.patch(session, DATA)
    assert expect(client.delete(session), 204).body == b""
    for method in ("GET", "PATCH", "PUT", "DELETE"):
        expect(client.request(method, f"{session}?digest={DIGEST}"), 404, "BLOB_UPLOAD_UNKNOWN")
    assert not stored_files(store_dir, "uploads")


def test_a_finished_upload_is_gone(client, session):
    client.put(f"{session}?digest={DIGEST}", DATA)
    expect(client.get(session), 404, "BLOB_UPLOAD_UNKNOWN")


@pytest.mark.parametrize("upload", ["nonsense", "00000000-0000-0000-0000-000000000000", "..", "é"])
@pytest.mark.parametrize("method", ["GET", "PATCH", "PUT", "DELETE"])
def test_an_upload_that_is_none(client, method, upload):
    url = f"{BASE}/blobs/uploads/{upload}?digest={DIGEST}"
    expect(client.request(method, url, body=DATA), 404, "BLOB_UPLOAD_UNKNOWN")


def test_an_upload_of_another_repository(client, session):
    other = session.replace(REPOSITORY, "library/other")
    for method in ("GET", "PATCH", "PUT", "DELETE"):
        expect(client.request(method, f"{other}?digest={DIGEST}"), 404, "BLOB_UPLOAD_UNKNOWN")
    expect(client.get(session), 204)


def test_there_must_be_a_namespace(client):
    answer = expect(client.post("/v2/nowhere/app/blobs/uploads/"), 403, "DENIED")
    assert "nowhere" in answer.errors[0]["message"]
