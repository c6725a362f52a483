"""The registries that are compared, started side by side, each also behind an nginx."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support import docker_registry, nginx, portolan, postgres, redis
from tests.support.portolan import ADMIN, Portolan
from tests.support.registry import Registry

PROXIED = {"trusted_proxies": "127.0.0.1"}


@dataclass
class Peer:
    """A registry under test: where it listens (each instance), its nginx, and how clients are let in."""

    name: str
    addresses: list[str]
    proxy: str
    credentials: tuple[str, str] | None = None
    instances: list[Portolan] = field(default_factory=list)

    def client(self) -> Registry:
        """A client of the first instance."""
        return Registry(f"http://{self.addresses[0]}", self.credentials)

    def headers(self, *scopes: str) -> list[str]:
        """The header lines that let a client do what `scopes` say; none where nobody has to log in."""
        return [f"Authorization: Bearer {self.client().token(*scopes)}"] if self.credentials else []


@contextmanager
def reference() -> Iterator[Peer]:
    """docker-registry, without authentication."""
    with docker_registry.server() as address, nginx.server(address) as proxy:
        yield Peer("docker-registry", [address], proxy)


@contextmanager
def embedded() -> Iterator[Peer]:
    """Portolan as `make run` starts it: SQLite, files, one server process a core; token authentication on."""
    with ExitStack() as stack:
        instance = stack.enter_context(portolan.server(workers="", **PROXIED))
        proxy = stack.enter_context(nginx.server(instance.address, store=instance.directory / "store"))
        yield Peer("Portolan", [instance.address], proxy, ADMIN, [instance])


@contextmanager
def cluster() -> Iterator[Peer]:
    """Two Portolan instances on a PostgreSQL that waits for the disk, Redis and a shared directory; clients use both."""
    with ExitStack() as stack:
        database = stack.enter_context(postgres.server(durable=True)).create()
        address = stack.enter_context(redis.server())
        workers = str(max(1, (os.cpu_count() or 2) // 2))
        instances = stack.enter_context(portolan.cluster(database, address, workers=workers, **PROXIED))
        addresses = [instance.address for instance in instances]
        store = Path(instances[0].environment["PORTOLAN_STORAGE_URL"].removeprefix("file://"))
        yield Peer("Portolan", addresses, stack.enter_context(nginx.server(*addresses, store=store)), ADMIN, instances)
