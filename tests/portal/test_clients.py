"""What Django learns of who sent a request."""

from ipaddress import ip_network
from urllib.parse import unquote

import pytest
from asgiref.sync import async_to_sync
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse

from portal.bridge import Site
from portal.clients import client_of_request, unambiguous


def site(seen):
    """Django's side of the server: it notes what it is told of each request."""

    def handler(environ, _start_response):
        seen.append(WSGIRequest(environ))
        return HttpResponse(status=204)

    return Site(handler)


def received(headers=(), query=b"", path="/service/token"):
    """The request as Django sees it when a proxy at 127.0.0.1 passes it on."""
    seen = []
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query,
        "headers": [(b"host", b"registry.example"), *headers],
        "client": ("127.0.0.1", 50000),
    }

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        pass

    async def call():
        await site(seen)(unambiguous(scope), receive, send)

    async_to_sync(call)()
    (request,) = seen
    return request


def test_only_the_header_a_trusted_proxy_sets_tells_the_address(settings):
    settings.TRUSTED_PROXIES = [ip_network("127.0.0.1")]
    forged = (b"x_forwarded_for", b"203.0.113.5")
    by_proxy = (b"x-forwarded-for", b"198.51.100.7")
    for headers in ([by_proxy, forged], [forged, by_proxy]):
        assert client_of_request(received(headers)).address == "198.51.100.7"
    assert client_of_request(received([forged])).address == "127.0.0.1"


@pytest.mark.parametrize("name", ["team%252Fweb", "team%2Fweb", "team%2fweb"])
def test_a_slash_in_a_name_is_told_from_one_between_names_however_often_it_was_encoded(name):
    path = received(path=f"/api/v2.0/projects/apps/repositories/{name}/artifacts").path
    assert path.lower() == "/api/v2.0/projects/apps/repositories/team%2fweb/artifacts"


def test_queries_arrive_as_they_were_sent():
    assert received(query=b"scope=a%2Fb+c&service=x").GET.dict() == {"scope": "a/b c", "service": "x"}
    assert received(query="scope=é".encode()).GET["scope"] == "é"


@pytest.mark.parametrize(
    "charset", ["charset=zlib", "charset=bz2", "charset*=utf-8''zlib", 'charset="hex"', "charset=utf-16"]
)
def test_whatever_charset_is_named_everything_is_utf_8(charset):
    request = received([(b"content-type", f"application/json; {charset}".encode())], query=b"q=%C3%A9")
    assert request.encoding is None
    assert request.content_type == "application/json"
    assert request.GET["q"] == "\u00e9"


def test_a_form_in_parts_keeps_its_boundary():
    boundary = b"multipart/form-data; boundary=----WebKitFormBoundaryx1"
    assert received([(b"content-type", boundary)]).content_params == {"boundary": "----WebKitFormBoundaryx1"}
    assert received([(b"content-type", boundary + b"; charset=zlib")]).content_params == {}
