"""Limits, logs and probes remember between requests: each test begins with nothing remembered."""

import base64
from collections.abc import Callable, Iterator

import pytest
from django.test import Client

from audit.origin import SYSTEM
from portal import health, limits
from portal.accounts import passwords
from portal.accounts.models import User
from portal.accounts.services import user_create

PASSWORD = "Harbour-Master-1"


@pytest.fixture(autouse=True)
def _nothing_remembered(monkeypatch) -> Iterator[None]:
    monkeypatch.setattr(health, "_probes", dict(health._probes))
    monkeypatch.setattr(health, "_ready_probes", dict(health._ready_probes))
    health._kept.clear()
    limits._own.clear()
    yield
    health._kept.clear()
    limits._own.clear()


def make_user(name: str, **options) -> User:
    """A user whose password is known to be right, so that no test pays for Argon2."""
    user = user_create(username=name, password=PASSWORD, origin=SYSTEM, **options)
    passwords.verified.add(user, PASSWORD)
    return user


@pytest.fixture
def admin(db) -> User:
    return make_user("admin", is_admin=True)


@pytest.fixture
def admin_client(admin) -> Client:
    """A browser of the administrator's, logged in."""
    client = Client()
    client.force_login(admin)
    return client


@pytest.fixture
def basic() -> Callable[[str], str]:
    """The Basic header of a user made here."""

    def header(name: str) -> str:
        return "Basic " + base64.b64encode(f"{name}:{PASSWORD}".encode()).decode()

    return header
