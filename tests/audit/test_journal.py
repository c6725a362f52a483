"""Writing to the journal and reading it."""

import hashlib
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction

from audit.cursor import START
from audit.journal import head, read, record
from audit.models import AppendOnlyError, Entry
from audit.origin import SYSTEM, Origin
from tests.audit.helpers import ANNA, elsewhere, push, settle, write

only_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite writes one at a time")


def targets(entries: list[Entry]) -> list[str]:
    return [entry.target for entry in entries]


@pytest.mark.django_db
def test_an_entry_says_who_did_what_from_where():
    record(
        ANNA,
        "tag.delete",
        project="library",
        target="library/hello:1",
        before={"digest": "sha256:aa"},
        after={"at": datetime(2026, 1, 2, tzinfo=UTC), "share": Decimal("0.5")},
        result="denied",
    )
    entry = Entry.objects.get()
    assert (entry.actor, entry.kind, entry.credential) == ("anna", "user", "password")
    assert (entry.address, entry.user_agent, entry.request_id) == ("192.0.2.7", "docker/28.0", "r-1")
    assert (entry.action, entry.project, entry.target) == ("tag.delete", "library", "library/hello:1")
    assert (entry.before, entry.result, entry.count) == ({"digest": "sha256:aa"}, "denied", 1)
    assert entry.after == {"at": "2026-01-02T00:00:00Z", "share": "0.5"}


@pytest.mark.django_db
def test_recording_costs_one_query(django_assert_num_queries: Any):
    with django_assert_num_queries(1):
        record(SYSTEM, "manifest.push", target="library/hello:1", after={"size": 1})


@pytest.mark.django_db
def test_what_is_too_large_is_told_by_its_size_and_digest():
    many = {"rights": ["x" * 100] * 1000, "duration": 30}
    numbers = {str(number): number for number in range(10_000)}
    record(SYSTEM, "robot.update", before=numbers, after=many)
    entry = Entry.objects.get()
    digest = hashlib.sha256(json.dumps(many["rights"]).encode()).hexdigest()
    assert entry.after == {"rights": {"omitted": len(json.dumps(many["rights"])), "sha256": digest}, "duration": 30}
    assert set(entry.before) == {"omitted", "sha256"}


@pytest.mark.django_db(transaction=True)
def test_recording_needs_a_transaction():
    with pytest.raises(transaction.TransactionManagementError):
        record(SYSTEM, "manifest.push")


@pytest.mark.django_db(transaction=True)
def test_an_entry_goes_with_the_change_that_failed():
    with transaction.atomic():
        record(SYSTEM, "manifest.push")
        transaction.set_rollback(True)
    assert not Entry.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("hostile", ["a\0b", "\ud800", "x" * 100_000, "🐳" * 5000, "\x1b[2J\r\n"])
def test_hostile_text_is_stored_and_never_fails_the_change(hostile: str):
    origin = Origin(hostile, hostile, hostile, hostile, hostile, hostile)
    record(origin, hostile, project=hostile, target=hostile, after={hostile: [hostile, float("nan")]}, result=hostile)
    entry = Entry.objects.get()
    assert 0 < len(entry.actor) <= 255
    assert "\0" not in entry.actor


@pytest.mark.django_db(transaction=True)
def test_entries_are_neither_changed_nor_deleted():
    push("library/hello:1")
    entry = Entry.objects.get()
    for forbidden in (
        entry.save,
        entry.delete,
        Entry.objects.all().delete,
        lambda: Entry.objects.update(actor="eve"),
        lambda: Entry.objects.bulk_update([entry], ["actor"]),
        lambda: Entry.objects.update_or_create(id=entry.id, defaults={"actor": "eve"}),
        lambda: Entry.objects.bulk_create([entry], update_conflicts=True),
    ):
        with pytest.raises(AppendOnlyError):
            forbidden()
    assert Entry.objects.get().actor == "anna"


@pytest.mark.django_db(transaction=True)
def test_reading_goes_on_where_it_stopped():
    write("a", "b", "c")
    first = read(START, 2)
    assert targets(first) == ["a", "b"]
    assert targets(read(first[-1].cursor, 2)) == ["c"]
    assert read(head(), 2) == []


@pytest.mark.django_db(transaction=True)
def test_the_head_of_an_empty_journal_is_its_start():
    assert head() == START


@only_postgresql
@pytest.mark.django_db(transaction=True)
def test_nothing_is_read_that_a_running_transaction_may_still_precede():
    with transaction.atomic():
        record(SYSTEM, "manifest.push", target="begun first, committed last")
        elsewhere(lambda: push("begun last, committed first"))
        assert elsewhere(lambda: read(START, 10)) == []
        assert elsewhere(head) == START
    settle()
    assert targets(read(START, 10)) == ["begun first, committed last", "begun last, committed first"]


@only_postgresql
@pytest.mark.django_db(transaction=True)
def test_order_is_by_transaction_even_where_ids_are_the_other_way_round():
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_current_xact_id()")
        elsewhere(lambda: push("later transaction, lower id"))
        record(SYSTEM, "manifest.push", target="earlier transaction, higher id")
    settle()
    in_order = read(START, 10)
    assert targets(in_order) == ["earlier transaction, higher id", "later transaction, lower id"]
    assert targets(read(in_order[0].cursor, 10)) == ["later transaction, lower id"]


@only_postgresql
@pytest.mark.django_db(transaction=True)
def test_a_savepoint_belongs_to_its_transaction():
    with transaction.atomic():
        record(SYSTEM, "manifest.push", target="outside")
        with transaction.atomic():
            record(SYSTEM, "manifest.push", target="inside")
        assert elsewhere(lambda: read(START, 10)) == []
    settle()
    outside, inside = read(START, 10)
    assert outside.txid == inside.txid
