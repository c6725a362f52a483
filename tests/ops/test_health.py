"""Whether this instance works and may get requests."""

import threading

import pytest

from portal import health
from portal.health import DRAINING, add_probe


def broken() -> None:
    raise OSError("s3://key:secret@host is away")


def test_a_ready_instance_says_so(client, db):
    response = client.get("/readyz")
    assert (response.status_code, response.json()) == (200, {"status": "ready", "lacking": []})


def test_an_instance_without_its_store_names_it_and_leaks_nothing(client, db):
    add_probe("registry", broken)
    response = client.get("/readyz")
    assert (response.status_code, response.json()["lacking"]) == (503, ["registry"])
    assert "secret" not in response.text


def test_redis_and_workers_may_be_away(client, db, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    add_probe("jobservice", broken)
    assert client.get("/readyz").status_code == 200


def test_an_old_database_is_not_good_enough(client, db, monkeypatch):
    monkeypatch.setitem(health._ready_probes, "migrations", health._Migrations())
    monkeypatch.setattr("portal.health.MigrationExecutor.migration_plan", lambda *_: ["one"])
    assert client.get("/readyz").json()["lacking"] == ["migrations"]


def test_an_instance_that_is_about_to_stop_gets_no_more_requests(client, db, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    (tmp_path / DRAINING).touch()
    assert client.get("/readyz").json()["lacking"] == ["running"]


def test_without_its_database_it_answers_all_the_same(client, monkeypatch):
    monkeypatch.setitem(health._probes, "database", broken)
    monkeypatch.setitem(health._ready_probes, "migrations", broken)
    response = client.get("/readyz")
    assert (response.status_code, response.json()["lacking"]) == (503, ["database", "migrations"])


@pytest.mark.parametrize("path", ["/readyz", "/api/v2.0/health"])
def test_asking_often_costs_one_probe(client, db, path):
    asked = []
    add_probe("registry", lambda: asked.append(1))
    for _ in range(20):
        client.get(path)
    assert len(asked) == 1


def test_while_a_probe_hangs_others_are_told_what_was_found_before(db, monkeypatch):
    entered, release = threading.Event(), threading.Event()
    answers = iter([lambda: None, lambda: (entered.set(), release.wait(30))])
    monkeypatch.setattr(health, "_KEPT_SECONDS", 0)

    def probe() -> None:
        next(answers)()

    assert health._found("registry", probe)["status"] == "healthy"
    slow = threading.Thread(target=health._found, args=("registry", probe))
    slow.start()
    assert entered.wait(30)
    assert health._found("registry", probe)["status"] == "healthy"
    release.set()
    slow.join()
