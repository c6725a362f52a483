"""A journal restored from a dump into a new database, whose transaction numbers begin again."""

import pytest
from django.core.management import call_command
from django.db.models import F

from audit.consumers import advance, subscribe
from audit.models import Consumer, Entry, Seal
from audit.rebase import rebase
from audit.sealing import seal
from audit.verification import verify
from tests.audit.helpers import rows, write

pytestmark = pytest.mark.django_db(transaction=True)

FAR_AHEAD = 10**12


def restore() -> None:
    """Makes the journal one that a busier server has written."""
    rows().update(txid=F("txid") + FAR_AHEAD + F("id") % 2)
    Seal.objects.update(first_txid=F("first_txid") + FAR_AHEAD, last_txid=F("last_txid") + FAR_AHEAD + F("last_id") % 2)
    Consumer.objects.filter(txid__gte=0).update(txid=F("txid") + FAR_AHEAD + F("last_id") % 2)


def journal() -> list[str]:
    return list(Entry.objects.order_by("txid", "id").values_list("target", flat=True))


def test_a_restored_journal_keeps_its_order_and_consumers_go_on():
    write("a", "b", "c")
    subscribe("never ran")
    advance("mail", lambda _entries: None, limit=1)
    restore()
    before = journal()
    assert rebase()
    write("new")
    assert journal() == [*before, "new"]
    read: list[str] = []
    advance("mail", lambda entries: read.extend(entry.target for entry in entries))
    assert read[-1] == "new"
    everything: list[Entry] = []
    advance("never ran", everything.extend)
    assert [entry.target for entry in everything] == journal()


def test_seals_hold_after_rebasing():
    write("a")
    seal()
    restore()
    assert rebase()
    write("b")
    assert seal() == 1
    assert verify().broken is None


def test_a_journal_at_home_is_left_alone():
    write("a")
    numbers = list(Entry.objects.values_list("txid"))
    assert not rebase()
    assert list(Entry.objects.values_list("txid")) == numbers


def test_migrating_rebases_a_restored_journal():
    write("a")
    restore()
    call_command("migrate", verbosity=0)
    assert Entry.objects.get().txid < 0
