"""Pulling and deleting blobs."""

import pytest

from registry.oci.names import digest_of
from tests.registry.conftest import BASE, expect, upload

SMALL = b"0123456789"
LARGE = bytes(range(256)) * 512  # 128 KiB: more than is kept in memory.
UNKNOWN = digest_of(b"never pushed")


@pytest.fixture(params=[SMALL, LARGE, b""], ids=["small", "large", "empty"])
def content(request):
    return request.param


def test_a_pull_gives_the_bytes_and_says_what_they_are(client, content):
    digest = upload(client, content)
    answer = expect(client.get(f"{BASE}/blobs/{digest}"), 200)
    assert answer.body == content
    assert answer.headers["content-length"] == str(len(content))
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["docker-content-digest"] == digest
    assert answer.headers["docker-distribution-api-version"] == "registry/2.0"
    assert answer.headers["accept-ranges"] == "bytes"


def test_head_says_the_same_without_the_bytes(client, content):
    url = f"{BASE}/blobs/{upload(client, content)}"
    got, head = client.get(url), client.head(url)
    assert (head.status, head.body) == (200, b"")
    assert head.headers | {"x-request-id": ""} == got.headers | {"x-request-id": ""}


def test_the_first_and_every_further_pull_are_the_same(client, content):
    url = f"{BASE}/blobs/{upload(client, content)}"
    first, second = client.get(url), client.get(url)
    assert second.body == first.body == content
    assert second.headers | {"x-request-id": ""} == first.headers | {"x-request-id": ""}


def test_what_never_changes_may_be_kept_by_the_client_alone(client):
    answer = client.get(f"{BASE}/blobs/{upload(client, SMALL)}")
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"


def test_large_blobs_leave_as_files_where_the_server_can_send_them(new_instance):
    client = new_instance(sends_files=True)
    url = f"{BASE}/blobs/{upload(client, LARGE)}"
    for _ in range(2):
        answer = expect(client.get(url), 200)
        assert answer.sent_as_file
        assert answer.body == LARGE
    assert not client.head(url).sent_as_file
    assert client.get(url, range="bytes=1-2").body == LARGE[1:3]


def test_sha512_names_a_blob_as_well(client):
    digest = upload(client, SMALL, algorithm="sha512")
    answer = expect(client.get(f"{BASE}/blobs/{digest}"), 200)
    assert answer.headers["docker-content-digest"] == digest
    assert answer.body == SMALL


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_a_blob_that_is_not_there(client, method):
    upload(client, SMALL)
    answer = expect(client.request(method, f"{BASE}/blobs/{UNKNOWN}"), 404)
    if method != "HEAD":
        assert answer.code == "BLOB_UNKNOWN"
        assert answer.errors[0]["detail"] == {"digest": UNKNOWN}


def test_a_repository_that_is_not_there(client):
    expect(client.get(f"{BASE}/blobs/{UNKNOWN}"), 404, "NAME_UNKNOWN")
    expect(client.delete(f"{BASE}/blobs/{UNKNOWN}"), 404, "NAME_UNKNOWN")


def test_a_blob_of_another_repository_is_not_there(client):
    digest = upload(client, SMALL)
    upload(client, b"other", repository="library/other")
    expect(client.get(f"/v2/library/other/blobs/{digest}"), 404, "BLOB_UNKNOWN")


@pytest.mark.parametrize("digest", ["sha256:abc", "md5:" + "0" * 32, "sha256:" + "A" * 64, "nonsense", "sha256:"])
def test_what_is_no_digest_is_refused(client, digest):
    expect(client.get(f"{BASE}/blobs/{digest}"), 400, "DIGEST_INVALID")


# --- conditions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ['"{}"', 'W/"{}"', '"other", "{}"', "*"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("hot", [False, True], ids=["cold", "hot"])
def test_a_client_that_has_it_is_told_so(client, method, form, hot):
    digest = upload(client, SMALL)
    url = f"{BASE}/blobs/{digest}"
    if hot:
        client.get(url)
    answer = expect(client.request(method, url, headers={"if_none_match": form.format(digest)}), 304)
    assert answer.body == b""
    assert answer.headers["etag"] == f'"{digest}"'
    assert answer.headers["cache-control"].startswith("private")
    assert answer.headers.get("content-length", "10") == "10", (
        "a length of zero would make the client's copy look wrong"
    )


