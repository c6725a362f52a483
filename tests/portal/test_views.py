"""The answers that belong to no feature."""

import json

import pytest
from django.core.exceptions import BadRequest, PermissionDenied
from django.db import OperationalError
from django.http import Http404, HttpRequest

from portal import health, views


def test_ping(client):
    response = client.get("/api/v2.0/ping")
    assert (response.status_code, response.content) == (200, b"Pong")
    assert response["Content-Type"].startswith("text/plain")


def test_version(client):
    assert client.get("/api/version").json() == {"version": "v2.0"}


@pytest.fixture
def probes(monkeypatch):
    monkeypatch.setattr(health, "_probes", dict(health._probes))


def test_health_asks_the_components(client, db, probes):
    health.add_probe("registry", lambda: None)
    report = client.get("/api/v2.0/health").json()
    assert report["status"] == "healthy"
    assert {"name": "database", "status": "healthy"} in report["components"]
    assert {"name": "registry", "status": "healthy"} in report["components"]


def test_health_names_the_component_that_is_ill_and_leaks_nothing(client, db, probes):
    def broken():
        raise OSError("cannot reach s3://key:secret@host")

    health.add_probe("registry", broken)
    response = client.get("/api/v2.0/health")
    report = response.json()
    assert report["status"] == "unhealthy"
    ill = [component for component in report["components"] if component["status"] != "healthy"]
    assert [(component["name"], component["error"][:7]) for component in ill] == [("registry", "OSError")]
    assert "secret" not in response.text


def test_redis_is_asked_where_it_is_configured(client, db, settings, probes):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    report = client.get("/api/v2.0/health").json()
    assert [c["status"] for c in report["components"] if c["name"] == "redis"] == ["unhealthy"]


@pytest.mark.parametrize("path", ["/", "/nowhere", "/api/v2.0/nowhere", "/service/token/"])
def test_unknown_addresses_answer_in_the_envelope(client, path):
    response = client.get(path)
    assert response.status_code == 404
    assert [error["code"] for error in response.json()["errors"]] == ["NOT_FOUND"]
    assert response["Content-Type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize("path", ["/api/version", "/api/v2.0/ping", "/api/v2.0/health"])
def test_what_can_only_be_read_says_so(client, path):
    response = client.post(path)
    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD")
    assert response.json()["errors"][0]["code"] == "METHOD_NOT_ALLOWED"


def test_an_error_of_ours_shows_nothing(client, monkeypatch):
    client.raise_request_exception = False
    monkeypatch.setattr("portal.access.views.tokens.issue", lambda *_: 1 / 0)
    response = client.get("/service/token?service=harbor-registry&scope=repository:a/b:pull")
    assert response.status_code == 500
    assert response.json() == {"errors": [{"code": "UNKNOWN", "message": "internal server error"}]}


def test_without_the_database_clients_are_told_to_come_back(client, monkeypatch):
    def gone(*_):
        raise OperationalError("connection to 10.1.2.3 failed")

    client.raise_request_exception = False
    monkeypatch.setattr("portal.access.views.tokens.issue", gone)
    response = client.get("/service/token?service=harbor-registry&scope=repository:a/b:pull")
    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    assert "10.1.2.3" not in response.text


@pytest.mark.parametrize(("refusal", "status"), [(BadRequest(), 400), (PermissionDenied(), 403), (Http404(), 404)])
def test_what_django_refuses_is_told_in_the_envelope(refusal, status):
    response = views.refused(HttpRequest(), refusal)
    assert response.status_code == status
    assert len(json.loads(response.content)["errors"]) == 1
