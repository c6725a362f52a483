"""Consumers: named cursors over the journal."""

import pytest
from django.db import connection

from audit.consumers import advance, lag, subscribe
from audit.journal import head
from audit.models import Consumer, Entry
from tests.audit.helpers import meanwhile, write

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_consumer_sees_every_entry_once_and_in_order():
    write("a", "b", "c")
    seen: list[str] = []

    def handle(entries: list[Entry]) -> None:
        seen.extend(entry.target for entry in entries)

    assert [advance("mail", handle, limit=2) for _ in range(3)] == [2, 1, 0]
    write("d")
    advance("mail", handle)
    assert seen == ["a", "b", "c", "d"]


def test_a_consumer_that_fails_stays_where_it_was_and_leaves_nothing_behind():
    write("a")

    def fail(_entries: list[Entry]) -> None:
        Consumer.objects.create(name="what the consumer wrote")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        advance("mail", fail)
    assert not Consumer.objects.filter(name="what the consumer wrote").exists()
    assert lag("mail").entries == 1


def test_a_consumer_may_begin_with_what_is_to_come():
    write("past")
    subscribe("mail", head())
    write("future")
    subscribe("mail", head())  # The second time changes nothing.
    seen: list[Entry] = []
    advance("mail", seen.extend)
    assert [entry.target for entry in seen] == ["future"]


def test_consumers_know_how_far_they_are_behind():
    subscribe("mail")
    assert (lag("mail").entries, lag("mail").since) == (0, None)
    write("a", "b", "c")
    assert lag("mail").entries == lag("never ran").entries == 3
    assert lag("mail").since == Entry.objects.get(target="a").at
    assert lag("mail", limit=2).entries == 2
    advance("mail", lambda _entries: None, limit=2)
    assert (lag("mail").entries, lag("mail").since) == (1, Entry.objects.get(target="c").at)


def test_two_processes_do_not_handle_the_same_entries():
    write("a", "b")
    seen: list[str] = []
    rivals = []

    def handle(entries: list[Entry]) -> None:
        if not rivals:  # The first to come starts its rival while it holds the cursor.
            rivals.append(meanwhile(lambda: advance("mail", handle, limit=1)))
        seen.extend(entry.target for entry in entries)

    subscribe("mail")
    advance("mail", handle, limit=1)
    rivals[0].join()
    assert seen == ["a", "b"]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL's planner decides by table size")
def test_sqlite_finds_its_place_in_a_long_journal_by_index():
    from audit.cursor import Cursor
    from audit.functions import beyond
    from audit.journal import settled

    plan = settled().filter(beyond(Cursor(0, 5))).explain()
    assert "entry_journal (txid=? AND id>?)" in plan
    assert "B-TREE" not in plan
