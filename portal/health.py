"""Whether each part of the system works, asked of the part itself.

A probe returns when its component is well and raises when it is not; the message is for the operator. `add_probe` is
for components that are only known where everything is wired. What a probe found is kept for a moment, so that being
asked often costs nothing, and while one request waits for a slow probe the others repeat what was found before.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypedDict

import redis
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from registry.redis_client import connect

log = logging.getLogger(__name__)

Probe = Callable[[], object]

_KEPT_SECONDS = 2
_NEEDED = ("database", "migrations", "registry", "running")  # What an instance cannot do without.
DRAINING = "draining"
"""The file in the data directory that says that this instance is about to stop."""


class Finding(TypedDict, total=False):
    """How one component fares, in Harbor's words; `error` only where it is ill."""

    name: str
    status: str
    error: str


class Report(TypedDict):
    """How all of it fares."""

    status: str
    components: list[Finding]


class NotReady(Exception):
    """Something that an instance needs is missing."""


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _redis() -> None:
    with connect(redis, socket_timeout=2, socket_connect_timeout=2) as client:
        client.ping()


class _Migrations:
    """Whether the database is as new as the program; once it is, it stays so."""

    def __init__(self) -> None:
        self._applied = False

    def __call__(self) -> None:
        if not self._applied:
            executor = MigrationExecutor(connection)
            if executor.migration_plan(executor.loader.graph.leaf_nodes()):
                raise NotReady("the database is older than this program: run manage.py migrate")
            self._applied = True


def _running() -> None:
    if (settings.DATA_DIR / DRAINING).exists():
        raise NotReady("this instance is stopping")


_probes: dict[str, Probe] = {"core": lambda: None, "portal": lambda: None, "database": _database}
_ready_probes: dict[str, Probe] = {"migrations": _Migrations(), "running": _running}


@dataclass(slots=True)
class _Kept:
    finding: Finding | None = None
    until: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


_kept: dict[tuple[str, Probe], _Kept] = {}


def add_probe(component: str, probe: Probe) -> None:
    """Adds a component to the report, or replaces its probe."""
    _probes[component] = probe


def report() -> Report:
    """Harbor's shape: the status of the whole, and of each component with the error if it has one."""
    probes = _probes | ({"redis": _redis} if settings.REDIS_URL else {})
    components = [_found(name, probe) for name, probe in sorted(probes.items())]
    healthy = all(component["status"] == "healthy" for component in components)
    return {"status": "healthy" if healthy else "unhealthy", "components": components}


def readiness() -> list[str]:
    """Which parts this instance lacks to do its work; none when it is ready. Redis and workers may be away."""
    probes = {name: probe for name, probe in (_probes | _ready_probes).items() if name in _NEEDED}
    return [name for name, probe in sorted(probes.items()) if _found(name, probe)["status"] != "healthy"]


def _found(name: str, probe: Probe) -> Finding:
    """What the probe finds, or found a moment ago."""
    kept = _kept.setdefault((name, probe), _Kept())
    if not kept.lock.acquire(blocking=kept.finding is None):
        return kept.finding or {}
    try:
        if kept.finding is None or time.monotonic() >= kept.until:
            kept.finding = _ask(name, probe)
            kept.until = time.monotonic() + _KEPT_SECONDS
        return kept.finding
    finally:
        kept.lock.release()


def _ask(name: str, probe: Probe) -> Finding:
    try:
        probe()
    except Exception as error:  # noqa: BLE001 - whatever a probe raises is its finding.
        # The report is public: it names the kind of failure, the log has the rest.
        log.warning("%s is unhealthy: %s", name, error)
        return {"name": name, "status": "unhealthy", "error": f"{type(error).__name__}: see the server's log"}
    return {"name": name, "status": "healthy"}
