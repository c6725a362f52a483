"""Seals: whoever touches the journal afterwards is found out."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F

from audit.consumers import lag
from audit.journal import record
from audit.models import Consumer, Entry, Seal
from audit.origin import SYSTEM
from audit.sealing import CONSUMER, entry_digest, outline, seal, seal_digests
from audit.verification import Report, verify
from tests.audit.helpers import ANNA, elsewhere, meanwhile, push, rows, settle, write

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sealed() -> list[int]:
    """Six entries under three seals of two; their ids."""
    ids = write(*"abcdef")
    while seal(limit=2):
        pass
    return ids


def summary(report: Report) -> tuple[int, int, int]:
    return report.seals, report.entries, report.unsealed


def test_an_untouched_journal_verifies(sealed: list[int]):
    write("not sealed yet")
    report = verify()
    assert report.broken is None
    assert summary(report) == (3, 6, 1)
    assert lag(CONSUMER).entries == 1


def test_an_empty_journal_verifies():
    assert seal() == 0
    assert verify().broken is None


def test_every_kind_of_value_survives_the_way_through_the_database():
    after = {"float": 0.1, "big": 2**70, "exponent": 1e22, "text": "ä🐳\u2028", "z": None, "a": {"nested": [True, {}]}}
    with transaction.atomic():
        record(ANNA, "project.update", before={}, after=after)
    settle()
    assert seal() == 1
    assert verify().broken is None


FIELDS = {
    "at": F("at") + timedelta(microseconds=1),
    "before": {"forged": 1},
    "after": {"forged": 1},
    "count": 2,
    **dict.fromkeys(("actor", "kind", "credential", "address", "user_agent", "request_id"), "forged"),
    **dict.fromkeys(("action", "project", "target", "result"), "forged"),
}


def test_the_list_of_sealed_fields_is_complete():
    assert set(FIELDS) | {"id", "txid"} == {field.name for field in Entry._meta.get_fields()}


@pytest.mark.parametrize("field", FIELDS)
def test_a_changed_entry_is_named(sealed: list[int], field: str):
    rows().filter(id=sealed[3]).update(**{field: FIELDS[field]})
    report = verify()
    assert report.broken == f"seal 2 is broken: entry {sealed[3]} was changed"
    assert summary(report) == (1, 2, 4)


@pytest.mark.parametrize(("position", "number"), [(0, 1), (1, 1), (2, 2), (5, 3)])
def test_a_removed_entry_is_named(sealed: list[int], position: int, number: int):
    rows().filter(id=sealed[position]).delete()
    assert verify().broken == f"seal {number} is broken: entry {sealed[position]} is missing"


def test_an_inserted_entry_is_named(sealed: list[int]):
    forged = Entry.objects.get(id=sealed[1])
    forged.id, forged._state.adding = sealed[-1] + 100, True
    forged.save()
    # To come between others it needs an id and a transaction number between theirs.
    rows().filter(id=forged.id).update(txid=F("txid") - 1)
    assert verify().broken == f"seal 1 is broken: entry {forged.id} was inserted"


def test_reordered_entries_are_named():
    ids = write(*"abcd")
    seal()
    last = Entry.objects.get(id=ids[3]).txid
    rows().filter(id=ids[1]).update(txid=last + 1)
    Seal.objects.update(last_txid=last + 1)
    assert verify().broken == f"seal 1 is broken: entry {ids[2]} was moved"


@pytest.mark.parametrize(
    ("number", "found"),
    [(1, "seal 1 is missing"), (2, "seal 2 is missing"), (3, "the seals after number 2 are missing")],
)
def test_a_removed_seal_is_named(sealed: list[int], number: int, found: str):
    Seal.objects.filter(number=number).delete()
    assert verify().broken == found


@pytest.mark.parametrize(
    "change",
    [{"count": 3}, {"made_at": F("made_at") + timedelta(seconds=1)}, {"digest": "f" * 64}, {"previous": "f" * 64}],
)
def test_a_changed_seal_is_named(sealed: list[int], change: dict[str, object]):
    Seal.objects.filter(number=2).update(**change)
    assert verify().broken == "seal 2 is broken: the seal itself was changed, or made with another secret key"


def test_who_cannot_read_the_secret_key_cannot_forge_a_seal(sealed: list[int], monkeypatch: pytest.MonkeyPatch):
    rows().filter(id=sealed[5]).update(actor="eve")
    with monkeypatch.context() as forger:
        forger.setattr(settings, "SECRET_KEY", "a guess")
        last = Seal.objects.get(number=3)
        entries = list(Entry.objects.filter(id__in=sealed[4:]).order_by("id"))
        digests = [entry_digest(entry) for entry in entries]
        last.outline = outline(entries, digests)
        last.digest = next(seal_digests(last, digests))
        last.save()
    assert "made with another secret key" in str(verify().broken)


def test_a_replaced_secret_key_still_verifies_what_it_sealed(sealed: list[int], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(settings, "SECRET_KEY_FALLBACKS", [settings.SECRET_KEY])
    monkeypatch.setattr(settings, "SECRET_KEY", "the new key")
    write("g")
    seal()
    assert verify().broken is None


def test_a_journal_cut_off_with_its_seals_is_found_by_who_noted_the_digest(sealed: list[int]):
    noted = verify().head
    assert verify(noted).broken is None
    kept = Seal.objects.get(number=2).last
    Seal.objects.filter(number=3).delete()
    rows().filter(id__in=sealed[4:]).delete()
    Consumer.objects.get(name=CONSUMER).move(kept)
    assert verify().broken is None
    assert verify(noted).broken == "no seal has the expected digest"


def test_a_lost_sealing_cursor_does_no_harm(sealed: list[int]):
    Consumer.objects.all().delete()
    write("g")
    assert seal() == 1
    assert verify().broken is None


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite writes one at a time")
def test_what_commits_late_is_sealed_in_its_place():
    with transaction.atomic():
        record(SYSTEM, "manifest.push", target="begun first, committed last")
        elsewhere(lambda: push("begun last, committed first"))
        assert elsewhere(seal) == 0
    settle()
    assert seal() == 2
    assert verify().broken is None


def test_sealers_at_work_together_make_one_chain():
    write(*"abcdefgh")

    def seal_all() -> None:
        while seal(limit=1):
            pass

    threads = [meanwhile(seal_all) for _ in range(4)]
    for thread in threads:
        thread.join()
    assert summary(verify()) == (8, 8, 0)
    assert verify().broken is None


def test_progress_is_told(sealed: list[int]):
    told: list[int] = []
    progress: Callable[[int], None] = told.append
    verify(progress=progress)
    assert told == [2, 4, 6]
