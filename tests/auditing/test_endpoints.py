"""What arrives at a receiver, and when it counts as taken."""

import json
import re
import socket
import struct
import threading
from datetime import UTC, datetime

import pytest

from audit.models import Entry
from portal.auditing import endpoints
from portal.auditing.endpoints import deliver
from portal.outgoing import Undelivered
from tests.auditing.receivers import Syslog, collecting, silent
from tests.support.processes import free_port

AT = datetime(2026, 11, 24, 15, 4, 5, 6, tzinfo=UTC)
ENTRIES = [
    Entry(pk=7, at=AT, actor="änna", kind="user", action="manifest.push", project="library", target="library/app:1"),
    Entry(pk=8, at=AT, actor="anonymous", kind="anonymous", action="user.login_failed", result="denied", target="a\nb"),
]


@pytest.fixture(params=["127.0.0.1:{}", "tcp://127.0.0.1:{}"])
def tcp(request):
    return request.param.format


def ids(lines):
    return [json.loads(line)["id"] for line in lines]


def test_syslog_over_tcp_takes_each_entry_as_a_message(tcp):
    with Syslog() as receiver:
        deliver(tcp(receiver.port), ENTRIES)
    pushed, refused = receiver.messages
    head, text = pushed.split(" - ", 2)[0], pushed.split(" - ", 2)[2]
    assert head == "<110>1 2026-11-24T15:04:05.000006Z 127.0.0.1 portolan"
    assert re.search(r" - manifest\.push - \{", pushed)
    assert json.loads(text)["actor"] == "änna"
    assert refused.startswith("<108>1 ")
    assert "\n" not in refused


def test_syslog_over_tls_is_spoken_to_a_receiver_that_is_trusted(certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with Syslog(certificate) as receiver:
        deliver(f"tls://127.0.0.1:{receiver.port}", ENTRIES)
    assert len(receiver.messages) == 2


def test_a_receiver_that_is_not_trusted_gets_nothing(certificate):
    with Syslog(certificate) as receiver, pytest.raises(Undelivered, match="certificate is not trusted"):
        deliver(f"tls://127.0.0.1:{receiver.port}", ENTRIES)
    assert receiver.messages == []


def test_a_receiver_that_hangs_up_before_it_has_read_everything_has_taken_nothing():
    def hang_up(line):
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with silent(hang_up) as port, pytest.raises(Undelivered):
        deliver(f"127.0.0.1:{port}", ENTRIES)


def test_a_receiver_that_reads_and_never_closes_has_taken_everything(monkeypatch):
    monkeypatch.setattr(endpoints, "FAREWELL", 0.2)
    with silent(lambda line: line.recv(1 << 20) and line.recv(1 << 20, socket.MSG_WAITALL) and None) as port:
        deliver(f"127.0.0.1:{port}", ENTRIES)


def test_a_receiver_that_is_cut_off_at_the_deadline_has_taken_nothing(monkeypatch):
    monkeypatch.setattr(endpoints, "DEADLINE", 0.2)
    done = threading.Event()
    with silent(lambda _line: done.wait()) as port:
        with pytest.raises(Undelivered, match="no answer in time"):
            deliver(f"127.0.0.1:{port}", ENTRIES)
        done.set()


def test_http_takes_json_lines():
    with collecting() as collector:
        deliver(f"http://name:p%40ss@127.0.0.1:{collector.server_port}/in?x=1", ENTRIES)
    assert ids(collector.taken) == [7, 8]
    assert collector.headers["Content-Type"] == "application/x-ndjson"
    assert collector.headers["Authorization"] == "Basic bmFtZTpwQHNz"


@pytest.mark.parametrize("status", [302, 401, 500])
def test_any_other_answer_than_a_success_is_a_failure_that_tells_no_secret(status):
    with collecting() as collector:
        collector.status = status
        with pytest.raises(Undelivered, match=f"127.0.0.1 .* {status}") as refusal:
            deliver(f"http://name:secret@127.0.0.1:{collector.server_port}/?token=secret", ENTRIES)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("scheme", ["tcp", "tls", "http", "https"])
def test_a_receiver_that_is_away_is_named(scheme):
    with pytest.raises(Undelivered, match=r"127\.0\.0\.1: Connection refused"):
        deliver(f"{scheme}://127.0.0.1:{free_port()}", ENTRIES)


def test_a_way_that_does_not_exist_is_said():
    with pytest.raises(Undelivered, match="use tcp, tls, http or https"):
        deliver("udp://127.0.0.1:514", ENTRIES)
