"""The REST API as its callers see it, without a server."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client as DjangoClient
from django.test.utils import CaptureQueriesContext

from audit.origin import SYSTEM
from portal.accounts import passwords
from portal.accounts.models import User
from portal.accounts.services import user_create
from portal.artifacts.selectors import counts
from portal.projects.models import Project, Role
from portal.projects.services import member_add, project_create
from registry.store import store

PASSWORD = "Secret-123"


class Caller:
    """Calls the API as somebody: `admin.post("/labels", {...})` returns Django's response."""

    def __init__(self, name: str = "", password: str = PASSWORD) -> None:
        self._site = DjangoClient(raise_request_exception=False)
        self._headers = {}
        if name:
            self._headers["Authorization"] = "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()

    def get(self, path: str, **query: Any) -> Any:
        return self._site.get(f"/api/v2.0{path}", query, headers=self._headers)

    def head(self, path: str, **query: Any) -> Any:
        return self._site.head(f"/api/v2.0{path}", query, headers=self._headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self._send("POST", path, body, headers)

    def put(self, path: str, body: Any = None, **headers: str) -> Any:
        return self._send("PUT", path, body, headers)

    def patch(self, path: str, body: Any = None, **headers: str) -> Any:
        return self._send("PATCH", path, body, headers)

    def delete(self, path: str, **headers: str) -> Any:
        return self._send("DELETE", path, None, headers)

    def _send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Any:
        sent = b"" if body is None else json.dumps(body)
        return self._site.generic(
            method,
            f"/api/v2.0{path}",
            sent,
            content_type="application/json",
            headers={**self._headers, **{name.replace("_", "-"): text for name, text in headers.items()}},
        )


def make_user(name: str, **options: Any) -> User:
    """A user whose password is `PASSWORD`, known to be verified so that no test pays for Argon2."""
    user = user_create(username=name, password=PASSWORD, email=f"{name}@example.com", origin=SYSTEM, **options)
    passwords.verified.add(user, PASSWORD)
    return user


def make_member(project: Project, name: str, role: Role) -> Caller:
    """A caller with the role in the project."""
    member_add(project=project, user=make_user(name), role=role, origin=SYSTEM)
    return Caller(name)


def queries_of(act: Callable[[], Any]) -> int:
    """How many queries a call takes, after one before has filled what the process remembers."""
    act()
    with CaptureQueriesContext(connection) as captured:
        assert act().status_code == 200
    return len(captured)


@pytest.fixture(autouse=True)
def _nothing_counted() -> None:
    counts.clear()


@pytest.fixture
def admin(db: None) -> Caller:
    make_user("admin", is_admin=True)
    return Caller("admin")


@pytest.fixture
def somebody(db: None) -> Caller:
    make_user("somebody")
    return Caller("somebody")


@pytest.fixture
def nobody(db: None) -> Caller:
    return Caller()


@pytest.fixture
def project(db: None) -> Project:
    return project_create(name="apps", owner=None, origin=SYSTEM)


@pytest.fixture
def kept(tmp_path: Path, settings: Any) -> Iterator[None]:
    """An empty store in a folder, for tests that need bytes."""
    settings.STORAGE_URL = f"file://{tmp_path}/store"
    store.cache_clear()
    yield
    store.cache_clear()
