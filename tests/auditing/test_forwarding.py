"""Forwarding loses nothing: not while the receiver is away, nor when the process dies."""

import json
import threading

import pytest
from django.db import connection

from audit.consumers import lag
from audit.models import Consumer
from jobs.followers import followers
from portal.configuration.models import Setting
from portal.configuration.services import value
from portal.outgoing import Undelivered
from tests.audit.helpers import push, write
from tests.auditing.receivers import collecting
from tests.support.processes import wait_until


@pytest.fixture
def forward():
    """A function that forwards what there is, as a worker does."""
    (follower,) = [follower for follower in followers() if follower.name == "audit.forward"]

    def catch_up():
        follower.subscribe()
        follower.catch_up(threading.Event())

    return catch_up


def targets(collector):
    return [json.loads(line)["target"] for line in collector.taken]


def test_what_is_recorded_arrives(forward, forward_to):
    with collecting() as collector:
        forward_to(f"http://127.0.0.1:{collector.server_port}")
        forward()
        write("a", "b")
        forward()
        write("c")
        forward()
    assert targets(collector) == ["a", "b", "c"]


def test_what_is_recorded_while_the_receiver_is_away_arrives_when_it_is_back(forward, forward_to):
    with collecting() as collector:
        forward_to(f"http://127.0.0.1:{collector.server_port}")
        forward()
        collector.status = 503
        write("a", "b")
        for _ in range(2):
            with pytest.raises(Undelivered):
                forward()
        assert lag("audit.forward").entries == 2
        collector.status = 200
        forward()
    assert targets(collector) == ["a", "b"]
    assert lag("audit.forward").entries == 0


def test_what_is_recorded_after_the_endpoint_was_set_is_never_skipped(forward, forward_to):
    with collecting() as collector:
        forward()
        value("audit_log_forward_endpoint")  # This process remembers that there is none.
        address = f"http://127.0.0.1:{collector.server_port}"
        Setting.objects.create(key="audit_log_forward_endpoint", value=address)  # As another process sets it.
        write("a")
        forward()
    assert targets(collector) == ["a"]


def test_without_an_endpoint_nothing_waits(forward, forward_to):
    forward()
    write("a")
    forward()
    assert lag("audit.forward").entries == 0


def test_no_transaction_is_open_while_a_batch_is_sent(forward, forward_to, monkeypatch):
    seen = []
    monkeypatch.setattr("portal.auditing.followers.deliver", lambda *_: seen.append(connection.in_atomic_block))
    forward_to("127.0.0.1:1")
    forward()
    write("a")
    forward()
    assert seen == [False]


@pytest.mark.slow
def test_a_worker_that_is_killed_while_it_sends_loses_nothing(start_worker, forward_to):
    with collecting() as collector:
        forward_to(f"http://127.0.0.1:{collector.server_port}")
        first = start_worker()
        wait_until(Consumer.objects.filter(name="audit.forward").exists, "the worker follows the journal")
        for number in range(20):
            push(f"first {number}")
        wait_until(lambda: collector.taken, "the worker forwards")
        first.kill()
        for number in range(20):
            push(f"second {number}")
        Consumer.objects.filter(name="audit.forward").update(held_until=None, holder="")  # Not to wait for the lease.
        start_worker()
        wait_until(lambda: "second 19" in targets(collector), "the other worker goes on")
    expected = [f"first {number}" for number in range(20)] + [f"second {number}" for number in range(20)]
    assert list(dict.fromkeys(targets(collector))) == expected
