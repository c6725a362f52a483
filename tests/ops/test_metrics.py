"""What a scrape tells, from one process."""

from datetime import timedelta

import pytest
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from audit.consumers import subscribe
from audit.journal import record
from audit.origin import SYSTEM
from jobs.models import Job, WorkerPool
from jobs.signals import run_ended
from portal.env import env_networks
from portal.observability import scrape
from portal.observability.inventory import Inventory, content, state
from portal.projects.services import project_create
from registry.models import Manifest, Repository
from tests.support.processes import wait_until


@pytest.fixture(autouse=True)
def _fresh_inventory(monkeypatch):
    monkeypatch.setattr(scrape, "_inventory", Inventory())


@pytest.fixture
def scraped(client, db):
    """The values of a scrape: `scraped("harbor_up", component="core")`; None where there is no such series."""

    def value(name: str, **labels: str) -> float | None:
        response = client.get("/metrics")
        assert response.status_code == 200
        families = text_string_to_metric_families(response.content.decode())
        samples = [sample for family in families for sample in family.samples]
        found = [sample.value for sample in samples if sample.name == name and labels.items() <= sample.labels.items()]
        return found[0] if found else None

    return value


def make_project(name: str, repositories: int = 1, *, public: bool = True) -> None:
    project = project_create(name=name, public=public, owner=None, origin=SYSTEM)
    for number in range(repositories):
        row = Repository.objects.create(namespace_id=project.pk, name=f"{name}/{number}", pull_count=5)
        Manifest.objects.create(
            repository=row, digest=f"sha256:{number}", media_type="x", kind="IMAGE", payload=b"", size=1
        )


def test_projects_are_told_with_what_is_in_them(scraped):
    make_project("team", 3)
    make_project("secret", public=False)
    assert scraped("harbor_project_total", public="true") == 1
    assert scraped("harbor_project_repo_total", project_name="team", public="true") == 3
    assert scraped("harbor_project_artifact_total", project_name="team", artifact_type="IMAGE") == 3
    assert scraped("harbor_artifact_pulled", project_name="team") == 15
    assert scraped("harbor_project_quota_byte", project_name="team") == -1
    assert scraped("harbor_statistics_total_repo_amount") == 4
    assert scraped("harbor_statistics_private_repo_amount") == 1


def test_components_are_told(scraped):
    assert scraped("harbor_up", component="database") == 1


def test_the_system_is_told_as_to_clients_of_the_rest_api(scraped):
    told = {"auth_mode": "db_auth", "self_registration": "false", "harbor_version": "v2.16.0-portolan"}
    assert scraped("harbor_system_info", **told) == 1


def test_readers_of_the_journal_are_told_with_what_they_lack(transactional_db):
    def told() -> dict[str, float]:
        samples = [sample for family in state() for sample in family.samples]
        return {sample.name: sample.value for sample in samples if sample.labels in ({"consumer": "reader"}, {})}

    subscribe("reader")
    with transaction.atomic():
        record(SYSTEM, "test.happened")
    wait_until(lambda: told()["portolan_journal_lag_entries"] >= 1, "the entry can be read")
    assert told()["portolan_journal_lag_seconds"] >= 0
    assert told()["portolan_spool_bytes"] == 0


def test_workers_and_their_queues_are_told(scraped):
    WorkerPool.objects.create(pk="here:1:x", host="here", pid=1, concurrency=4)
    Job.objects.create(kind="registry.gc", run_at=timezone.now() - timedelta(hours=1))
    Job.objects.create(kind="test.runs", state="Running", owner="here:1:x:y")
    assert scraped("harbor_jobservice_info", node="here", pool="here:1:x", workers="4") == 1
    assert scraped("harbor_task_queue_size", type="GARBAGE_COLLECTION") == 1
    assert scraped("harbor_task_queue_latency", type="GARBAGE_COLLECTION") >= 3600
    assert scraped("harbor_task_concurrency", type="test.runs", pool="here:1:x") == 1


def test_runs_of_jobs_are_counted(scraped):
    for kind, vendor in (("registry.gc", "GARBAGE_COLLECTION"), ("test.kind", "test.kind")):
        before = scraped("harbor_jobservice_task_total", type=vendor, status="Success") or 0
        run_ended.send(None, kind=kind, state="Success", seconds=0.5)
        assert scraped("harbor_jobservice_task_total", type=vendor, status="Success") == before + 1


def test_a_route_is_one_label_whatever_is_in_the_path(client, scraped):
    def counted(operation: str, code: str) -> float:
        return scraped("harbor_core_http_request_total", method="GET", operation=operation, code=code) or 0

    label, nowhere = ("api/v2.0/labels/<int:label_id>", "404"), ("unmatched", "404")
    before = counted(*label), counted(*nowhere)
    for number in range(5):
        client.get(f"/api/v2.0/labels/{number}")
        client.get(f"/made/up/{number}")
    assert (counted(*label), counted(*nowhere)) == (before[0] + 5, before[1] + 5)
    assert "made/up" not in client.get("/metrics").text


def test_a_method_that_somebody_made_up_is_no_label_of_its_own(client, scraped):
    client.generic("FROBNICATE", "/api/v2.0/ping")
    assert scraped("harbor_core_http_request_total", method="OTHER") >= 1
    assert "FROBNICATE" not in client.get("/metrics").text


@pytest.mark.parametrize("read", [content, state])
def test_the_number_of_queries_does_not_depend_on_the_number_of_projects(db, read):
    make_project("one")
    with CaptureQueriesContext(connection) as few:
        read()
    for number in range(20):
        make_project(f"more{number}", 2)
    with CaptureQueriesContext(connection) as many:
        read()
    assert len(many) == len(few)


def test_a_second_scrape_asks_the_database_nothing(client, db):
    client.get("/metrics")
    with CaptureQueriesContext(connection) as queries:
        client.get("/metrics")
    assert len(queries) == 0


def test_without_the_database_the_rest_is_told(scraped, monkeypatch):
    def away() -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(scrape._inventory._content, "_compute", away)
    monkeypatch.setattr(scrape._inventory._state, "_compute", away)
    assert scraped("harbor_up", component="core") == 1
    assert scraped("harbor_project_total") is None


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("192.0.2.1", {}, 403),
        ("", {}, 403),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 403),  # Of a proxy that nobody named.
        ("127.0.0.1", {"Via": "1.1 somebody"}, 403),
    ],
)
def test_metrics_are_for_this_machine_alone(client, db, address, headers, status):
    assert client.get("/metrics", REMOTE_ADDR=address, headers=headers).status_code == status


def test_other_networks_may_be_named(client, db, settings, monkeypatch):
    monkeypatch.setenv("NETWORKS", "192.0.2.0/24")
    settings.METRICS_NETWORKS = env_networks("NETWORKS")
    assert client.get("/metrics", REMOTE_ADDR="192.0.2.7").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="127.0.0.1").status_code == 403


def test_behind_a_trusted_proxy_the_client_counts(client, db, settings, monkeypatch):
    monkeypatch.setenv("NETWORKS", "10.0.0.1")
    settings.TRUSTED_PROXIES = env_networks("NETWORKS")
    from_outside = client.get("/metrics", REMOTE_ADDR="10.0.0.1", headers={"X-Forwarded-For": "192.0.2.1"})
    assert from_outside.status_code == 403
