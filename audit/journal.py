"""Writing to the journal and reading it in order."""

from typing import Any, cast

from django.db import connection, models, transaction

from audit.cursor import START, Cursor
from audit.functions import Settled, beyond
from audit.models import Entry, EntryQuerySet
from audit.origin import Origin
from audit.sanitise import bounded_json, clean_json, clean_text

STATE_LIMIT = 64 * 1024
"""Characters of JSON in the state before a change, and in that after it: readers have a thousand entries in memory."""

_SIZES = {
    field.name: cast("int", field.max_length)
    for field in Entry._meta.get_fields()  # noqa: SLF001
    if isinstance(field, models.CharField)
}

# The database fills in the others: the id and the number of its transaction.
_FIELDS = [field for field in Entry._meta.concrete_fields if field.name not in ("id", "txid")]  # noqa: SLF001
_INSERT = (
    f"INSERT INTO {Entry._meta.db_table} ({', '.join(str(field.column) for field in _FIELDS)})"  # noqa: S608, SLF001
    f" VALUES ({', '.join(['%s'] * len(_FIELDS))})"
)


def record(
    origin: Origin,
    action: str,
    *,
    project: str = "",
    target: str = "",
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    result: str = "success",
) -> None:
    """Appends one entry to the journal in the caller's transaction, with a single INSERT.

    `action` is "noun.verb", as in "manifest.push"; `target` names what was acted on; `before` and `after` hold what
    changed. Text that does not fit its column is cut, and what is too large in a state is left out. Raises
    TransactionManagementError outside a transaction: an entry must appear exactly if the change it tells of does.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("A journal entry is written in the transaction of its change.")
    states = {"before": _state(before), "after": _state(after)}
    _insert(entry(origin, action, project=project, target=target, result=result, **states))


def _state(members: dict[str, Any] | None) -> dict[str, Any] | None:
    return members and bounded_json(members, STATE_LIMIT)


def _insert(written: Entry) -> None:
    """Inserts an entry in a third of the time that `save` takes: every push waits for this while it holds its locks."""
    values = [field.get_db_prep_save(getattr(written, field.attname), connection) for field in _FIELDS]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, values)


def entry(origin: Origin, action: str, *, project: str, target: str, result: str, **values: Any) -> Entry:
    """An unsaved entry whose every text fits its column. `values` are further fields of the entry."""
    texts = {
        "actor": origin.actor,
        "kind": origin.kind,
        "credential": origin.credential,
        "address": origin.address,
        "user_agent": origin.user_agent,
        "request_id": origin.request_id,
        "action": action,
        "project": project,
        "target": target,
        "result": result,
    }
    fitting = {name: clean_text(text, _SIZES[name]) for name, text in texts.items()}
    return Entry(**fitting, **{name: clean_json(value) for name, value in values.items()})


def settled() -> EntryQuerySet:
    """The entries that no later commit can precede any more, in journal order."""
    return Entry.objects.filter(Settled("txid")).order_by("txid", "id")


def read(cursor: Cursor, limit: int) -> list[Entry]:
    """The next settled entries after `cursor`, at most `limit`, in journal order."""
    return list(settled().filter(beyond(cursor))[:limit])


def head() -> Cursor:
    """The position of the last settled entry: where a reader begins who wants only what is to come."""
    last = settled().last()
    return last.cursor if last else START
