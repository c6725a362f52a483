"""Whatever is sent, the answer is one of the protocol: never a 500, and every error in the envelope."""

import json
import string

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from registry.oci.names import NAME, TAG, digest_of
from tests.registry.conftest import BASE, push, upload
from tests.support.images import OCI_INDEX, OCI_MANIFEST, artifact, image

BOUNDS = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))

# What a server hands on: paths are text (percent-decoded), queries and header values are bytes without line ends.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
WIRE = st.binary(max_size=60)
HEADER = WIRE.filter(lambda value: not set(value) & set(b"\r\n\0"))
NASTY = st.sampled_from(
    [
        "..",
        ".",
        "%2e%2e",
        "../../etc/passwd",
        "..\\..",
        "\0",
        "\r\nSet-Cookie: a=b",
        "\u202e",
        "﷽" * 30,
        "a" * 5000,
        "_",
    ]
)
WORD = st.one_of(TEXT, NASTY, st.text(string.ascii_lowercase + "/-._:@0", max_size=20))
DIGEST = st.one_of(
    WORD,
    st.builds(
        "{}:{}".format, st.sampled_from(["sha256", "sha512", "md5", "SHA256", ""]), st.text("0af G", max_size=130)
    ),
)
NUMBER = st.one_of(st.integers().map(str), WORD, st.sampled_from(["-0", "1e9", "0x1", "9" * 5000, "٣", "½", " 1"]))
METHOD = st.sampled_from(["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"])


@pytest.fixture
def stocked(client):
    push(client, image(), "latest")
    push(client, artifact("text/plain", subject=image()))
    return client


def check(answer, method="GET"):
    """The answer keeps to the protocol."""
    assert answer.status in {200, 201, 202, 204, 206, 304, 400, 401, 403, 404, 405, 413, 414, 416}, answer
    assert answer.headers["docker-distribution-api-version"] == "registry/2.0"
    if answer.status >= 400 and method != "HEAD":
        assert all(error["code"].isupper() for error in answer.errors)
        assert b"Traceback" not in answer.body
        assert b"/work/" not in answer.body
        assert len(answer.body) < 20_000
    return answer


def quoted(text):
    return "".join(f"%{byte:02x}" for byte in text.encode())


@BOUNDS
@given(method=METHOD, path=st.one_of(WORD, st.lists(WORD, max_size=5).map("/".join)), body=WIRE)
@example("GET", "library/app/manifests/../../../etc/passwd", b"")
@example("GET", "library/app/blobs/uploads/../uploads/", b"")
def test_paths(stocked, method, path, body):
    check(stocked.request(method, f"/v2/{quoted(path)}", body=body), method)


@BOUNDS
@given(name=WORD)
def test_names(stocked, name):
    for method, rest in [("GET", "tags/list"), ("POST", "blobs/uploads/"), ("GET", "manifests/latest")]:
        answer = check(stocked.request(method, f"/v2/library/{quoted(name)}/{rest}"))
        if NAME.fullmatch(f"library/{name}") and len(name) < 200:
            assert answer.status in (200, 202, 404)
        else:
            assert answer.status in (400, 404, 405)


@BOUNDS
@given(tag=WORD, method=st.sampled_from(["GET", "PUT", "DELETE"]))
def test_tags(stocked, tag, method):
    assume("/" not in tag and ":" not in tag and tag and "\0" not in tag)
    url = f"{BASE}/manifests/{quoted(tag)}"
    answer = check(stocked.request(method, url, body=image().data, headers={"content_type": OCI_MANIFEST}))
    if method == "PUT":
        assert answer.status == (201 if TAG.fullmatch(tag) else 400)


@BOUNDS
@given(digest=DIGEST, method=st.sampled_from(["GET", "HEAD", "PUT", "DELETE"]))
def test_digests(stocked, digest, method):
    for noun in ("manifests", "blobs", "referrers"):
        check(stocked.request(method, f"{BASE}/{noun}/{quoted(digest)}", body=b"{}"), method)
    for query in ("digest", "mount", "from", "digest-algorithm"):
        check(stocked.post(f"{BASE}/blobs/uploads/?{query}={quoted(digest)}&mount={quoted(digest)}", b"data"))


@BOUNDS
@given(query=st.one_of(WIRE.map(lambda raw: raw.decode("latin-1")), st.text(string.printable, max_size=60)))
def test_queries(stocked, query):
    assume("#" not in query)
    for path in ("/v2/_catalog", f"{BASE}/tags/list", f"{BASE}/referrers/{image().digest}", f"{BASE}/manifests/latest"):
        check(stocked.get(f"{path}?{query}"))
    check(stocked.post(f"{BASE}/blobs/uploads/?{query}"))


@BOUNDS
@given(n=NUMBER, last=WORD, kind=WORD)
def test_pages(stocked, n, last, kind):
    for path in ("/v2/_catalog", f"{BASE}/tags/list", f"{BASE}/referrers/{image().digest}"):
        answer = check(stocked.get(f"{path}?n={quoted(n)}&last={quoted(last)}&artifactType={quoted(kind)}"))
        assert answer.status in (200, 400)


@BOUNDS
@given(wanted=st.one_of(HEADER, st.from_regex(r"\Abytes ?=[0-9,\- ]{0,50}\Z")), condition=HEADER)
def test_ranges(stocked, wanted, condition):
    blob = image().blobs[1]
    url = f"{BASE}/blobs/{blob.digest}"
    answer = check(stocked.get(url, range=wanted, if_range=condition, if_none_match=b"x" + condition))
    if answer.status == 206:
        first, _, rest = answer.headers["content-range"].removeprefix("bytes ").partition("-")
        assert answer.body == blob.data[int(first) : int(rest.partition("/")[0]) + 1]
        assert answer.headers["content-length"] == str(len(answer.body))
    elif answer.status == 200:
        assert answer.body == blob.data


