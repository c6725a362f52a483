"""Who sent a Django request: the same rules about proxies as in the registry."""

import re
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from django.http import HttpRequest

from registry.distribution.client import Client, client_of

_ENCODED_SLASH = re.compile(rb"%2F", re.IGNORECASE)
_HERE = "portolan.client"
_TELLING = ("host", "user-agent", "x-forwarded-for", "x-forwarded-host", "x-request-id")


# A form in parts, the one type whose parameter is needed.
_FORM = re.compile(rb"multipart/form-data; *boundary=\"?[\w'()+,./:=?-]{1,70}\"?", re.IGNORECASE)


def client_of_request(request: HttpRequest) -> Client:
    """The sender, the same at every call; forwarded headers count only where a trusted proxy sent them."""
    found: Client | None = request.META.get(_HERE)
    if found is None:
        found = request.META[_HERE] = _read(request)
    return found


def _read(request: HttpRequest) -> Client:
    sent = {name.encode(): request.headers.get(name, "").encode("latin-1", errors="replace") for name in _TELLING}
    return client_of({"client": (request.META.get("REMOTE_ADDR", ""), 0)}, {k: v for k, v in sent.items() if v})


def unambiguous(scope: dict[str, Any]) -> dict[str, Any]:
    """The ASGI scope of a request as WSGI can express it.

    WSGI spells `-` and `_` alike, so a client's `X_Forwarded_For` would pass for the header that only a trusted proxy may
    set: headers with an underscore are left out. It knows decoded paths only, where a slash in a repository's name looks
    like one between names; clients encode such a slash twice, and once means the same here. It knows ASCII queries only:
    other bytes are percent-encoded. Cookies may come in several headers, which WSGI would join with a comma. And Django
    would decode queries and bodies by whatever charset a Content-Type names, among them Python's codecs that unpack
    archives: here everything is UTF-8.
    """
    told = {b"cookie", b"content-type"}
    headers = [(name, value) for name, value in scope["headers"] if b"_" not in name and name not in told]
    if types := [value for name, value in scope["headers"] if name == b"content-type"]:
        headers.append((b"content-type", types[0] if _FORM.fullmatch(types[0]) else types[0].partition(b";")[0]))
    if cookies := [value for name, value in scope["headers"] if name == b"cookie"]:
        headers.append((b"cookie", b"; ".join(cookies)))
    query = quote(scope["query_string"], safe=bytes(range(128))).encode()
    return {**scope, "headers": headers, "query_string": query, "path": _path(scope)}


def _path(scope: dict[str, Any]) -> str:
    raw: bytes = scope.get("raw_path") or b""
    if b"%2f" not in raw.lower():
        return str(scope["path"])
    return unquote_to_bytes(_ENCODED_SLASH.sub(b"%252F", raw)).decode(errors="replace")
