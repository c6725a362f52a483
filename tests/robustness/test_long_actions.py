"""kill -9 in the middle of what takes its time: it ends all the same, nothing is lost, and nothing is done twice."""

import json
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
import pytest
import requests

from tests.auditing.receivers import Syslog, collecting
from tests.robustness.clients import client, each
from tests.support.api import Api
from tests.support.images import Manifest, image, manifest
from tests.support.portolan import ADMIN, Portolan
from tests.support.processes import free_port, wait_until

LONG_AGO = "'2000-01-01 00:00:00'"
# What a process that dies has leased, and what waits to be tried again, is otherwise left alone for up to a minute.
LEASES = (
    f"UPDATE jobs_job SET lease_expires_at = {LONG_AGO} WHERE state = 'Running'",
    f"UPDATE jobs_job SET run_at = {LONG_AGO} WHERE state = 'Pending'",
    f"UPDATE audit_consumer SET held_until = {LONG_AGO} WHERE holder <> ''",
)


class Victim:
    """An instance that is killed and started again, and a look into its database past its back."""

    def __init__(self, instance: Portolan) -> None:
        self.instance = instance
        self.api = Api(instance.url, ADMIN)
        self._url = instance.environment.get("PORTOLAN_DATABASE_URL", "")

    def rows(self, sql: str) -> list[Any]:
        """What a query gives; where it gives one column, the bare values."""
        connection: Any
        if self._url:
            connection = psycopg.connect(self._url, autocommit=True)
        else:
            file = self.instance.directory / "portolan.sqlite3"
            connection = sqlite3.connect(file, isolation_level=None, timeout=30)
        try:
            cursor = connection.execute(sql)
            found = cursor.fetchall() if cursor.description else []
        finally:
            connection.close()
        return [row[0] if len(row) == 1 else row for row in found]

    def count(self, source: str) -> int:
        """How many rows there are: `count("registry_tag")`."""
        [number] = self.rows(f"SELECT count(*) FROM {source}")
        return number

    @contextmanager
    def in_the_way(self, row: str) -> Iterator[None]:
        """Holds on to a row in PostgreSQL: whoever is about to delete it waits for as long as the block lasts."""
        with psycopg.connect(self._url) as connection:
            assert connection.execute(f"{row} FOR UPDATE").fetchone()
            yield
            connection.rollback()

    def kill_9(self) -> None:
        self.instance.kill_9()

    def revive(self) -> None:
        """Starts it again, a minute later as far as leases are concerned."""
        self.let_a_minute_pass()
        self.instance.start()

    def let_a_minute_pass(self) -> None:
        for statement in LEASES:
            self.rows(statement)

    def ended(self, kind: str) -> tuple[str, int]:
        """How the only job of the kind has ended, and after how many attempts."""
        job = f"jobs_job WHERE kind = '{kind}'"
        wait_until(lambda: self.count(f"{job} AND finished_at IS NOT NULL"), f"{kind} has ended")
        [(state, attempts)] = self.rows(f"SELECT state, attempts FROM {job}")
        return state, attempts

    def assert_sound(self) -> None:
        """Usage included, the database agrees with itself and with the store, and the journal verifies."""
        assert "agree" in self.instance.manage("fsck")
        self.instance.manage("audit", "seal")
        assert "as it was sealed" in self.instance.manage("audit", "verify")


@pytest.fixture
def victim(start_portolan, postgres_database) -> Victim:
    return Victim(start_portolan(database_url=postgres_database))


@pytest.fixture(params=["sqlite", "postgresql"])
def either_victim(request, start_portolan) -> Victim:
    """One on each kind of database."""
    database = {"database_url": request.getfixturevalue("postgres_database")} if request.param != "sqlite" else {}
    return Victim(start_portolan(**database))


BASE = image("what all of them share")


def variant(number: int) -> Manifest:
    """An image that differs from the others in its manifest alone."""
    config, *layers = BASE.blobs
    return manifest(config, layers, annotations={"number": str(number)})


def push_variants(instance: Portolan, repository: str, numbers: range) -> None:
    """Pushes images under tags that are their numbers, one after the other."""
    registry = client(instance, repository)
    for blob in BASE.blobs:
        registry.push_blob(repository, blob)
    for number in numbers:
        registry.put_manifest(repository, variant(number), str(number))


