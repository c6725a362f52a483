"""What the tests with real clients share: one server, a repository for each test, and scratch space with short paths."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.portolan import Portolan
from tests.support.scratch import scratch


@pytest.fixture
def server(portolan_server: Portolan) -> Portolan:
    """The registry that clients talk to."""
    return portolan_server


@pytest.fixture
def repository(request: pytest.FixtureRequest) -> str:
    """A repository of the test's own, in a public project."""
    return "library/" + re.sub(
        r"[^a-z0-9]+", "-", f"{request.module.__name__.rpartition('.')[2]} {request.node.name}".lower()
    ).strip("-")


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    """Scratch space of the module's client."""
    with scratch("client") as path:
        yield path


@pytest.fixture(scope="session")
def private_project(portolan_server: Portolan) -> str:
    """A project that only its members may pull from."""
    portolan_server.manage("project", "create", "closed")
    return "closed"