@BOUNDS
@given(
    place=st.one_of(
        HEADER,
        st.from_regex(r"\A(bytes[ =])?[0-9]{0,20}-[0-9]{0,20}(/([0-9]{1,5}|\*))?\Z"),
        st.tuples(st.integers(0, 30), st.integers(0, 30)).map(lambda pair: f"{pair[0]}-{pair[1]}".encode()),
    ),
    body=st.binary(max_size=20),
    method=st.sampled_from(["PATCH", "PUT"]),
)
def test_content_ranges(stocked, place, body, method):
    location = stocked.post(f"{BASE}/blobs/uploads/").location
    stocked.patch(location, b"0123456789")
    url = f"{location}?digest={digest_of(b'0123456789' + body)}"
    answer = check(stocked.request(method, url, body=body, headers={"content_range": place}))
    assert answer.status in (201, 202, 400, 416)
    if answer.status >= 400:
        assert stocked.get(location).headers["range"] == "0-9"
        assert stocked.put(url, body).status == 201


HEADERS = st.sampled_from(
    [
        "accept",
        "accept-encoding",
        "authorization",
        "content-type",
        "content-range",
        "content-length-x",
        "cookie",
        "expect",
        "host",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "origin",
        "range",
        "te",
        "user-agent",
        "x-accel-location",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-request-id",
    ]
)


@BOUNDS
@given(headers=st.dictionaries(HEADERS, HEADER | HEADER.map(lambda value: value * 200), max_size=6), method=METHOD)
def test_headers(stocked, headers, method):
    for path in (
        f"{BASE}/manifests/latest",
        f"{BASE}/blobs/{image().blobs[0].digest}",
        f"{BASE}/blobs/uploads/",
        "/v2/",
    ):
        if method not in ("DELETE", "PUT"):
            check(stocked.request(method, path, headers=headers), method)
    body = b"data"
    check(stocked.put(f"{BASE}/manifests/v{digest_of(body)[-9:]}", body, **headers))


# --- manifests --------------------------------------------------------------------------------------------------------

SCALAR = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.just(10**400),
    st.floats(),
    TEXT,
    st.just("\ud800"),
    st.just("a\0b"),
    DIGEST,
)
ANYTHING = st.recursive(
    SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=8
)
KNOWN = st.sampled_from([blob.digest for blob in image().blobs] + [image().digest])
DESCRIPTOR = st.fixed_dictionaries(
    {},
    optional={
        "mediaType": ANYTHING | st.just("text/plain"),
        "digest": DIGEST | KNOWN | KNOWN,
        "size": ANYTHING | st.integers(0, 99),
        "urls": ANYTHING,
        "annotations": ANYTHING,
        "platform": ANYTHING,
    },
)
MEMBER = ANYTHING | DESCRIPTOR | st.lists(DESCRIPTOR, max_size=3)
DOCUMENT = st.fixed_dictionaries(
    {"schemaVersion": st.just(2) | ANYTHING},
    optional={
        "mediaType": st.sampled_from([OCI_MANIFEST, OCI_INDEX]) | ANYTHING,
        "artifactType": ANYTHING | st.just("text/plain"),
        "config": MEMBER,
        "layers": MEMBER,
        "blobs": MEMBER,
        "manifests": MEMBER,
        "subject": MEMBER,
        "annotations": ANYTHING | st.dictionaries(TEXT, TEXT, max_size=3),
        "tag": ANYTHING,
    },
)
TYPE = st.one_of(
    st.sampled_from([OCI_MANIFEST, OCI_INDEX, "application/vnd.oci.artifact.manifest.v1+json", "application/json", ""]),
    st.text(string.printable.replace("\r", "").replace("\n", ""), max_size=30),
)


def assert_stored_or_refused(client, body, content_type):
    answer = check(client.put(f"{BASE}/manifests/fuzzed", body, content_type=content_type.encode("latin-1", "replace")))
    assert answer.status in (201, 400, 404)
    if answer.status == 201:
        assert client.get(f"{BASE}/manifests/fuzzed").body == body
        digest = answer.headers.get("oci-subject", image().digest)
        if not digest.startswith("sha"):
            return
        listed = check(client.get(f"{BASE}/referrers/{digest}"))
        assert listed.status == 200 or len(digest) not in (71, 135)


@settings(BOUNDS, max_examples=300)
@given(document=DOCUMENT | ANYTHING, content_type=TYPE)
def test_manifests(stocked, document, content_type):
    assert_stored_or_refused(stocked, json.dumps(document).encode(), content_type)


@BOUNDS
@given(
    document=DOCUMENT,
    content_type=TYPE,
    cut=st.integers(0, 200),
    noise=st.binary(max_size=10),
)
def test_damaged_manifests(stocked, document, content_type, cut, noise):
    body = json.dumps(document).encode()
    assert_stored_or_refused(stocked, body[:cut] + noise + body[cut:], content_type)


@BOUNDS
@given(data=st.binary(max_size=200), pieces=st.lists(st.integers(0, 50), max_size=8))
def test_bodies_in_any_chunking(client, data, pieces):
    chunks, rest = [], data
    for size in pieces:
        chunks.append(rest[:size])
        rest = rest[size:]
    digest = digest_of(data)
    assert client.post(f"{BASE}/blobs/uploads/?digest={digest}", [*chunks, rest]).status == 201
    assert client.get(f"{BASE}/blobs/{digest}").body == data
    assert upload(client, data) == digest
