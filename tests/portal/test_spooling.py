"""The thread that takes pulls into the journal."""

import threading

import pytest
from django.db import InterfaceError, OperationalError

from portal import spooling


@pytest.mark.parametrize("failure", [OperationalError, InterfaceError, OSError])
def test_a_failure_delays_it_and_no_more(db, monkeypatch, failure):
    stopped, outcomes = threading.Event(), iter([failure("away"), None])

    def ingest(directory):
        if error := next(outcomes):
            raise error
        stopped.set()
        return 0

    monkeypatch.setattr(spooling, "_PAUSE_SECONDS", 0)
    monkeypatch.setattr(spooling, "ingest", ingest)
    monkeypatch.setattr(spooling, "connection", type("Kept", (), {"close": lambda self: None})())
    spooling.ingest_until(stopped)
    assert stopped.is_set()
