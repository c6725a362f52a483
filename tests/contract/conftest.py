"""Callers of the REST API, and things of a test's own for them to work on."""

from dataclasses import dataclass

import pytest

from tests.contract.walk import Caller
from tests.support.api import id_of, unique
from tests.support.images import Manifest, image
from tests.support.portolan import ADMIN, PASSWORD, Portolan
from tests.support.registry import Registry


@dataclass(frozen=True)
class Pushed:
    """An image in a repository of its own."""

    project: str
    repository: str
    manifest: Manifest
    tag: str = "latest"

    @property
    def name(self) -> str:
        """The repository as the registry calls it."""
        return f"{self.project}/{self.repository}"

    @property
    def place(self) -> dict[str, str]:
        """The parameters that name the repository."""
        return {"project_name": self.project, "repository_name": self.repository}

    @property
    def here(self) -> dict[str, str]:
        """The parameters that name the artifact."""
        return self.place | {"reference": self.manifest.digest}


@dataclass(frozen=True)
class Person:
    """Someone with an account, and as a caller."""

    id: int
    name: str
    call: Caller


@pytest.fixture
def admin(portolan_server: Portolan) -> Caller:
    """The administrator."""
    return Caller(portolan_server.url, ADMIN)


@pytest.fixture
def anonymous(portolan_server: Portolan) -> Caller:
    """A caller without credentials."""
    return Caller(portolan_server.url)


@pytest.fixture
def registry(portolan_server: Portolan) -> Registry:
    """The administrator as a client of the registry."""
    return portolan_server.registry()


@pytest.fixture
def someone(admin: Caller) -> Person:
    """A user who is in no project."""
    return person(admin)


def person(admin: Caller) -> Person:
    """A new user."""
    name = unique("someone")
    body = {"username": name, "email": f"{name}@example.org", "realname": "Some One", "password": PASSWORD}
    created = admin("createUser", 201, body=body)
    return Person(id_of(created), name, Caller(admin.url, (name, PASSWORD)))


@pytest.fixture
def project(admin: Caller) -> str:
    """The name of a private project."""
    name = unique("project")
    admin("createProject", 201, body={"project_name": name, "metadata": {"public": "false"}})
    return name


@pytest.fixture
def project_id(admin: Caller, project: str) -> int:
    """The id of that project."""
    return admin("getProject", 200, project_name_or_id=project).json()["project_id"]


@pytest.fixture
def pushed(project: str, registry: Registry) -> Pushed:
    """An image in that project, in a repository whose name has a slash."""
    found = Pushed(project, "team/app", image(unique("content")))
    registry.push(found.name, found.manifest, found.tag)
    return found
