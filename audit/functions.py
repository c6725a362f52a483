"""The database's own notions that journal order rests on, as Django expressions.

PostgreSQL hands out ids before commit, so an entry with a lower id may appear later. Its transaction numbers tell when
that can no longer happen: below the oldest transaction still running, everything has committed or never will. SQLite
lets one transaction write at a time, so there the ids alone are in commit order and the transaction number is always 0.
"""

from typing import Any

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BigIntegerField, BooleanField, F, Func, Q, Value
from django.db.models.sql.compiler import SQLCompiler

from audit.cursor import Cursor


class TransactionId(Func):
    """The number of the current top-level transaction; 0 on SQLite."""

    template = "0"
    output_field = BigIntegerField()

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Any:
        """xid8 converts to a number only by way of text."""
        return self.as_sql(compiler, connection, template="(pg_current_xact_id()::text::bigint)", **context)


class Settled(Func):
    """A condition on entries: no later commit can precede them any more.

    The oldest running transaction is that of the statement's own snapshot, and what lies below it is visible in that
    snapshot; so the condition holds only for rows that the very same statement returns.
    Long transactions hold readers up, those in other databases of the same server too.
    """

    template = "1"  # No mention of txid here: SQLite would search by it, and then walk the whole journal.
    output_field = BooleanField()

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Any:
        """The entry's transaction is older than every one still running."""
        template = "%(expressions)s < (pg_snapshot_xmin(pg_current_snapshot())::text::bigint)"
        return self.as_sql(compiler, connection, template=template, **context)


def beyond(cursor: Cursor) -> Func | Q:
    """A condition on entries: they come after the cursor in the journal. One search of the (txid, id) index."""
    if connection.vendor == "sqlite" and cursor.txid == 0:
        # SQLite searches only by txid in the row comparison below, and walks every entry of that transaction, which
        # are all of them. No entry stands above transaction 0 there, so this says the same.
        return Q(txid=0, id__gt=cursor.id)
    ours = Func(F("txid"), F("id"), template="(%(expressions)s)", output_field=BigIntegerField())
    theirs = Func(Value(cursor.txid), Value(cursor.id), template="(%(expressions)s)", output_field=BigIntegerField())
    return Func(ours, theirs, template="%(expressions)s", arg_joiner=" > ", output_field=BooleanField())
