"""Hashing and verifying passwords: Argon2, in bounded number, with a short memory of what was verified.

Argon2 is slow by design. A build farm that sends Basic credentials with each request would stop the
service, so a verified password is remembered for a minute, under a keyed digest of the password and of the stored hash:
a changed password is a different entry, hence effective at once, and nothing in memory can be turned back into one.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Lock

from django.contrib.auth import hashers

from portal.accounts.models import User
from registry.ports import TooManyAttempts

REMEMBERED_SECONDS = 60
REMEMBERED_AT_MOST = 4096
WAIT_SECONDS = 10  # How long a login queues for its turn before it is told to come back.

# One at a time: more at once would only take the processor from those who are logged in.
_turn = BoundedSemaphore(1)
# A process has few threads: if all of them queued here, a flood of bad logins would stop everything else.
_line = BoundedSemaphore(12)


class VerifiedPasswords:
    """A bounded memory of verified passwords."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._expiry: dict[bytes, float] = {}
        self._lock = Lock()

    def _digest(self, user: User, password: str) -> bytes:
        stored = hashlib.sha256(user.password.encode()).digest()
        message = f"{user.pk}:".encode() + stored + password.encode(errors="surrogatepass")
        return hmac.digest(self._key, message, "sha256")

    def __contains__(self, login: tuple[User, str]) -> bool:
        return self._expiry.get(self._digest(*login), 0.0) > time.monotonic()

    def add(self, user: User, password: str) -> None:
        """Remembers that the password is the user's present one."""
        with self._lock:
            if len(self._expiry) >= REMEMBERED_AT_MOST:
                self._expiry.clear()
            self._expiry[self._digest(user, password)] = time.monotonic() + REMEMBERED_SECONDS

    def clear(self) -> None:
        """Forgets everything."""
        self._expiry.clear()


verified = VerifiedPasswords()


@contextmanager
def turn() -> Iterator[None]:
    """Waits for the right to run Argon2. Raises TooManyAttempts when the queue is too long."""
    if not _line.acquire(blocking=False):
        raise TooManyAttempts(retry_after=1)
    try:
        if not _turn.acquire(timeout=WAIT_SECONDS):
            raise TooManyAttempts(retry_after=WAIT_SECONDS)
        try:
            yield
        finally:
            _turn.release()
    finally:
        _line.release()


def matches(user: User | None, password: str) -> bool:
    """Whether the password is the user's; takes as long when there is no such user. Call it within `turn`."""
    if user is not None and (user, password) in verified:
        return True  # Whoever stood before us in the queue came with the same password.
    if user is None or not user.has_usable_password():
        hashers.make_password(password)
        return False
    if not hashers.check_password(password, user.password):
        return False
    verified.add(user, password)
    return True


def hashed(password: str) -> str:
    """What is kept of a new password. Raises TooManyAttempts when too many passwords are being worked on."""
    with turn():
        return hashers.make_password(password)


def is_password(user: User, password: str) -> bool:
    """Whether that is the user's present password. Raises TooManyAttempts like `hashed`."""
    with turn():
        return matches(user, password)