def test_a_repository_whose_deletion_is_killed_is_cleared_away_all_the_same(victim):
    created = victim.api.post("/projects", {"project_name": "dock"})
    quota = victim.api.get(created.headers["Location"].removeprefix("/api/v2.0")).json()["project_id"]
    each(lambda start: push_variants(victim.instance, "dock/doomed", range(start, start + 75)), (0, 100, 200, 300))
    assert victim.api.get(f"/quotas/{quota}").json()["used"]["storage"] > 0
    with victim.in_the_way("SELECT 1 FROM registry_manifest ORDER BY id DESC LIMIT 1"):
        assert victim.api.delete("/projects/dock/repositories/doomed").status_code == 200
        wait_until(lambda: 0 < victim.count("registry_manifest") <= 100, "most of it is gone")
        victim.kill_9()
    assert victim.count("registry_manifest") > 0
    victim.revive()
    assert victim.ended("registry.delete-repository") == ("Success", 2)
    for table in ("registry_repository", "registry_manifest", "registry_tag", "registry_bloblink"):
        assert victim.count(table) == 0, table
    assert victim.api.get(f"/quotas/{quota}").json()["used"]["storage"] == 0
    assert victim.rows("SELECT target FROM audit_entry WHERE action = 'repository.delete'") == ["dock/doomed"]
    assert victim.count("audit_entry WHERE action = 'manifest.delete'") == 0
    victim.assert_sound()


def test_a_retention_run_that_is_killed_keeps_what_is_to_be_kept_and_tells_the_truth(victim):
    push_variants(victim.instance, "library/app", range(30))
    selector = {"kind": "doublestar", "pattern": "**"}
    rule = {
        "action": "retain",
        "template": "latestPushedK",
        "params": {"latestPushedK": 5},
        "tag_selectors": [selector | {"decoration": "matches"}],
        "scope_selectors": {"repository": [selector | {"decoration": "repoMatches"}]},
    }
    policy = {"algorithm": "or", "rules": [rule], "scope": {"level": "project", "ref": 1}}
    answer = victim.api.post("/retentions", policy)
    assert answer.status_code == 201, answer.text
    executions = f"{answer.headers['Location'].removeprefix('/api/v2.0')}/executions"
    with victim.in_the_way(f"SELECT 1 FROM registry_manifest WHERE digest = '{variant(12).digest}'"):
        assert victim.api.post(executions, {"dry_run": False}).status_code == 201
        wait_until(lambda: victim.rows("SELECT deleted FROM retention_retentiontask") == [12], "it has begun to delete")
        victim.kill_9()
    victim.revive()
    assert victim.ended("retention.run") == ("Success", 2)
    [execution] = victim.api.get(executions).json()
    [task] = victim.api.get(f"{executions}/{execution['id']}/tasks").json()
    assert (execution["status"], task["status"]) == ("Success", "Success")
    assert (task["total"], task["retained"]) == (30, 5)
    assert sorted(client(victim.instance, "library/app").tags("library/app")) == ["25", "26", "27", "28", "29"]
    deleted = victim.rows("SELECT target FROM audit_entry WHERE action = 'manifest.delete'")
    assert Counter(deleted) == {f"library/app@{variant(number).digest}": 1 for number in range(25)}
    [told] = victim.rows("SELECT after FROM audit_entry WHERE action = 'retention.clean'")
    assert {key: told[key] for key in ("total", "retained", "deleted")} == {"total": 30, "retained": 5, "deleted": 25}
    victim.assert_sound()


def test_webhooks_are_delivered_once_their_receiver_is_back_though_the_server_was_killed(either_victim):
    victim, port = either_victim, free_port()
    target = {"type": "http", "address": f"http://127.0.0.1:{port}/hook", "payload_format": "Default"}
    policy = {"name": "hook", "enabled": True, "event_types": ["PUSH_ARTIFACT"], "targets": [target]}
    wait_until(lambda: victim.count("audit_consumer WHERE name = 'webhooks'"), "the journal is followed")
    assert victim.api.post("/projects/library/webhook/policies", policy).status_code == 201
    push_variants(victim.instance, "library/told", range(1))
    wait_until(lambda: victim.count("jobs_job WHERE kind = 'webhooks.deliver' AND error <> ''"), "nobody answered")
    push_variants(victim.instance, "library/told", range(1, 4))
    victim.kill_9()
    with collecting(port) as receiver:
        victim.revive()
        done = "jobs_job WHERE kind = 'webhooks.deliver' AND state = 'Success'"
        wait_until(lambda: victim.count(done) == 4, "everything is delivered")
        events = [json.loads(line) for line in receiver.taken]
    tags = Counter(resource["tag"] for event in events for resource in event["event_data"]["resources"])
    assert tags == {"0": 1, "1": 1, "2": 1, "3": 1}
    assert victim.count("jobs_job WHERE kind = 'webhooks.deliver'") == 4


