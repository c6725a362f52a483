"""Around the data plane: its share of the metrics and of the access log, without slowing a pull from memory.

The registry leaves in the ASGI scope what only it knows: the `sender`, the `actor`, and as `hot` the kind of content of
a pull that was answered from memory. Such pulls are counted in a dictionary, which goes to the metrics once a second.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings

from portal.observability import access, metrics
from registry.distribution.routes import template

Scope = dict[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Any, Send], Awaitable[None]]

_MANIFEST, _BLOB = "/v2/<name>/manifests/<reference>", "/v2/<name>/blobs/<digest>"
_ROUTES = {"manifest": _MANIFEST, "blob": _BLOB}
_KINDS = {route: kind for kind, route in _ROUTES.items()}
_PUSHES = {  # Where a push ends, by method.
    ("PUT", _MANIFEST): "manifest",
    ("PUT", "/v2/<name>/blobs/uploads/<upload>"): "blob",
    ("POST", "/v2/<name>/blobs/uploads/"): "blob",
}
_PULLED = (200, 206, 307)
_CREATED = 201
_REFUSED = 400
_FLUSH_SECONDS = 1


class Observed:
    """The data plane, watched. One for each process; it runs on the event loop only."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._hot: Counter[tuple[str, str, int]] = Counter()

    async def __call__(self, scope: Scope, receive: Any, send: Send) -> None:
        """Passes a request on, and notes how it was answered."""
        began = time.perf_counter()
        start: dict[str, Any] = {}

        def sending(message: dict[str, Any]) -> Awaitable[None]:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
            return send(message)

        await self._app(scope, receive, sending)
        if not start:
            return  # The client had gone.
        if "hot" in scope:
            self._count_hot(scope["method"], scope["hot"], start["status"])
            if start["status"] < _REFUSED and settings.ACCESS_LOG != "all":
                return
        else:
            _count(scope, start["status"], time.perf_counter() - began)
        access.note(_access(scope, start, time.perf_counter() - began))

    def _count_hot(self, method: str, kind: str, status: int) -> None:
        if not self._hot:
            asyncio.get_running_loop().call_later(_FLUSH_SECONDS, self.flush)
        self._hot[method, kind, status] += 1

    def flush(self) -> None:
        """Tells the metrics of the hot pulls since the last time."""
        for (method, kind, status), number in self._hot.items():
            metrics.REQUESTS.labels(method, str(status), _ROUTES[kind]).inc(number)
            if method == "GET" and status in _PULLED:
                metrics.PULLS.labels(kind, "hot").inc(number)
        self._hot.clear()


def _count(scope: Scope, status: int, seconds: float) -> None:
    method, route = scope["method"], template(scope["path"])
    metrics.count_request(method, status, route or metrics.UNMATCHED, seconds)
    if method == "GET" and status in _PULLED and route in _KINDS:
        metrics.PULLS.labels(_KINDS[route], "cold").inc()
    elif status == _CREATED and (method, route) in _PUSHES:
        metrics.PUSHES.labels(_PUSHES[method, route]).inc()


def _access(scope: Scope, start: dict[str, Any], seconds: float) -> access.Access:
    length = dict(start["headers"]).get(b"content-length")
    return access.Access(
        method=scope["method"],
        path=scope["path"],
        status=start["status"],
        duration_ms=round(seconds * 1000, 1),
        request_id=scope["sender"].request_id,
        address=scope["sender"].address,
        actor=scope.get("actor", ""),
        bytes=int(length) if length else None,
    )
