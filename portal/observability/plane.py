"""Observes the data plane: its share of the metrics and of the access log, without slowing a pull from memory.

Pulls from memory are counted in a dictionary, which goes to the metrics once a second.
"""

import asyncio
from collections import Counter

from django.conf import settings

from portal.observability import access, metrics
from registry.distribution.routes import template
from registry.ports import Exchange

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
_FLUSH_SECONDS = 1


class PlaneObserver:
    """One for each process; it runs on the event loop only."""

    def __init__(self) -> None:
        self._hot: Counter[tuple[str, str, int]] = Counter()
        self._logs_hot = settings.ACCESS_LOG == "all"

    def answered(self, exchange: Exchange, *, hot: str = "") -> None:
        """Counts the request, and logs it where the access log wants it."""
        if not hot:
            _count(exchange)
            access.note(exchange)
            return
        if not self._hot:
            asyncio.get_running_loop().call_later(_FLUSH_SECONDS, self._flush)
        self._hot[exchange.method, hot, exchange.status] += 1
        if self._logs_hot:
            access.note(exchange)

    def _flush(self) -> None:
        """Tells the metrics of the hot pulls since the last time."""
        for (method, kind, status), number in self._hot.items():
            metrics.REQUESTS.labels(method, str(status), _ROUTES[kind]).inc(number)
            if method == "GET" and status in _PULLED:
                metrics.PULLS.labels(kind, "hot").inc(number)
        self._hot.clear()


def _count(exchange: Exchange) -> None:
    method, status, route = exchange.method, exchange.status, template(exchange.path)
    metrics.count_request(method, status, route or metrics.UNMATCHED, exchange.seconds)
    if method == "GET" and status in _PULLED and route in _KINDS:
        metrics.PULLS.labels(_KINDS[route], "cold").inc()
    elif status == _CREATED and (method, route) in _PUSHES:
        metrics.PUSHES.labels(_PUSHES[method, route]).inc()
