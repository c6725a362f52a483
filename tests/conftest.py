"""Fixtures for every test: real servers, started lazily, one of each per pytest process, all gone at the end."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from portal.configuration import services as configuration
from tests.support import docker_registry as docker_registry_server
from tests.support import dockerd, portolan, postgres, redis
from tests.support.portolan import Portolan
from tests.support.processes import MissingPeer

MARKERS = {
    "clients": "drives a real registry client",
    "slow": "takes more than a few seconds; `make check` leaves it out",
    "database": "uses Django's database (set by itself); `make test` runs these on PostgreSQL too",
}
DATABASE_FIXTURES = {"db", "transactional_db"}


def pytest_configure(config: pytest.Config) -> None:
    for name, meaning in MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("django_db") or DATABASE_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker("database")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Iterator[None]:
    """A program that is not installed skips the test, with the reason; in CI it fails it."""
    if call.excinfo and call.excinfo.errisinstance(MissingPeer) and not os.environ.get("CI"):
        call.excinfo = pytest.ExceptionInfo.from_exc_info(_as_skip(call.excinfo.value))
    return (yield)


def _as_skip(missing: BaseException) -> Any:
    try:
        pytest.skip(str(missing))
    except pytest.skip.Exception as skip:
        return type(skip), skip, skip.__traceback__


@pytest.fixture(autouse=True)
def _configuration_of_its_own(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is remembered from the test before, and nothing read anew in the middle, where queries are counted."""
    monkeypatch.setattr(configuration, "REMEMBERED_SECONDS", 3600)
    configuration.forget()
    yield
    configuration.forget()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """pytest-django's test database; at the end threads of the application may still hold connections to it."""
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            others = "datname = current_database() AND pid <> pg_backend_pid()"
            cursor.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Postgres]:
    """A private PostgreSQL; most tests want `postgres_database` or `postgres_url`."""
    with postgres.server() as server:
        yield server


@pytest.fixture
def postgres_database(postgres_server: postgres.Postgres) -> Iterator[str]:
    """The URL of an empty PostgreSQL database of this test's own."""
    url = postgres_server.create()
    yield url
    postgres_server.drop(url)


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A private Redis."""
    with redis.server() as url:
        yield url


@pytest.fixture(scope="session")
def docker_registry() -> Iterator[str]:
    """The `address:port` of a docker-registry without authentication."""
    with docker_registry_server.server() as address:
        yield address


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[dockerd.Engine]:
    """A private docker engine; call it with docker's arguments."""
    with dockerd.engine() as engine:
        yield engine


@pytest.fixture(scope="session")
def portolan_server() -> Iterator[Portolan]:
    """An embedded instance (SQLite, files) shared by the tests of this process: use repositories of your own in it."""
    with portolan.server() as instance:
        yield instance


@pytest.fixture(scope="session")
def portolan_cluster(postgres_server: postgres.Postgres, redis_url: str) -> Iterator[list[Portolan]]:
    """Two instances of one registry on PostgreSQL and Redis, shared by the tests of this process."""
    with portolan.cluster(postgres_server.create(), redis_url) as instances:
        yield instances


@pytest.fixture
def start_portolan() -> Iterator[Callable[..., Portolan]]:
    """A function that starts an instance of the test's own: `start_portolan(database_url=…, workers="2")`."""
    with ExitStack() as stack:

        def start(**options: str) -> Portolan:
            manager: AbstractContextManager[Portolan] = portolan.server(**options)
            return stack.enter_context(manager)

        yield start
