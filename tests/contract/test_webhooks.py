"""webhook and webhookjob."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.contract.bodies import webhook
from tests.contract.conftest import Person
from tests.contract.walk import REFUSED, Caller
from tests.support.api import id_of, unique
from tests.support.images import image
from tests.support.processes import wait_until
from tests.support.registry import Registry


@pytest.fixture
def endpoint() -> Iterator[str]:
    """The address of a server that takes every notification."""

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Taker)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_webhook_is_made_changed_and_deleted(admin: Caller, project: str):
    here = {"project_name_or_id": project}
    events = admin("GetSupportedEventTypes", 200, **here).json()
    assert {"PUSH_ARTIFACT", "PULL_ARTIFACT", "QUOTA_EXCEED", "TAG_RETENTION"} <= set(events["event_type"])
    assert set(events["notify_type"]) == {"http", "slack"}
    assert {"notify_type": "http", "formats": ["Default", "CloudEvents"]} in events["payload_formats"]

    wish = webhook("http://127.0.0.1:9/hook")
    this = here | {"webhook_policy_id": id_of(admin("CreateWebhookPolicyOfProject", 201, **here, body=wish))}
    found = admin("GetWebhookPolicyOfProject", 200, **this).json()
    assert {key: found[key] for key in ("name", "description", "enabled", "event_types")} == {
        key: wish[key] for key in ("name", "description", "enabled", "event_types")
    }
    assert found["creator"] == "admin"
    admin("UpdateWebhookPolicyOfProject", 200, **this, body=wish | {"enabled": False})
    listed = admin("ListWebhookPoliciesOfProject", 200, **here, q=f"name={wish['name']}").json()
    assert [row["enabled"] for row in listed] == [False]
    admin("DeleteWebhookPolicyOfProject", 200, **this)
    admin("GetWebhookPolicyOfProject", 404, **this)
    admin("UpdateWebhookPolicyOfProject", 404, **this, body=wish)
    admin("DeleteWebhookPolicyOfProject", 404, **this)


def test_a_push_is_told_and_the_delivery_recorded(admin: Caller, registry: Registry, project: str, endpoint: str):
    here = {"project_name_or_id": project}
    made = id_of(admin("CreateWebhookPolicyOfProject", 201, **here, body=webhook(endpoint)))
    this = here | {"webhook_policy_id": made}
    registry.push(f"{project}/app", image(unique("content")), "latest")

    def runs() -> list[dict[str, Any]]:
        return admin("ListExecutionsOfWebhookPolicy", 200, **this).json()

    wait_until(lambda: [run["status"] for run in runs()] == ["Success"], "the push was told")
    run = this | {"execution_id": runs()[0]["id"]}
    tasks = admin("ListTasksOfWebhookExecution", 200, **run).json()
    assert [task["status"] for task in tasks] == ["Success"]
    assert admin("GetLogsOfWebhookTask", 200, **run, task_id=tasks[0]["id"]).text
    jobs = admin("ListWebhookJobs", 200, **here, policy_id=made).json()
    assert [(job["event_type"], job["notify_type"], job["status"]) for job in jobs] == [
        ("PUSH_ARTIFACT", "http", "Success")
    ]
    triggers = admin("LastTrigger", 200, **here).json()
    assert triggers[0]["event_type"] == "PUSH_ARTIFACT"
    assert triggers[0]["last_trigger_time"]
    admin("ListTasksOfWebhookExecution", 404, **this, execution_id=10**9)
    admin("GetLogsOfWebhookTask", 404, **run, task_id=10**9)


@pytest.mark.parametrize(
    "change",
    [
        {"targets": []},
        {"targets": [{"type": "pigeon", "address": "http://127.0.0.1:9/"}]},
        {"targets": [{"type": "http", "address": "ftp://127.0.0.1/"}]},
        {"targets": [{"type": "slack", "address": "http://127.0.0.1:9/", "payload_format": "CloudEvents"}]},
        {"event_types": []},
        {"event_types": ["FULL_MOON"]},
    ],
)
def test_a_webhook_that_makes_no_sense_is_refused(admin: Caller, project: str, change: dict[str, Any]):
    admin(
        "CreateWebhookPolicyOfProject",
        REFUSED,
        project_name_or_id=project,
        body=webhook("http://127.0.0.1:9/", **change),
    )


def test_webhooks_are_for_those_who_keep_the_project(admin: Caller, someone: Person, project: str):
    here = {"project_name_or_id": project}
    made = id_of(admin("CreateWebhookPolicyOfProject", 201, **here, body=webhook("http://127.0.0.1:9/")))
    this = here | {"webhook_policy_id": made}
    for operation in ("ListWebhookPoliciesOfProject", "GetSupportedEventTypes", "LastTrigger"):
        someone.call(operation, 403, **here)
    someone.call("ListWebhookJobs", 403, **here, policy_id=made)
    someone.call("GetWebhookPolicyOfProject", 403, **this)
    someone.call("ListExecutionsOfWebhookPolicy", 403, **this)
    someone.call("DeleteWebhookPolicyOfProject", 403, **this)
    someone.call("CreateWebhookPolicyOfProject", 403, **here, body=webhook("http://127.0.0.1:9/"))
