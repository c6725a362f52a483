"""What the tests of the journal share."""

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection, transaction
from django.db.models import QuerySet

from audit.journal import record, settled
from audit.models import Entry
from audit.origin import Origin

T = TypeVar("T")
ANNA = Origin("anna", "user", "password", "192.0.2.7", "docker/28.0", "r-1")


def write(*targets: str) -> list[int]:
    """Records a push of each target, each in a transaction of its own, and waits until they can be read; their ids."""
    ids = push(*targets)
    settle()
    return ids


def push(*targets: str) -> list[int]:
    """The same without waiting."""
    for target in targets:
        with transaction.atomic():
            record(ANNA, "manifest.push", project="library", target=target)
    return list(Entry.objects.order_by("-id").values_list("id", flat=True)[: len(targets)])[::-1]


def settle() -> None:
    """Waits until every entry can be read: transactions in other databases of the server, too, hold readers up."""
    deadline = time.monotonic() + 60
    while settled().count() < Entry.objects.count():
        assert time.monotonic() < deadline, "a transaction is still running somewhere on the server"
        time.sleep(0.01)


def rows() -> "QuerySet[Entry]":
    """The entries as whoever can write to the database sees them: changeable."""
    return QuerySet(Entry)


def spooled(event: dict[str, object]) -> bytes:
    """An event as the spool writes it."""
    about = {name: value for name, value in event.items() if name not in ("at", "request_id")}
    return json.dumps([event.get("at", 1), event.get("request_id", ""), about]).encode()


def elsewhere(function: Callable[[], T]) -> T:
    """What `function` returns in a thread with its own database connection, while this one's transaction stays open."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(_and_disconnect, function).result()


def meanwhile(function: Callable[[], object]) -> threading.Thread:
    """Starts `function` in a thread with its own database connection."""
    thread = threading.Thread(target=_and_disconnect, args=[function])
    thread.start()
    return thread


def _and_disconnect(function: Callable[[], T]) -> T:
    try:
        return function()
    finally:
        connection.close()
