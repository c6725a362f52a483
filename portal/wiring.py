"""The composition root: which implementation stands behind each port. Called once the apps are loaded."""

from importlib import import_module
from typing import Any

from django.conf import settings

from jobs import health as jobs_health
from jobs.signals import run_ended
from portal.access.authorizer import PortalAuthorizer
from portal.configuration.gate import ReadOnlyGate
from portal.health import add_probe
from portal.immutability.gate import PortalTagGate
from portal.quotas.gate import PortalQuotaGate
from registry import ports
from registry.store import store


def wire() -> None:
    """Binds the registry to the portal, and the health report to what it reports on."""
    ports.bind(PortalAuthorizer(), quota=PortalQuotaGate(), tags=PortalTagGate(), writes=ReadOnlyGate())
    if settings.REDIS_URL:
        import_module("portal.celery")  # Every process that enqueues must know which broker carries the bell.
    add_probe("registry", lambda: store().check())
    add_probe("jobservice", jobs_health.check)
    run_ended.connect(_count_run)


def _count_run(**sent: Any) -> None:
    """Imports the metrics where a job has run, and not for every command."""
    import_module("portal.observability.metrics").count_task(**sent)
