"""Servers that these tests stop and start again: PostgreSQL, Redis and two instances on them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import portolan, postgres
from tests.support.portolan import Portolan
from tests.support.processes import Child, free_port, is_root, listening, program, stopped_after
from tests.support.scratch import scratch


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("robustness")
            item.add_marker("slow")


class Stoppable:
    """A server at one port, with its data, that can be stopped and started."""

    def __init__(self, child: Child, port: int, accepts: Callable[[int], bool]) -> None:
        self.port = port
        self._child = child
        self._accepts = accepts

    def start(self) -> None:
        self._child.start(lambda: self._accepts(self.port))

    def stop(self) -> None:
        self._child.stop()


@dataclass
class Cluster:
    """Two instances of one registry and what they stand on."""

    instances: list[Portolan]
    postgres: Stoppable
    redis: Stoppable


def _postgres(stack: ExitStack) -> Stoppable:
    owner = "postgres" if is_root() else ""
    port = free_port()
    directory = stack.enter_context(scratch("postgres", owner=owner))
    child = stack.enter_context(stopped_after(postgres._child(directory, port, owner, durable=False)))
    found = Stoppable(child, port, postgres._accepts)
    found.start()
    return found


def _redis(stack: ExitStack) -> Stoppable:
    """It writes its data down when told to, and reads it when it starts."""
    port = free_port()
    directory = stack.enter_context(scratch("redis"))
    argv = [program("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(directory)]
    child = stack.enter_context(stopped_after(Child(argv, log=directory / "log")))
    found = Stoppable(child, port, listening)
    found.start()
    return found


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Shared by the tests of this process: use repositories of your own, and leave everything running."""
    with ExitStack() as stack:
        database, redis = _postgres(stack), _redis(stack)
        url = f"postgresql://postgres@127.0.0.1:{database.port}/postgres"
        instances = stack.enter_context(portolan.cluster(url, f"redis://127.0.0.1:{redis.port}/0"))
        yield Cluster(instances, database, redis)


@pytest.fixture
def stoppable_postgres() -> Iterator[Stoppable]:
    """A PostgreSQL of the test's own."""
    with ExitStack() as stack:
        yield _postgres(stack)
