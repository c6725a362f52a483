"""Log lines, and the access log of what Django answers."""

import json
import logging

import pytest

from portal.observability import logs
from portal.observability.access import note
from registry.context import request_id
from registry.ports import Exchange


def line(form: str, message: str, *arguments: object, **more) -> str:
    record = logging.LogRecord(
        "portal.somewhere", logging.WARNING, __file__, 1, message, arguments, more.get("exc_info")
    )
    record.__dict__.update(more)
    return logs.formatter(form).format(record)


def test_a_json_line_is_an_object_with_what_machines_look_for():
    told = json.loads(line("json", "the disk is %s", 'full "again"'))
    assert told["message"] == 'the disk is full "again"'
    assert (told["level"], told["logger"]) == ("WARNING", "portal.somewhere")
    assert told["time"].endswith("+00:00")
    assert "request_id" not in told


def test_lines_carry_the_id_of_their_request():
    token = request_id.set("abc-12345")
    try:
        assert json.loads(line("json", "x"))["request_id"] == "abc-12345"
        assert line("plain", "x").endswith("x [abc-12345]")
    finally:
        request_id.reset(token)


def test_a_traceback_stays_on_the_one_line():
    try:
        int("s3://key:secret@host")
    except ValueError as error:
        text = line("json", "failed", exc_info=(type(error), error, error.__traceback__))
    assert "\n" not in text
    assert "ValueError" in json.loads(text)["exception"]
    assert "secret" not in text


@pytest.mark.parametrize("form", ["json", "plain"])
@pytest.mark.parametrize(
    "message",
    [
        "cannot reach redis://:hush-hush@10.0.0.1/0",
        "sent Authorization: Basic YWRtaW46aHVzaC1odXNo",
        "sent {'authorization': 'Bearer eyJhbGciOi.hush-hush.x'}",
    ],
)
def test_credentials_in_messages_are_blotted_out(form, message):
    text = line(form, message)
    assert "***" in text
    assert not {"hush-hush", "YWRtaW46aHVzaC1odXNo"} & set(text.replace("@", " ").replace(":", " ").split())
    assert "hush-hush" not in text


def test_the_form_is_what_the_operator_chose(monkeypatch):
    monkeypatch.setenv("PORTOLAN_LOG_FORMAT", "json")
    assert isinstance(logs.formatter(), logs.Json)
    monkeypatch.setenv("PORTOLAN_LOG_FORMAT", "plain")
    assert isinstance(logs.formatter(), logs.Plain)
    monkeypatch.delenv("PORTOLAN_LOG_FORMAT")
    assert isinstance(logs.formatter(), logs.Json), "standard error is no terminal here"


@pytest.fixture
def accesses(caplog):
    caplog.set_level(logging.INFO, "portolan.access")
    return lambda: [record.fields for record in caplog.records if record.name == "portolan.access"]


def test_each_request_has_its_line(client, accesses):
    client.get("/api/v2.0/nowhere?token=hush-hush", headers={"X-Request-Id": "asked-by-me"})
    (fields,) = accesses()
    expected = {"method": "GET", "path": "/api/v2.0/nowhere", "status": 404, "address": "127.0.0.1"}
    assert expected.items() <= fields.items()
    assert fields["request_id"] == "asked-by-me"
    assert fields["bytes"] > 0
    assert fields["duration_ms"] >= 0
    assert "hush-hush" not in str(fields)


def test_the_line_names_the_caller(admin, client, accesses, basic):
    client.get("/api/v2.0/labels?scope=g", headers={"Authorization": basic("admin")})
    assert accesses()[0]["actor"] == "admin"


@pytest.mark.parametrize(
    ("chosen", "method", "path", "status", "written"),
    [
        ("most", "GET", "/v2/a/b/manifests/1", 200, False),
        ("most", "GET", "/v2/a/b/manifests/1", 404, True),
        ("most", "PUT", "/v2/a/b/manifests/1", 201, True),
        ("most", "GET", "/api/v2.0/ping", 200, False),
        ("most", "GET", "/api/v2.0/projects", 200, True),
        ("all", "GET", "/v2/a/b/manifests/1", 200, True),
        ("off", "PUT", "/v2/a/b/manifests/1", 500, False),
    ],
)
def test_how_much_is_written_is_the_operators_choice(accesses, settings, chosen, method, path, status, written):
    settings.ACCESS_LOG = chosen
    note(Exchange(method, path, status, 0, 0.001, "id", "127.0.0.1", ""))
    assert bool(accesses()) == written


def test_a_path_cannot_forge_a_line(client, accesses, caplog):
    client.get("/x%0A2026-01-01 INFO forged")
    assert "\n" not in accesses()[0]["path"]
    assert all("\n" not in record.getMessage() for record in caplog.records)


def test_what_does_not_stand_yet_is_no_error(client, caplog, db):
    assert client.get("/api/v2.0/scanners").status_code == 501
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_every_answer_of_django_tells_the_id(client):
    assert client.get("/nowhere", headers={"X-Request-Id": "asked-by-me"})["X-Request-Id"] == "asked-by-me"
    assert len(client.get("/nowhere")["X-Request-Id"]) > 8