@pytest.mark.parametrize("condition", ['"other"', "nonsense", ""])
def test_a_client_that_has_something_else_gets_it(client, condition):
    url = f"{BASE}/blobs/{upload(client, SMALL)}"
    for _ in range(2):
        assert expect(client.get(url, if_none_match=condition), 200).body == SMALL


# --- ranges -----------------------------------------------------------------------------------------------------------


@pytest.fixture(params=[SMALL, LARGE], ids=["from memory", "from the store"])
def ranged(request):
    return request.param


@pytest.mark.parametrize(
    ("wanted", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=2-5", 2, 6),
        ("bytes=4-", 4, None),
        ("bytes=-3", -3, None),
        ("bytes=-999999999", 0, None),
        ("bytes=3-99999999999999999999999999", 3, None),
        ("Bytes=2-5", 2, 6),
        ("bytes=00000000000000000000002-5", 2, 6),
        ("bytes= 2-5", 2, 6),
    ],
)
def test_a_range(client, ranged, wanted, start, end):
    digest = upload(client, ranged)
    for _ in range(2):
        answer = expect(client.get(f"{BASE}/blobs/{digest}", range=wanted), 206)
        assert answer.body == ranged[start:end]
        first = start if start >= 0 else len(ranged) + start
        assert answer.headers["content-range"] == f"bytes {first}-{first + len(answer.body) - 1}/{len(ranged)}"
        assert answer.headers["content-length"] == str(len(answer.body))
        assert answer.headers["docker-content-digest"] == digest


@pytest.mark.parametrize(
    "beyond", ["bytes={}-", "bytes={}-{}", "bytes=5-2", "bytes=-0", "bytes=9999999999999999999999-"]
)
def test_a_range_that_does_not_exist(client, ranged, beyond):
    digest = upload(client, ranged)
    answer = expect(client.get(f"{BASE}/blobs/{digest}", range=beyond.format(len(ranged), len(ranged) + 9)), 416)
    assert answer.code == "RANGE_INVALID"
    assert answer.headers["content-range"] == f"bytes */{len(ranged)}"


def test_an_empty_blob_has_no_ranges(client):
    expect(client.get(f"{BASE}/blobs/{upload(client, b'')}", range="bytes=0-"), 416, "RANGE_INVALID")


@pytest.mark.parametrize("other", ["bytes=0-1,4-5", "lines=1-2", "bytes=a-b", "bytes", "bytes=-", "bytes=1-2-3", ""])
def test_anything_else_gives_the_whole(client, ranged, other):
    answer = expect(client.get(f"{BASE}/blobs/{upload(client, ranged)}", range=other), 200)
    assert answer.body == ranged


def test_only_get_has_ranges(client):
    answer = expect(client.head(f"{BASE}/blobs/{upload(client, SMALL)}", range="bytes=0-1"), 200)
    assert answer.headers["content-length"] == "10"


def test_a_range_of_what_the_client_has_not_begun_with_gives_the_whole(client):
    digest = upload(client, SMALL)
    url = f"{BASE}/blobs/{digest}"
    expect(client.get(url, range="bytes=0-1", if_range=f'"{digest}"'), 206)
    expect(client.get(url, range="bytes=0-1", if_range='"other"'), 200)
    expect(client.get(url, range="bytes=0-1", if_range="Mon, 01 Jan 2024 00:00:00 GMT"), 200)
    expect(client.get(url, range="bytes=99-", if_range='"other"'), 200)


# --- deletion ---------------------------------------------------------------------------------------------------------


def test_delete_removes_it_here_at_once_and_nowhere_else(client):
    digest = upload(client, SMALL)
    upload(client, SMALL, repository="library/other")
    url = f"{BASE}/blobs/{digest}"
    assert client.get(url).body == SMALL
    assert expect(client.delete(url), 202).body == b""
    expect(client.head(url), 404)
    expect(client.get(url, range="bytes=0-1"), 404)
    expect(client.delete(url), 404, "BLOB_UNKNOWN")
    assert client.get(f"/v2/library/other/blobs/{digest}").body == SMALL


def test_a_deleted_blob_can_be_pushed_again(client):
    digest = upload(client, SMALL)
    client.delete(f"{BASE}/blobs/{digest}")
    upload(client, SMALL)
    assert client.get(f"{BASE}/blobs/{digest}").body == SMALL
