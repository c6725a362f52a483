"""Users, projects and a clock for the tests of the control plane."""

import base64
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from audit.origin import SYSTEM
from portal.access.keys import ring
from portal.accounts import passwords
from portal.accounts.models import User
from portal.accounts.services import user_create
from portal.projects.models import Project
from portal.projects.services import project_create

PASSWORD = "Secret-123"


@pytest.fixture(autouse=True)
def _fresh_process(settings) -> Iterator[None]:
    """What a process keeps in memory must not outlive the test's database. Argon2 is for the tests that ask for it."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    ring.forget()
    passwords.verified.clear()
    yield
    ring.forget()
    passwords.verified.clear()


@pytest.fixture
def make_user(db) -> Callable[..., User]:
    def make(username: str, **options) -> User:
        return user_create(username=username, password=PASSWORD, origin=SYSTEM, **options)

    return make


@pytest.fixture
def admin(make_user) -> User:
    return make_user("admin", is_admin=True)


@pytest.fixture
def make_project(db) -> Callable[..., Project]:
    def make(name: str, *, public: bool = False, owner: User | None = None) -> Project:
        return project_create(name=name, public=public, owner=owner, origin=SYSTEM)

    return make


@pytest.fixture
def basic() -> Callable[..., str]:
    """The Basic header of a name and password."""

    def header(name: str, password: str = PASSWORD) -> str:
        return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()

    return header


class Clock:
    """A clock that moves only when told to."""

    def __init__(self) -> None:
        self.time = timezone.now()

    def now(self) -> datetime:
        return self.time

    def forward(self, **time: float) -> None:
        self.time += timedelta(**time)


@pytest.fixture
def clock(monkeypatch) -> Clock:
    fake = Clock()
    monkeypatch.setattr("django.utils.timezone.now", fake.now)
    return fake
