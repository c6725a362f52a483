"""The access log: a line for each request, of either plane. It knows paths and no queries, which may hold secrets."""

import logging
from typing import Any

from django.conf import settings

from registry.ports import Exchange

CHOICES = ("most", "all", "off")

log = logging.getLogger("portolan.access")

_PROBES = {"/livez", "/readyz", "/metrics", "/api/v2.0/ping", "/api/v2.0/health"}
_REFUSED = 400
_LONGEST = 1024


def note(exchange: Exchange) -> None:
    """Writes a line of the request, if PORTOLAN_ACCESS_LOG asks for it."""
    if settings.ACCESS_LOG == "all" or (settings.ACCESS_LOG == "most" and not _is_routine(exchange)):
        fields = _fields(exchange)
        log.info(
            "%(method)s %(path)s %(status)s in %(duration_ms)s ms for %(actor)s at %(address)s",
            {**fields, "actor": exchange.actor or "-"},
            extra={"fields": {name: value for name, value in fields.items() if value not in ("", None)}},
        )


def _is_routine(exchange: Exchange) -> bool:
    """Whether nobody misses it: a pull, which is in the journal, or a probe, that went well."""
    reads = exchange.method in ("GET", "HEAD") and (exchange.path.startswith("/v2/") or exchange.path in _PROBES)
    return reads and exchange.status < _REFUSED


def _fields(exchange: Exchange) -> dict[str, Any]:
    return {
        "method": _printable(exchange.method),
        "path": _printable(exchange.path),
        "status": exchange.status,
        "duration_ms": round(exchange.seconds * 1000, 1),
        "request_id": exchange.request_id,
        "address": exchange.address,
        "actor": exchange.actor,
        "bytes": exchange.size,
    }


def _printable(text: str) -> str:
    """What a client made up must not begin a line of its own."""
    text = text[:_LONGEST]
    return text if text.isprintable() else ascii(text)[1:-1]
