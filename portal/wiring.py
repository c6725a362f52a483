"""The composition root: which implementation stands behind each port. Called once the apps are loaded."""

from importlib import import_module

from django.conf import settings

from jobs import health as jobs_health
from portal.access.authorizer import PortalAuthorizer
from portal.health import add_probe
from registry import ports
from registry.store import store


def wire() -> None:
    """Binds the registry to the portal, and the health report to what it reports on."""
    ports.bind(PortalAuthorizer())
    if settings.REDIS_URL:
        import_module("portal.celery")  # Every process that enqueues must know which broker carries the bell.
    add_probe("registry", lambda: store().check())
    add_probe("jobservice", jobs_health.check)
