"""Whether each part of the system works, asked of the part itself.

A probe returns when its component is well and raises when it is not; the message is for the operator. `add_probe` is
for components that are only known where everything is wired.
"""

import logging
from collections.abc import Callable

import redis
from django.conf import settings
from django.db import connection

from registry.redis_client import connect

log = logging.getLogger(__name__)

Probe = Callable[[], object]


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _redis() -> None:
    with connect(redis, socket_timeout=2, socket_connect_timeout=2) as client:
        client.ping()


_probes: dict[str, Probe] = {"core": lambda: None, "portal": lambda: None, "database": _database}


def add_probe(component: str, probe: Probe) -> None:
    """Adds a component to the report, or replaces its probe."""
    _probes[component] = probe


def report() -> dict[str, object]:
    """Harbor's shape: the status of the whole, and of each component with the error if it has one."""
    probes = _probes | ({"redis": _redis} if settings.REDIS_URL else {})
    components = [_component(name, probe) for name, probe in sorted(probes.items())]
    healthy = all(component["status"] == "healthy" for component in components)
    return {"status": "healthy" if healthy else "unhealthy", "components": components}


def _component(name: str, probe: Probe) -> dict[str, str]:
    try:
        probe()
    except Exception as error:  # noqa: BLE001 - whatever a probe raises is its finding.
        # The report is public: it names the kind of failure, the log has the rest.
        log.warning("%s is unhealthy: %s", name, error)
        return {"name": name, "status": "unhealthy", "error": f"{type(error).__name__}: see the server's log"}
    return {"name": name, "status": "healthy"}
