"""One scrape: what the processes of this machine have counted, and what the database holds."""

from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from portal.observability import metrics  # noqa: F401 - defines what a process counts, whether it has counted or not.
from portal.observability.inventory import Inventory
from portal.observability.processes import forget_the_dead, shared_metrics

_inventory = Inventory()


def exposition() -> bytes:
    """Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_inventory)
    directory = shared_metrics()
    if directory is None:
        return generate_latest(REGISTRY) + generate_latest(registry)
    forget_the_dead(directory)
    MultiProcessCollector(registry, path=str(directory))  # type: ignore[no-untyped-call]
    return generate_latest(registry)
