"""A position in the journal."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """The position of one entry; journal order is the order of cursors.

    `txid` is the number of the writing transaction on PostgreSQL and 0 on SQLite, `id` the entry's primary key.
    """

    txid: int
    id: int

    def __str__(self) -> str:
        return f"{self.txid}.{self.id}"


# Below every entry, those of a restored database included: rebasing moves their transaction numbers below zero.
START = Cursor(-(2**63), 0)
