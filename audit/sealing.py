"""Seals the journal, so that `audit.verification` can tell whether it was touched afterwards.

A seal is an HMAC over a run of entries and the digest of the seal before it. Its key comes from SECRET_KEY: write
access to the database alone does not let anyone forge one. A purge, which has the key, seals anew what it leaves of a
stretch: `Seal.resealed` is an HMAC over the remaining entries, their number and the first digest, which stays in the
chain.
"""

import hashlib
import hmac
import json
import struct
from collections.abc import Iterator, Sequence
from datetime import UTC

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.encoding import force_bytes

from audit.consumers import hold
from audit.cursor import START
from audit.journal import read
from audit.models import Entry, Seal

CONSUMER = "audit.seal"
GENESIS = "0" * 64  # What stands for the digest before the first seal.

_MARK = struct.Struct(">q8s")  # Of one entry: its id and the beginning of its digest.


def seal(limit: int = 1000) -> int:
    """Seals the next settled entries, at most `limit`; the number of them, 0 when all are sealed."""
    with transaction.atomic():
        consumer = hold(CONSUMER)  # One sealer at a time. What is sealed, though, only the seals can say.
        before = Seal.objects.order_by("number").last()
        entries = read(before.last if before else START, limit)
        if entries:
            _append(before, entries)
            consumer.move(entries[-1].cursor)
        return len(entries)


def entry_digest(entry: Entry) -> bytes:
    """SHA-256 of all that an entry says. Its transaction number is left out: it changes when a dump is restored."""
    fields = [
        entry.id,
        entry.at.astimezone(UTC).isoformat(),
        *(entry.actor, entry.kind, entry.credential, entry.address, entry.user_agent, entry.request_id),
        *(entry.action, entry.project, entry.target, entry.before, entry.after, entry.result, entry.count),
    ]
    return hashlib.sha256(json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()).digest()


def outline(entries: Sequence[Entry], digests: Sequence[bytes]) -> bytes:
    """The mark of every entry, in order: not proof, but enough to tell later which entry was touched."""
    return b"".join(_MARK.pack(entry.id, digest[:8]) for entry, digest in zip(entries, digests, strict=True))


def marks(outline: bytes | memoryview) -> list[tuple[int, bytes]]:
    """The outline taken apart: id and shortened digest of each entry."""
    return list(_MARK.iter_unpack(outline[: len(outline) // _MARK.size * _MARK.size]))


def reseal(seal: Seal, entries: Sequence[Entry], purged: int) -> None:
    """Seals what a purge leaves of a stretch that was whole before; `purged` is how many entries go."""
    digests = [entry_digest(entry) for entry in entries]
    seal.purged += purged
    seal.outline = outline(entries, digests)
    seal.resealed = next(seal_digests(seal, digests))
    seal.save(update_fields=["purged", "outline", "resealed"])


def is_whole(seal: Seal, entries: Sequence[Entry]) -> bool:
    """Whether these entries are what was sealed, or what purges have left of it."""
    digests = [entry_digest(entry) for entry in entries]
    said = seal.resealed if seal.purged else seal.digest
    return any(hmac.compare_digest(said, digest) for digest in seal_digests(seal, digests))


def seal_digests(seal: Seal, digests: Sequence[bytes]) -> Iterator[str]:
    """The seal's digest over entries with these digests: under the current key, then under each key it replaced."""
    made_at = seal.made_at.astimezone(UTC).isoformat()
    fields = [seal.number, made_at, seal.first_id, seal.last_id, seal.count, seal.previous]
    head = json.dumps([*fields, seal.digest, seal.purged] if seal.purged else fields)
    body = hashlib.sha256(b"".join(digests)).digest() + hashlib.sha256(seal.outline).digest()
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        key = hmac.digest(force_bytes(secret), b"audit.seal", "sha256")
        yield hmac.digest(key, body + head.encode(), "sha256").hex()


def _append(before: Seal | None, entries: list[Entry]) -> None:
    digests = [entry_digest(entry) for entry in entries]
    first, last = entries[0].cursor, entries[-1].cursor
    seal = Seal(
        number=before.number + 1 if before else 1,
        made_at=timezone.now(),
        first_txid=first.txid,
        first_id=first.id,
        last_txid=last.txid,
        last_id=last.id,
        count=len(entries),
        outline=outline(entries, digests),
        previous=before.digest if before else GENESIS,
    )
    seal.digest = next(seal_digests(seal, digests))
    seal.save(force_insert=True)