def test_the_forwarded_journal_lacks_nothing_though_receiver_and_server_were_away(either_victim):
    victim, port = either_victim, free_port()
    caught_up = "audit_consumer WHERE name = 'audit.forward' AND last_id >= (SELECT max(id) FROM audit_entry)"
    wait_until(lambda: victim.count(caught_up), "the journal is followed")
    changes = {"audit_log_forward_endpoint": f"127.0.0.1:{port}"}
    assert victim.api.put("/configurations", changes).status_code == 200
    push_variants(victim.instance, "library/logged", range(5))
    wait_until(lambda: "follower audit.forward failed" in victim.instance.log, "the receiver is missed")
    victim.kill_9()
    since = "action = 'configuration.update'"
    sent = f"SELECT id FROM audit_entry WHERE id >= (SELECT min(id) FROM audit_entry WHERE {since}) ORDER BY txid, id"
    with Syslog(port=port) as sink:

        def taken() -> list[int]:
            return [json.loads(message[message.index("{") :])["id"] for message in sink.messages]

        victim.revive()
        wait_until(taken, "it is forwarded again")
        push_variants(victim.instance, "library/logged", range(5, 20))
        victim.kill_9()
        victim.revive()
        wait_until(lambda: set(victim.rows(sent)) <= set(taken()), "everything has arrived")
        assert list(dict.fromkeys(taken())) == victim.rows(sent), "in order, and nothing from before"


def test_a_purge_that_is_killed_leaves_a_journal_that_verifies_and_is_carried_on(victim):
    victim.api.put("/jobservice/queues/SCHEDULER", {"action": "pause"})  # Nobody else seals what is made old here.
    for group in range(3):
        contents = [image(f"{group}/{number}") for number in range(5)]
        registry = client(victim.instance, "library/old")
        for number, content in enumerate(contents):
            registry.push("library/old", content, f"{group}-{number}")
        victim.rows(f"UPDATE audit_entry SET at = {LONG_AGO} WHERE action = 'blob.push' AND at > {LONG_AGO}")
        victim.instance.manage("audit", "seal")
    going = set(victim.rows("SELECT id FROM audit_entry WHERE action = 'blob.push'"))
    staying = set(victim.rows("SELECT id FROM audit_entry")) - going
    last = max(going)
    read = f"audit_consumer WHERE last_id >= {last} AND name <> 'audit.seal'"
    wait_until(lambda: victim.count(read) == victim.count("audit_consumer WHERE name <> 'audit.seal'"), "all is read")
    with victim.in_the_way(f"SELECT 1 FROM audit_entry WHERE id = {last}"):
        asked = ("audit_retention_hour=1", "include_event_types=create_blob")
        victim.instance.manage("jobs", "run", "audit.purge", *asked, "--queue")
        wait_until(lambda: victim.count("audit_seal WHERE purged > 0") >= 2, "it has begun to purge")
        victim.kill_9()
    assert "as it was sealed" in victim.instance.manage("audit", "verify")
    assert last in victim.rows("SELECT id FROM audit_entry")
    victim.revive()
    assert victim.ended("audit.purge") == ("Success", 2)
    assert victim.count("audit_entry WHERE action = 'blob.push'") == 0
    assert staying <= set(victim.rows("SELECT id FROM audit_entry"))
    assert victim.rows("SELECT sum(purged) FROM audit_seal") == [len(going)]
    victim.assert_sound()


class Churn:
    """Clients that push images which share layers, and delete every second, whatever happens to the server."""

    def __init__(self, instance: Portolan) -> None:
        self.done = 0
        self.stopped = threading.Event()
        self._instance = instance

    def run(self, number: int) -> None:
        """One client, in a repository that it shares with another."""
        repository = f"library/churn{number // 2}"
        while not self.stopped.is_set():
            with suppress(requests.RequestException):
                registry = client(self._instance, repository)
                while not self.stopped.is_set():
                    content = image(f"{self.done % 7} of {number}", layers=1 + self.done % 3)
                    registry.push(repository, content, f"t{number}")
                    if self.done % 2:
                        registry.request("DELETE", f"/v2/{repository}/manifests/{content.digest}")
                    self.done += 1
            wait_until(lambda: self.stopped.is_set() or self._instance.ready(), "the server is back")


def test_usage_is_exact_after_kill_9_beside_pushes_and_deletions(either_victim):
    victim = either_victim
    churn = Churn(victim.instance)
    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(churn.run, number) for number in range(4)]
        try:
            for _ in range(2):
                goal = churn.done + 20
                victim.instance.manage("jobs", "run", "registry.fold-usage", "--queue")
                wait_until(lambda goal=goal: churn.done >= goal, "there is traffic")
                victim.kill_9()
                victim.revive()
            goal = churn.done + 10
            wait_until(lambda: churn.done >= goal, "there is traffic again")
            victim.kill_9()
        finally:
            churn.stopped.set()
        for client_run in running:
            client_run.result()
    assert "agree" in victim.instance.manage("fsck")
    victim.let_a_minute_pass()
    victim.instance.manage("jobs", "run", "registry.fold-usage")
    assert victim.count("registry_namespacecontent WHERE NOT folded") == 0
    victim.assert_sound()
