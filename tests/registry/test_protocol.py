"""What holds for every request: addresses, names, methods, headers, errors."""

import asyncio
import json

import pytest
from django.db import OperationalError

from registry.distribution import failures, messages, routes
from registry.oci.errors import Code, OCIError
from registry.oci.names import digest_of
from registry.storage.errors import NoSpace, Unavailable
from tests.registry.conftest import BASE, Someone, expect, push, upload
from tests.support.images import image

DIGEST = digest_of(b"x")


@pytest.mark.parametrize("path", ["/v2/", "/v2"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_registry_says_that_it_is_one(client, path, method):
    answer = expect(client.request(method, path), 200)
    assert answer.headers["docker-distribution-api-version"] == "registry/2.0"
    assert answer.body == (b"{}" if method == "GET" else b"")


def test_strangers_are_told_how_to_introduce_themselves(new_instance):
    answer = expect(new_instance("").get("/v2/"), 401, "UNAUTHORIZED")
    assert answer.headers["docker-distribution-api-version"] == "registry/2.0"
    assert answer.headers["www-authenticate"].startswith('Bearer realm="http://registry.example/token"')


def test_an_answer_is_never_mistaken_for_a_page(client):
    push(client, image(), "latest")
    for _ in range(2):
        for url in (f"{BASE}/manifests/latest", f"{BASE}/manifests/none", "/v2/"):
            assert client.get(url).headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path", ["/v2/library", "/v2/library/app", "/v2//", "/v2/library/app/tags", "/v2/_catalog/x", "/v2/\n", "/v2/\0"]
)
def test_an_address_that_means_nothing(client, path):
    expect(client.get(path), 404, "NOT_FOUND")


PATHS = [(route.path, route) for route in routes.ROUTES]


@pytest.mark.parametrize(("path", "route"), PATHS, ids=[path for path, _ in PATHS])
def test_methods_that_mean_nothing(client, path, route):
    url = path.replace("<name>", "library/app").replace("<digest>", DIGEST).replace("<upload>", "x")
    for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "get", "BREW"} - set(
        route.operations
    ):
        answer = expect(client.request(method, url.replace("<reference>", "latest")), 405)
        assert set(answer.headers["allow"].split(", ")) == set(route.operations)


# --- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "library/a",
        "library/a/b/c/d/e/f/g/h",
        "library/a.b",
        "library/a_b",
        "library/a__b",
        "library/a---b",
        "library/0",
        "library/manifests",
        "library/blobs/uploads",
        "library/tags/list",
        "library/manifests/latest/manifests",
        "library/referrers",
        "library/" + "a" * 247,
    ],
)
def test_names(client, name):
    """Words of our own addresses are names like others."""
    content = push(client, image(), "latest", repository=name)
    assert client.get(f"/v2/{name}/manifests/latest").body == content.data
    assert client.get(f"/v2/{name}/tags/list").json == {"name": name, "tags": ["latest"]}
    location = client.post(f"/v2/{name}/blobs/uploads/").location
    expect(client.put(f"{location}?digest={DIGEST}", b"x"), 201)
    assert client.get(f"/v2/{name}/blobs/{DIGEST}").body == b"x"


@pytest.mark.parametrize(
    "name",
    [
        "Library/app",
        "library/App",
        "library/a b",
        "library//app",
        "library/app/",
        "library/.app",
        "library/app.",
        "library/a..b",
        "library/a___b",
        "library/a._b",
        "library/-a",
        "library/../../etc",
        "library/%2e%2e/%2e%2e/etc",
        "library/a%00",
        "library/é",
        "library/a:b",
        "library/a@b",
        "library/a\\b",
        "_catalog/x",
        "library/" + "a" * 248,
    ],
)
def test_what_is_no_name(client, name):
    for method, path in [("GET", "tags/list"), ("GET", "manifests/latest"), ("POST", "blobs/uploads/")]:
        expect(client.request(method, f"/v2/{name}/{path}"), 400, "NAME_INVALID")


def test_a_namespace_that_is_not_there_looks_like_one_that_is_closed(new_instance, doorkeeper):
    doorkeeper.people[b"Bearer guest"] = Someone("guest", {"library/app": (), "nowhere/app": ()})
    guest = new_instance("guest")
    closed = expect(guest.get("/v2/library/app/tags/list"), 403, "DENIED")
    missing = expect(guest.get("/v2/nowhere/app/tags/list"), 403, "DENIED")
    assert closed.body.replace(b"library", b"nowhere") == missing.body


