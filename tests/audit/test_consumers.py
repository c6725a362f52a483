"""Consumers: named cursors over the journal."""

import pytest
from django.db import connection
from django.utils import timezone

from audit.consumers import LEASE, advance, behind, deliver, lag, subscribe
from audit.journal import head
from audit.models import Consumer, Entry
from tests.audit.helpers import elsewhere, meanwhile, write

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


@pytest.mark.parametrize("step", [advance, deliver])
def test_what_a_consumer_does_not_take_comes_again(step):
    write("a", "b", "c")
    seen: list[str] = []

    def handle(entries: list[Entry]) -> int:
        seen.extend(entry.target for entry in entries[:2])
        return 2

    assert [step("mail", handle) for _ in range(3)] == [2, 1, 0]
    assert seen == ["a", "b", "c"]


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


def test_what_is_taken_out_of_the_database_counts_as_read_once_it_has_been_sent():
    write("a", "b", "c")
    sent: list[str] = []

    def send(entries: list[Entry]) -> None:
        assert not connection.in_atomic_block
        sent.extend(entry.target for entry in entries)

    assert [deliver("syslog", send, limit=2) for _ in range(3)] == [2, 1, 0]
    assert sent == ["a", "b", "c"]
    assert not behind("syslog")


def test_what_could_not_be_sent_is_sent_again():
    write("a")

    def fail(_entries: list[Entry]) -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        deliver("syslog", fail)
    assert behind("syslog")
    sent: list[str] = []
    deliver("syslog", lambda entries: sent.extend(entry.target for entry in entries))
    assert sent == ["a"]


def test_while_one_process_sends_the_others_wait_their_turn():
    write("a")
    others = []
    deliver("syslog", lambda _: others.append(elsewhere(lambda: deliver("syslog", lambda _: None))))
    assert others == [0]


def test_who_takes_too_long_is_taken_for_dead_and_moves_nothing_any_more():
    write("a", "b")
    late: list[str] = []

    def send_late(entries: list[Entry]) -> None:
        Consumer.objects.update(held_until=timezone.now() - LEASE)
        assert elsewhere(lambda: deliver("syslog", lambda _: None, limit=1)) == 1
        late.extend(entry.target for entry in entries)

    deliver("syslog", send_late)
    assert late == ["a", "b"]
    assert lag("syslog").entries == 1
    assert Consumer.objects.get(name="syslog").holder == ""
