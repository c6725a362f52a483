"""The registry without a portal: a namespace, a store in a folder, and callers who may do what the test says."""

import asyncio
import threading
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from audit.models import Entry
from registry import ports
from registry.distribution import threads
from registry.distribution.app import Distribution
from registry.models import Namespace
from registry.oci.names import digest_of
from registry.ports import DELETE, PULL, PUSH, TooManyAttempts, Unauthenticated
from registry.store import store
from tests.registry.client import Answer, Client
from tests.support.images import Manifest

ALL = (PULL, PUSH, DELETE)
REPOSITORY = "library/app"
BASE = f"/v2/{REPOSITORY}"
NOW = timedelta(0)


class Someone:
    """A caller with rights by repository; "*" stands for every repository."""

    kind = "user"

    def __init__(self, name: str, rights: dict[str, tuple[str, ...]], *, catalog: bool = False) -> None:
        self.name = name
        self.credential = f"credential of {name}"
        self._rights = rights
        self._catalog = catalog

    def may(self, action: str, repository: str, created_at: datetime | None) -> bool:
        rights = self._rights.get(repository, self._rights.get("*", ()))
        return created_at is not None and action in rights

    def covers(self, repository: str) -> bool:
        return repository in self._rights or "*" in self._rights

    def may_list_catalog(self) -> bool:
        return self._catalog


class Doorkeeper:
    """An authorizer that knows callers by the header `Bearer <name>`, some only after having looked them up."""

    def __init__(self) -> None:
        self.people = {b"Bearer tester": Someone("tester", {"*": ALL}, catalog=True)}

    def cached(self, authorization: bytes) -> Someone | None:
        return self.people.get(authorization)

    def authenticate(self, authorization: bytes, address: str) -> Someone:
        if authorization == b"Bearer impatient":
            raise TooManyAttempts(retry_after=7)
        raise Unauthenticated("nobody knows you")

    def challenge(self, host: str, scopes: str, *, refused: bytes = b"") -> str:
        return f'Bearer realm="http://{host}/token",scope="{scopes}"'


@pytest.fixture(scope="session", autouse=True)
def _database_threads(django_db_setup: None) -> Iterator[None]:
    """The connections of the registry's threads are closed before the test database is dropped."""
    yield
    for pool in (threads._database, threads._login):
        _in_each_thread(pool, connections.close_all)


def _in_each_thread(pool: ThreadPoolExecutor, function: Callable[[], None]) -> None:
    everyone = threading.Barrier(pool._max_workers)

    def together() -> None:
        everyone.wait()
        function()

    for future in [pool.submit(together) for _ in range(everyone.parties)]:
        future.result()


@pytest.fixture(scope="session")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture
def store_dir(tmp_path: Path, settings: Any) -> Iterator[Path]:
    """An empty store in a folder."""
    settings.STORAGE_URL = f"file://{tmp_path}/store"
    settings.SPOOL_DIR = tmp_path / "spool"
    store.cache_clear()
    yield tmp_path / "store"
    store.cache_clear()


class Gate(ports.Unlimited):
    """Gates that close as the test says. Whoever asks for a limit gets it under a lock, as the quota's gate promises."""

    def __init__(self) -> None:
        self.limits: dict[int, int] = {}
        self.immutable: set[str] = set()
        self.closed = False
        self.refused: list[dict[str, Any]] = []

    def limit(self, namespace_id: int) -> int | None:
        Namespace.objects.select_for_update(no_key=True).get(pk=namespace_id)
        return self.peek(namespace_id)

    def peek(self, namespace_id: int) -> int | None:
        return self.limits.get(namespace_id)

    def exceeded(self, **what: Any) -> None:
        assert not connections["default"].in_atomic_block
        self.refused.append(what)

    def protected(self, namespace_id: int, repository: str, tags: Collection[str]) -> set[str]:
        return self.immutable.intersection(tags)

    def read_only(self) -> bool:
        return self.closed


@pytest.fixture
def doorkeeper(monkeypatch: pytest.MonkeyPatch) -> Doorkeeper:
    """Nobody else is known, and every gate is open."""
    doorkeeper = Doorkeeper()
    for name in ("quota", "tags", "writes"):
        monkeypatch.setattr(ports._Bound, name, ports.Unlimited())
    monkeypatch.setattr(ports._Bound, "authorizer", doorkeeper)
    return doorkeeper


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch, doorkeeper: Doorkeeper) -> Gate:
    """Every gate at once, open until the test closes it."""
    gate = Gate()
    for name in ("quota", "tags", "writes"):
        monkeypatch.setattr(ports._Bound, name, gate)
    return gate


@pytest.fixture
def namespace(transactional_db: None) -> Namespace:
    return Namespace.objects.create(name="library")


@pytest.fixture
def new_instance(
    loop: asyncio.AbstractEventLoop, namespace: Namespace, store_dir: Path, doorkeeper: Doorkeeper
) -> Iterator[Callable[..., Client]]:
    """A function that starts an instance of the registry and gives a client of it."""
    apps: list[Distribution] = []

    def start(caller: str = "tester", **options: Any) -> Client:
        async def make() -> Distribution:
            return Distribution()

        apps.append(loop.run_until_complete(make()))
        headers = {"authorization": f"Bearer {caller}"} if caller else {}
        return Client(apps[-1], loop, headers=headers | options.pop("headers", {}), **options)

    yield start
    for app in apps:
        app._spool.close()


@pytest.fixture
def client(new_instance: Callable[..., Client]) -> Client:
    """Somebody who may do everything, at an instance of the registry with an empty namespace `library`."""
    return new_instance()


def upload(client: Client, data: bytes, repository: str = REPOSITORY, algorithm: str = "sha256") -> str:
    """Uploads a blob and gives its digest."""
    digest = digest_of(data, algorithm)
    answer = client.post(f"/v2/{repository}/blobs/uploads/?digest={digest}", data)
    assert answer.status == 201, answer.body
    return digest


def entries(*actions: str) -> list[Entry]:
    """The journal, or those of its entries that have one of the actions, in order."""
    found = Entry.objects.order_by("txid", "id")
    return list(found.filter(action__in=actions) if actions else found)


def expect(answer: Answer, status: int, code: str = "") -> Answer:
    """The answer, which must have the status, and as an error the code."""
    assert answer.status == status, (answer.status, answer.body)
    if code:
        assert answer.code == code
    return answer


def push(client: Client, manifest: Manifest, *references: str, repository: str = REPOSITORY) -> Manifest:
    """Pushes a manifest with all it needs, by its digest or under the references."""
    for blob in manifest.blobs:
        upload(client, blob.data, repository)
    for member in manifest.members:
        push(client, member, repository=repository)
    for reference in references or (manifest.digest,):
        url = f"/v2/{repository}/manifests/{reference}"
        expect(client.put(url, manifest.data, content_type=manifest.media_type), 201)
    return manifest