# --- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", Code, ids=lambda code: code.name)
def test_every_error_has_its_row(code):
    response = failures.response_to(OCIError(code, detail={"a": 1}), "request-1")
    assert response.status == code.status
    assert 400 <= code.status < 600
    assert json.loads(response.body) == {"errors": [{"code": code.name, "message": code.message, "detail": {"a": 1}}]}


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (NoSpace("path /secret is full"), 507, "INSUFFICIENT_STORAGE"),
        (Unavailable("host secret.internal"), 503, "UNAVAILABLE"),
        (OperationalError("could not connect to secret.internal"), 503, "UNAVAILABLE"),
        (OperationalError("database or disk is full: secret"), 507, "INSUFFICIENT_STORAGE"),
        (ValueError("secret"), 500, "UNKNOWN"),
        (RecursionError("secret"), 500, "UNKNOWN"),
    ],
    ids=repr,
)
def test_whatever_goes_wrong_inside_stays_inside(client, monkeypatch, caplog, error, status, code):
    def fail(*_):
        raise error

    monkeypatch.setattr("registry.selectors.namespace_created_at", fail)
    answer = expect(client.get(f"{BASE}/tags/list"), status, code)
    assert b"secret" not in answer.body
    assert "secret" in caplog.text, "the operator is told"
    assert answer.headers["x-request-id"] in caplog.text
    assert (answer.headers.get("retry-after") == "5") == (status != 500)


def test_too_many_attempts(new_instance):
    answer = expect(new_instance("impatient").get("/v2/"), 429, "TOOMANYREQUESTS")
    assert answer.headers["retry-after"] == "7"


def test_a_refused_body_is_read_so_that_the_client_gets_to_the_answer(new_instance):
    read = []

    async def note(number):
        read.append(number)

    body = [piece for number in range(3) for piece in (b"x" * 1000, note(number))]
    expect(new_instance("").post(f"{BASE}/blobs/uploads/?digest={DIGEST}", body), 401)
    assert read == [0, 1, 2]


def test_but_not_all_of_a_large_one(new_instance):
    def pieces():
        for number in range(100):
            assert number < 10
            yield b"x" * 1024 * 1024

    expect(new_instance("").post(f"{BASE}/blobs/uploads/?digest={DIGEST}", pieces()), 401)


def test_a_client_that_asks_before_sending_is_answered_before(new_instance):
    def unasked():
        pytest.fail("the body was asked for")
        yield

    url = f"{BASE}/blobs/uploads/?digest={DIGEST}"
    expect(new_instance("").request("POST", url, body=unasked(), headers={"expect": "100-continue"}), 401)


def test_a_client_that_stops_sending_is_answered_nevertheless(new_instance, monkeypatch):
    monkeypatch.setattr(messages, "_DRAIN_SECONDS", 0.01)
    expect(new_instance("").post(f"{BASE}/blobs/uploads/?digest={DIGEST}", [b"x", asyncio.Event().wait()]), 401)


@pytest.mark.parametrize("query", ["%ff", "a%00", "\0", "a=%ed%a0%80", "é", "&".join("a" for _ in range(300))])
def test_a_query_that_is_none(client, query):
    upload(client, b"x")
    for url in (f"{BASE}/tags/list", f"{BASE}/referrers/{DIGEST}", "/v2/_catalog"):
        expect(client.get(f"{url}?last={query}&artifactType={query}"), 400, "REQUEST_INVALID")


@pytest.mark.parametrize("path", ["manifests/a%00", "manifests/%00", "blobs/%00", "blobs/uploads/%00", "referrers/%00"])
@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
def test_a_nul_leads_nowhere(client, path, method):
    """PostgreSQL takes none."""
    upload(client, b"x")
    expect(client.request(method, f"{BASE}/{path}", body=b"{}"), 404, "NOT_FOUND")


# --- request ids ------------------------------------------------------------------------------------------------------


def test_every_answer_has_an_id_of_its_own(client):
    push(client, image(), "latest")
    answers = [client.get(f"{BASE}/manifests/{tag}") for tag in ("latest", "latest", "none")]
    assert len({answer.headers["x-request-id"] for answer in answers}) == 3


@pytest.mark.parametrize("chosen", ["my-own.request_1", "7", "a" * 64])
def test_the_client_may_choose_it(client, chosen):
    push(client, image(), "latest")
    for _ in range(2):
        answer = client.get(f"{BASE}/manifests/latest", x_request_id=chosen)
        assert answer.headers["x-request-id"] == chosen


@pytest.mark.parametrize(
    "sent", ["", "a" * 65, "with space", "line\r\nbreak", b"\xff" * 10, "x\x00yyyyyyy", "abcdefgh\n"]
)
def test_but_not_freely(client, sent):
    assert client.get("/v2/", x_request_id=sent).headers["x-request-id"] not in (sent, "")
