"""Moves a restored journal below the transaction numbers of the database it now lives in.

A dump carries the transaction numbers of the server it was taken from. A new server counts from the beginning, so that
old entries would look as if their transactions were still to come: readers would wait for years, and then skip what was
written since. Moving all of them below zero keeps their order and puts everything new after them.
"""

from django.db import transaction
from django.db.models import F, Max, Model, QuerySet

from audit.consumers import hold
from audit.cursor import START
from audit.functions import TransactionId
from audit.models import Consumer, Entry, Seal
from audit.sealing import CONSUMER


def rebase() -> bool:
    """Moves the journal if it is ahead of its database; whether it was. Must run before anything new is recorded.

    It writes every entry once. Seals stay valid: they do not cover transaction numbers.
    """
    ahead = Entry.objects.filter(txid__gt=TransactionId())
    if not ahead.exists():
        return False
    with transaction.atomic():
        hold(CONSUMER)  # One process at a time: the second finds nothing left to do.
        if not ahead.exists():
            return False
        shift = Entry.objects.aggregate(last=Max("txid"))["last"] + 1
        _shift(Entry, shift, "txid")
        _shift(Seal, shift, "first_txid", "last_txid")
        _shift(Consumer, shift, "txid")
        return True


def _shift(model: type[Model], shift: int, *fields: str) -> None:
    # A plain queryset, because that of entries refuses updates. A consumer that never ran stays where it is.
    rows: QuerySet[Model] = QuerySet(model).exclude(**{fields[0]: START.txid})
    rows.update(**{field: F(field) - shift for field in fields})
