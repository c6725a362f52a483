"""A receiver of webhooks, a project that has one, and the follower and the deliveries without a worker."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.db import transaction

from audit.journal import record
from audit.models import Entry
from audit.origin import SYSTEM, Origin
from jobs.kinds import JobRun
from jobs.models import JobLog
from portal.projects.models import Project
from portal.projects.services import project_create
from portal.webhooks.followers import tell
from portal.webhooks.jobs import deliver
from portal.webhooks.models import Delivery, WebhookPolicy
from portal.webhooks.services import webhook_create

ALICE = Origin("alice", "user", request_id="request-1")
DIGEST = "sha256:" + "a" * 64


class Receiver:
    """An HTTP server that keeps what it is sent and answers what it is told to."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        self.answers: Callable[[BaseHTTPRequestHandler], None] = lambda handler: self.answer(handler, 200)
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                receiver.requests.append((self.path, dict(self.headers), body))
                receiver.answers(self)

            def log_message(self, *_args: object) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"

    @staticmethod
    def answer(handler: BaseHTTPRequestHandler, status: int, **headers: str) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    def answers_with(self, status: int, **headers: str) -> None:
        self.answers = lambda handler: self.answer(handler, status, **headers)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    thread = threading.Thread(target=found.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield found
    found.server.shutdown()
    thread.join()
    found.server.server_close()


@pytest.fixture
def project(db: None) -> Project:
    return project_create(name="apps", owner=None, origin=SYSTEM)


def target(address: str, **change: Any) -> dict[str, Any]:
    given = {"type": "http", "address": address, "auth_header": "", "skip_cert_verify": False, "payload_format": ""}
    return given | change


def policy(project: Project, *targets: dict[str, Any], events: tuple[str, ...] = ("PUSH_ARTIFACT",)) -> WebhookPolicy:
    number = project.webhooks.count()
    given = {"name": f"hook{number}", "description": "", "enabled": True, "event_types": events, "targets": targets}
    return webhook_create(project=project, **given, origin=SYSTEM)


def happened(action: str, *, project: str = "apps", target: str = "", **told: Any) -> list[Entry]:
    """Something is journalled, and the follower reads it."""
    with transaction.atomic():
        record(ALICE, action, project=project, target=target, **told)
    entries = [Entry.objects.latest("id")]
    tell(entries)
    return entries


def pushed(*tags: str, repository: str = "apps/team/app") -> None:
    after = {"digest": DIGEST, "tags": list(tags)}
    happened("manifest.push", project=repository.partition("/")[0], target=f"{repository}@{DIGEST}", after=after)


def carry_out(delivery: Delivery) -> str:
    """One attempt, as a worker makes it; the log of the delivery. Raises what the attempt raises."""
    job = delivery.job
    job.attempts += 1
    job.save(update_fields=["attempts"])
    run = JobRun(job, timedelta(minutes=1), time.monotonic(), threading.Event())
    try:
        deliver(run)
    finally:
        run._write_log()
    return "\n".join(JobLog.objects.filter(job=job).values_list("text", flat=True))
