"""Slows down whoever guesses passwords, without shutting anybody else out.

Failures are counted per account and address, and per address as a whole (one password tried on many accounts). Each
count has a number of free failures, after which every further one doubles the wait, up to a limit. Nothing is counted
per account alone, so that a stranger elsewhere cannot lock the owner out; and an account that has logged in from an
address before is not held up by what its neighbours behind the same address do. The counts are rows, shared by all
instances; a login with good credentials costs one read, and one write a few times a week.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address

from django.db import transaction
from django.utils import timezone

from audit.journal import record
from audit.origin import Origin
from portal.accounts.models import LoginRecord
from portal.accounts.names import username_key
from registry.ports import TooManyAttempts

QUIET = timedelta(hours=1)  # After this long without a failure a count begins anew.
TRUST = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Limit:
    """`free` failures without a wait, then one second, doubling up to `longest` seconds."""

    free: int
    longest: int

    def wait(self, failures: int) -> timedelta:
        """How long to wait after so many failures."""
        excess = failures - self.free
        return timedelta(seconds=min(2 ** min(excess, 20), self.longest)) if excess >= 0 else timedelta(0)


PAIR = Limit(free=5, longest=300)
ADDRESS = Limit(free=50, longest=60)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One login: the account named, and the client's address."""

    account: str
    address: str

    @property
    def keys(self) -> tuple[str, str]:
        """The keys of the pair's record and of the address's record."""
        return _key("pair", username_key(self.account), network(self.address)), _key("address", network(self.address))


def network(address: str) -> str:
    """What counts as one address: an IPv6 client owns its whole /64."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, IPv6Address):
        return str(ip.ipv4_mapped or ip.exploded[:19])
    return str(ip)


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode(errors="replace")).hexdigest()


def check(attempt: Attempt) -> LoginRecord | None:
    """The pair's record, if there is one. Raises TooManyAttempts while the attempt has to wait."""
    pair_key, address_key = attempt.keys
    records = LoginRecord.objects.in_bulk([pair_key, address_key])
    now = timezone.now()
    pair, address = records.get(pair_key), records.get(address_key)
    trusted = pair is not None and pair.trusted_until is not None and pair.trusted_until > now
    for found in (pair, None if trusted else address):
        if found is not None and found.blocked_until is not None and found.blocked_until > now:
            raise TooManyAttempts(retry_after=int((found.blocked_until - now).total_seconds()) + 1)
    return pair


def succeeded(attempt: Attempt, before: LoginRecord | None) -> None:
    """Forgets the pair's failures and trusts the pair. `before` is what `check` returned."""
    now = timezone.now()
    trusted_until = before.trusted_until if before is not None and not before.failures else None
    if trusted_until is not None and trusted_until - now > TRUST / 2:
        return
    fresh = {"failures": 0, "blocked_until": None, "trusted_until": now + TRUST, "expires_at": now + TRUST}
    LoginRecord.objects.update_or_create(key=attempt.keys[0], defaults=fresh)


def failed(attempt: Attempt, origin: Origin, *, account: str) -> None:
    """Counts a failure, and journals it unless it is one of a flood.

    `account` is who was meant, empty for nobody: such a name stays out of the journal, as it may be a password in the
    wrong field.
    """
    now = timezone.now()
    _forget_expired(now)
    pair_key, address_key = attempt.keys
    with transaction.atomic():
        # Always in this order, so that two failures at once cannot wait for each other.
        pair, address = _count(pair_key, PAIR, now), _count(address_key, ADDRESS, now)
        if _notable(pair) and (address <= ADDRESS.free or _notable(address)):
            counts = {"failures": pair, "failures_of_address": address}
            target = account or "(unknown account)"
            record(origin, "user.login_failed", target=target, after=counts, result="failure")


def _forget_expired(now: datetime) -> None:
    """Removes old records, a few at a time, and leaves to others what they have locked."""
    with transaction.atomic():
        old = LoginRecord.objects.select_for_update(skip_locked=True).filter(expires_at__lt=now)[:100]
        LoginRecord.objects.filter(pk__in=[row.pk for row in old]).delete()


def _count(key: str, limit: Limit, now: datetime) -> int:
    row, _ = LoginRecord.objects.select_for_update().get_or_create(key=key, defaults={"expires_at": now + QUIET})
    if row.blocked_until is not None and row.blocked_until + QUIET < now:
        row.failures = 0
    row.failures += 1
    row.blocked_until = now + limit.wait(row.failures)
    row.expires_at = max(row.expires_at, row.blocked_until + QUIET)
    row.save()
    return row.failures


def _notable(count: int) -> bool:
    """True for powers of two: a flood leaves a logarithmic trace."""
    return count & (count - 1) == 0
