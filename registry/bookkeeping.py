"""Transactions that need not reach the disk before they are acknowledged."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def bookkeeping() -> Iterator[None]:
    """A transaction whose loss in a power failure would cost a client a retry and nobody anything else.

    It survives the death of our processes like any other. What users are told is stored needs `transaction.atomic`.
    """
    relaxed = connection.vendor == "sqlite" and not connection.in_atomic_block
    if relaxed:
        _synchronous("NORMAL")
    try:
        with transaction.atomic():
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    cursor.execute("SET LOCAL synchronous_commit TO off")
            yield
    finally:
        if relaxed:
            _synchronous("FULL")


def _synchronous(level: str) -> None:
    """SQLite has no such setting for one transaction, only for a connection between two."""
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA synchronous={level}")
