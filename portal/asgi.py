"""The one ASGI application: `/v2/` is the registry's own, everything else is Django's.

Django is mounted through its WSGI handler (`portal.bridge`), which answers about twice as many requests as its ASGI
handler and never carries a blob.
"""

import os
from functools import cache
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()

from django.core.wsgi import get_wsgi_application  # noqa: E402 - Django must be set up first.

from portal.bridge import Site  # noqa: E402
from portal.clients import unambiguous  # noqa: E402
from portal.observability.plane import PlaneObserver  # noqa: E402
from portal.processes import end_with_parent  # noqa: E402
from registry.distribution.app import Distribution  # noqa: E402

end_with_parent()
_site = Site(get_wsgi_application())


@cache
def _distribution() -> Distribution:
    """Made on the event loop's own thread, with the first request."""
    return Distribution(PlaneObserver())


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Sends each request to its plane."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
        return
    if scope["path"].startswith("/v2/") or scope["path"] == "/v2":
        await _distribution()(scope, receive, send)
        return
    if scope["method"] == "HEAD":
        send = _without_body(send)
    if scope["path"] == "/livez":
        await _alive(send)
    else:
        await _site(unambiguous(scope), receive, send)


def _without_body(send: Any) -> Any:
    """Django answers HEAD as it answers GET; over HTTP/2 a body would break the connection's stream."""

    async def sent(message: dict[str, Any]) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return sent


async def _alive(send: Any) -> None:
    """Says that the process answers; it waits for no thread, since restarting helps nobody whose database is slow."""
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"alive"})


async def _lifespan(receive: Any, send: Any) -> None:
    while (message := await receive())["type"] != "lifespan.shutdown":
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})
