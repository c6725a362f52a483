"""The access log: a line for each request, of either plane. It knows paths and no queries, which may hold secrets."""

import logging
from dataclasses import asdict, dataclass

from django.conf import settings

CHOICES = ("most", "all", "off")

log = logging.getLogger("portolan.access")

_PROBES = {"/livez", "/readyz", "/metrics", "/api/v2.0/ping", "/api/v2.0/health"}
_REFUSED = 400
_LONGEST = 1024


@dataclass(slots=True)
class Access:
    """One request that was answered."""

    method: str
    path: str
    status: int
    duration_ms: float
    request_id: str
    address: str
    actor: str = ""
    bytes: int | None = None

    @property
    def routine(self) -> bool:
        """Whether nobody misses it: a pull, which is in the journal, or a probe, that went well."""
        reads = self.method in ("GET", "HEAD") and (self.path.startswith("/v2/") or self.path in _PROBES)
        return reads and self.status < _REFUSED


def wanted(access: Access) -> bool:
    """Whether PORTOLAN_ACCESS_LOG asks for this line."""
    return settings.ACCESS_LOG == "all" or (settings.ACCESS_LOG == "most" and not access.routine)


def note(access: Access) -> None:
    """Writes the line if it is wanted."""
    if wanted(access):
        fields = asdict(access) | {"path": _printable(access.path), "method": _printable(access.method)}
        log.info(
            "%(method)s %(path)s %(status)s in %(duration_ms)s ms for %(actor)s at %(address)s",
            {**fields, "actor": access.actor or "-"},
            extra={"fields": {name: value for name, value in fields.items() if value not in ("", None)}},
        )


def _printable(text: str) -> str:
    """What a client made up must not begin a line of its own."""
    text = text[:_LONGEST]
    return text if text.isprintable() else ascii(text)[1:-1]
