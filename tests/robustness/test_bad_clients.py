"""Clients that are slow, broken or hostile keep nobody else from being served."""

import resource
import secrets
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.robustness.clients import client, each, pushed
from tests.support.images import Content, digest_of, image
from tests.support.portolan import Portolan
from tests.support.processes import wait_until

MIB = 1024 * 1024
FORM = "Content-Type: application/x-www-form-urlencoded"
REPOSITORY = "library/crowded"


@pytest.fixture(scope="module")
def instance(portolan_server) -> Portolan:
    return portolan_server


@pytest.fixture(scope="module")
def token(instance) -> str:
    return instance.token(f"repository:{REPOSITORY}:pull,push,delete")


def connect(instance: Portolan) -> socket.socket:
    host, _, port = instance.address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=60)


def head(instance: Portolan, method: str, path: str, *headers: str) -> bytes:
    """The head of a request, up to the blank line."""
    return "\r\n".join([f"{method} {path} HTTP/1.1", f"Host: {instance.address}", *headers, "", ""]).encode()


@contextmanager
def crowd(instance: Portolan, count: int, *beginnings: bytes) -> Iterator[list[socket.socket]]:
    """Connections that have each sent a beginning, and send and read no more."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(connect(instance)) for _ in range(count)]
        for number, each_socket in enumerate(sockets):
            each_socket.sendall(beginnings[number % len(beginnings)])
        yield sockets


def assert_serves(instance: Portolan) -> None:
    """Several clients push and pull as if they were alone."""

    def use(number: int) -> None:
        registry = client(instance, f"library/normal{number}")
        content = image(secrets.token_hex(8))
        registry.push(f"library/normal{number}", content, "1")
        assert registry.pull(f"library/normal{number}", "1").data == content.data

    each(use, range(4))
    assert instance.ready()  # So does the site.


def test_two_hundred_connections_that_never_finish_their_request(instance, token):
    bearer = f"Authorization: Bearer {token}"
    half_head = head(instance, "GET", "/v2/", bearer)[:-2]
    upload = f"/v2/{REPOSITORY}/blobs/uploads/?digest={digest_of(b'')}"
    half_body = head(instance, "POST", upload, bearer, "Content-Length: 1000000") + b"a few bytes"
    half_manifest = head(instance, "PUT", f"/v2/{REPOSITORY}/manifests/1", bearer, "Content-Length: 100") + b"{"
    half_chunk = head(instance, "POST", upload, bearer, "Transfer-Encoding: chunked") + b"ff\r\nabc"
    half_form = head(instance, "POST", "/service/token", "Content-Length: 1000") + b"a="
    half_login = head(instance, "POST", "/c/login", FORM, "Content-Length: 1000") + b"principal="
    with crowd(instance, 200, b"", half_head, half_body, half_manifest, half_chunk, half_form, half_login):
        assert_serves(instance)
    assert_serves(instance)


def test_more_silent_connections_than_a_server_has_threads_or_a_shell_has_files(instance):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096) if hard > 0 else 4096, hard))
    try:
        with crowd(instance, 1500, b""):
            assert_serves(instance)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_two_hundred_clients_that_do_not_read_what_they_asked_for(instance, token):
    registry = client(instance, REPOSITORY)
    big = Content("application/octet-stream", secrets.token_bytes(8 * MIB))
    registry.push_blob(REPOSITORY, big)
    path, bearer = f"/v2/{REPOSITORY}/blobs/{big.digest}", f"Authorization: Bearer {token}"
    whole = head(instance, "GET", path, bearer)
    part = head(instance, "GET", path, bearer, "Range: bytes=1-")
    with crowd(instance, 200, whole, part) as sockets:
        assert_serves(instance)
        assert registry.pull_blob(REPOSITORY, big.descriptor()).data == big.data
        received = bytearray()
        while len(received) < len(big.data):
            received += sockets[0].recv(MIB)
        assert bytes(received[-MIB:]) == big.data[-MIB:], "who begins to read after all gets everything"


def test_an_upload_cut_off_in_the_middle_is_carried_on(instance, token):
    registry = client(instance, REPOSITORY)
    data = secrets.token_bytes(3 * MIB)
    location = registry.start_upload(REPOSITORY)
    path = location.removeprefix(instance.url)
    with connect(instance) as broken:
        length = f"Content-Length: {len(data)}"
        broken.sendall(head(instance, "PATCH", path, f"Authorization: Bearer {token}", length) + data[: 2 * MIB])

    def offset() -> int:
        answer = registry.request("GET", path)
        return int(answer.headers["Range"].partition("-")[2]) + 1 if answer.status_code == 204 else 0

    wait_until(lambda: offset() > 1, "what arrived counts")
    rest = data[offset() :]
    assert registry.request("PATCH", path, data=rest).status_code == 202
    digest = digest_of(data)
    assert registry.request("PUT", f"{path}?digest={digest}").status_code == 201
    assert registry.pull_blob(REPOSITORY, Content("", data).descriptor()).data == data


def test_uploads_cut_off_by_the_hundred_leave_nothing_visible(instance, token):
    data = secrets.token_bytes(MIB)
    path = f"/v2/{REPOSITORY}/blobs/uploads/?digest={digest_of(data)}"
    beginning = head(instance, "POST", path, f"Authorization: Bearer {token}", f"Content-Length: {len(data)}")
    for _ in range(4):
        with crowd(instance, 30, beginning + data[: MIB // 2]):
            pass
    registry = client(instance, REPOSITORY)
    assert registry.request("HEAD", f"/v2/{REPOSITORY}/blobs/{digest_of(data)}").status_code == 404
    assert_serves(instance)


@pytest.mark.parametrize(
    "flood",
    [
        pytest.param([f"X-{number}: a" for number in range(5000)], id="many headers"),
        pytest.param(["X-Long: " + "a" * (2 * MIB)], id="a long header"),
        pytest.param(["Authorization: Bearer " + "a" * 500_000], id="a long token"),
        pytest.param(["Authorization: Basic " + "YTph" * 100_000], id="a long password"),
        pytest.param(["Content-Length: 5", "Content-Length: 6"], id="two lengths"),
        pytest.param(["Content-Length: -1"], id="a negative length"),
        pytest.param(["Transfer-Encoding: gzip"], id="a strange encoding"),
    ],
)
def test_floods_of_headers_are_refused(instance, flood):
    for path in ("/v2/library/a/manifests/1", "/service/token?service=harbor-registry"):
        with connect(instance) as flooding:
            try:
                flooding.sendall(head(instance, "GET", path, "Connection: close", *flood))
                answer = flooding.recv(4096)
            except (ConnectionResetError, BrokenPipeError):
                answer = b""  # Refused before it was read to its end.
        assert not answer or answer.split()[1][:1] == b"4", answer
    assert instance.ready()


def test_bytes_that_are_no_http(instance):
    for garbage in (b"\x16\x03\x01\x02\x00\x01", b"\x00" * 10_000, b"GET\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"):
        with connect(instance) as stranger:
            stranger.sendall(garbage)
    content = pushed(instance, REPOSITORY, "still here")
    assert client(instance, REPOSITORY).pull(REPOSITORY, "1").data == content.data


def test_a_query_that_is_not_ascii(instance):
    with connect(instance) as connection:
        connection.sendall(head(instance, "GET", "/api/version?é", "Connection: close"))
        assert connection.makefile("rb").readline().startswith(b"HTTP/1.1 200 ")
