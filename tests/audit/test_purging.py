"""Purging: what is old goes, what is needed stays, and the journal can still be verified."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from django.db.models import F

from audit.consumers import advance, subscribe
from audit.journal import record
from audit.models import Consumer, Entry, Seal
from audit.purging import purge
from audit.sealing import seal
from audit.verification import BrokenError, verify
from tests.audit.helpers import ANNA, rows, settle, write

pytestmark = pytest.mark.django_db(transaction=True)

OLD = datetime(2020, 1, 1, tzinfo=UTC)
CUT = datetime(2021, 1, 1, tzinfo=UTC)


def seal_all(limit: int = 2) -> None:
    while seal(limit=limit):
        pass


def targets() -> list[str]:
    return list(Entry.objects.exclude(action="audit.purge").order_by("id").values_list("target", flat=True))


@pytest.fixture
def old() -> list[int]:
    """Six old entries under three seals of two, then two new ones under a seal."""
    ids = write(*"abcdef")
    rows().filter(pk__in=ids).update(at=OLD)
    write("new", "newer")
    seal_all()
    return ids


def test_what_is_old_goes_and_the_journal_still_verifies(old):
    head = verify().head
    assert purge(CUT, origin=ANNA) == 6
    assert targets() == ["new", "newer"]
    settle()
    seal_all()
    report = verify(expect=head)
    assert report.broken is None
    assert (report.entries, report.purged) == (4, 6)


def test_the_journal_tells_who_purged_what(old):
    purge(CUT, origin=ANNA, actions=["manifest.push"])
    began, ended = Entry.objects.filter(action="audit.purge").order_by("id")
    assert (began.actor, began.result, began.after["actions"]) == ("anna", "started", ["manifest.push"])
    assert (ended.result, ended.after["purged"]) == ("success", 6)


def test_only_the_actions_that_were_named_go_and_the_rest_of_their_seals_stays_proven(old):
    with transaction.atomic():
        record(ANNA, "project.create", target="kept")
        record(ANNA, "manifest.push", target="gone")
    settle()
    rows().filter(target__in=["kept", "gone"]).update(at=OLD)
    seal_all()
    assert purge(CUT, origin=ANNA, actions=["manifest.push"]) == 7
    assert targets() == ["new", "newer", "kept"]
    assert verify().broken is None
    rows().filter(target="kept").update(actor="forged")
    kept = Entry.objects.get(target="kept")
    assert f"entry {kept.pk} was changed" in verify().broken


def test_a_second_purge_takes_more_of_what_the_first_has_left(old):
    with transaction.atomic():
        record(ANNA, "project.create", target="other")
    settle()
    rows().filter(target="other").update(at=OLD)
    seal_all(limit=100)
    purge(CUT, origin=ANNA, actions=["project.create"])
    assert purge(CUT, origin=ANNA) == 6
    assert verify().broken is None
    assert verify().purged == 7


def test_a_dry_run_only_counts(old):
    assert purge(CUT, origin=ANNA, dry_run=True) == 6
    assert Entry.objects.count() == 8


def test_what_is_not_sealed_stays():
    write(*"ab")
    rows().update(at=OLD)
    assert purge(CUT, origin=ANNA) == 0
    assert targets() == ["a", "b"]


def test_what_a_consumer_has_still_to_read_stays(old):
    subscribe("slow")
    advance("slow", lambda _: None, limit=3)
    assert purge(CUT, origin=ANNA, dry_run=True) == 3
    assert purge(CUT, origin=ANNA) == 3
    assert targets()[:3] == ["d", "e", "f"]
    assert verify().broken is None
    Consumer.objects.filter(name="slow").delete()
    assert purge(CUT, origin=ANNA) == 3
    assert verify().broken is None


def test_a_purge_that_is_cut_off_has_told_of_itself_and_is_gone_on_with(old):
    def interrupt(_purged):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        purge(CUT, origin=ANNA, progress=interrupt)
    assert targets() == ["c", "d", "e", "f", "new", "newer"]
    assert Entry.objects.filter(action="audit.purge").last().after["purged"] == 2
    assert verify().broken is None
    assert purge(CUT, origin=ANNA) == 4


def test_evidence_of_a_forger_is_not_purged(old):
    rows().filter(pk=old[2]).update(actor="forged")
    with pytest.raises(BrokenError, match="audit verify"):
        purge(CUT, origin=ANNA)
    assert targets()[0] == "c"


@pytest.mark.parametrize(
    "forgery",
    [
        {"purged": F("count")},
        {"purged": F("count"), "resealed": F("digest")},
        {"purged": F("count"), "resealed": F("digest"), "outline": b""},
    ],
)
def test_deletion_does_not_pass_for_a_purge(old, forgery):
    rows().filter(pk__in=old[:2]).delete()
    Seal.objects.filter(number=1).update(**forgery)
    assert "seal 1 is broken" in verify().broken


def test_a_purged_seal_cannot_be_made_to_cover_more(old):
    purge(CUT, origin=ANNA)
    first = Seal.objects.get(number=1)
    rows().bulk_create(
        [Entry(pk=first.first_id, txid=first.first_txid, actor="forged", action="manifest.push", at=OLD)]
    )
    assert "seal 1 is broken" in verify().broken


def test_entries_that_were_written_later_than_others_of_their_time_are_found(old):
    """Pulls are taken in late where a machine was down."""
    late = write("late")
    rows().filter(pk__in=late).update(at=OLD + timedelta(days=1))
    seal_all()
    assert purge(CUT, origin=ANNA) == 7
    assert targets() == ["new", "newer"]
