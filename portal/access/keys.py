"""The keys that sign registry tokens: made on first use, kept encrypted, rotated without refusing anyone.

Each process holds the keys in memory and looks at the table again after a minute, or when a token names a key it does
not know. Hence a key that was rotated out signs for a minute more in some process, and verifies until the last token it
signed has expired.
"""

import base64
import hashlib
import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from threading import Lock
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from audit.journal import record
from audit.origin import SYSTEM, Origin
from portal.access.models import SigningKey
from portal.access.secrets import derived_key
from portal.configuration.services import value

log = logging.getLogger(__name__)

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey

KEPT = timedelta(days=1)  # How long a key verifies at least: `token_expiration` may have been lowered of late.
LEEWAY = timedelta(seconds=60)  # How far the clocks of two instances may be apart.
FRESH_SECONDS = 60
ASK_AGAIN_SECONDS = 1  # Tokens with invented key ids must not become a query each.

GENERATORS: dict[str, Callable[[], PrivateKey]] = {
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "RS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
}


@dataclass(frozen=True, slots=True)
class Key:
    """A key ready for use."""

    kid: str
    algorithm: str
    private: PrivateKey
    public: PublicKey
    signs: bool


class KeyRing:
    """This process's view of the keys."""

    def __init__(self) -> None:
        self._keys: dict[str, Key] = {}
        self._loaded_at = float("-inf")
        self._lock = Lock()

    def signing(self) -> Key:
        """The key that signs now; made if there is none. May block."""
        algorithm = token_algorithm()
        key = self._current(algorithm, FRESH_SECONDS)
        if key is None:
            ensure_key()
            key = self._current(algorithm, 0)
        if key is None:
            raise ImproperlyConfigured(
                "The key that signs registry tokens cannot be read with this PORTOLAN_SECRET_KEY: set the one it was "
                "made with, or make a new key with `manage.py bootstrap --new-signing-key`."
            )
        return key

    def verifying(self, kid: str) -> Key | None:
        """The key of that id. May block."""
        self._load(FRESH_SECONDS if kid in self._keys else ASK_AGAIN_SECONDS)
        return self._keys.get(kid)

    def forget(self) -> None:
        """Reads the table again at the next use."""
        with self._lock:
            self._keys, self._loaded_at = {}, float("-inf")

    def _current(self, algorithm: str, older_than: float) -> Key | None:
        self._load(older_than)
        return next((key for key in self._keys.values() if key.signs and key.algorithm == algorithm), None)

    def _load(self, older_than: float) -> None:
        """Reads the table unless that was done less than `older_than` seconds ago."""
        with self._lock:
            if time.monotonic() - self._loaded_at < older_than:
                return
            rows = SigningKey.objects.filter(Q(retires_at__isnull=True) | Q(retires_at__gt=timezone.now()))
            keys = [key for row in rows if (key := self._keys.get(row.kid) or _unseal(row)) is not None]
            signing = {row.kid for row in rows if row.retires_at is None}
            self._keys = {k.kid: Key(k.kid, k.algorithm, k.private, k.public, k.kid in signing) for k in keys}
            self._loaded_at = time.monotonic()


ring = KeyRing()


def token_algorithm() -> str:
    """ES256, unless the operator chose RS256 for the sake of old verifiers."""
    algorithm = settings.TOKEN_ALGORITHM
    if algorithm not in GENERATORS:
        raise ImproperlyConfigured(f"Tokens cannot be signed with {algorithm}: choose one of {', '.join(GENERATORS)}.")
    return algorithm


def ensure_key() -> None:
    """Makes a key if none signs with the chosen algorithm; of several instances that try at once, one succeeds."""
    algorithm = token_algorithm()
    if SigningKey.objects.filter(algorithm=algorithm, retires_at__isnull=True).exists():
        return
    try:
        with transaction.atomic():
            _create(algorithm, SYSTEM)
    except IntegrityError:
        log.info("another instance has just made the signing key")


@transaction.atomic
def rotate_keys(*, origin: Origin = SYSTEM) -> str:
    """Lets a new key sign from now on and returns its id; drops keys whose last token has expired."""
    now = timezone.now()
    # A process may sign with the old key until it looks at the table again.
    lifetime = max(KEPT, timedelta(minutes=value("token_expiration")))
    last_use = now + timedelta(seconds=FRESH_SECONDS) + lifetime + 2 * LEEWAY
    current = SigningKey.objects.select_for_update().filter(retires_at__isnull=True)
    for row in current.order_by("kid"):
        row.retires_at = last_use
        row.save(update_fields=["retires_at"])
    SigningKey.objects.filter(retires_at__lt=now).delete()
    kid = _create(token_algorithm(), origin)
    transaction.on_commit(ring.forget)
    return kid


def _create(algorithm: str, origin: Origin) -> str:
    private = GENERATORS[algorithm]()
    sealed = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(derived_key("signing keys").hex().encode()),
    )
    kid = thumbprint(private.public_key())
    SigningKey.objects.create(kid=kid, algorithm=algorithm, private_key=sealed.decode())
    record(origin, "signingkey.create", target=kid, after={"algorithm": algorithm})
    return kid


def _unseal(row: SigningKey) -> Key | None:
    try:
        passphrase = derived_key("signing keys").hex().encode()
        private: Any = serialization.load_pem_private_key(row.private_key.encode(), passphrase)
    except ValueError as error:
        log.warning("signing key %s cannot be read with this PORTOLAN_SECRET_KEY: %s", row.kid, error)
        return None
    return Key(row.kid, row.algorithm, private, private.public_key(), signs=row.retires_at is None)


def thumbprint(public: PublicKey) -> str:
    """The key's id by RFC 7638: the digest of its required members in canonical JSON."""
    if isinstance(public, rsa.RSAPublicKey):
        members = RSAAlgorithm.to_jwk(public, as_dict=True)
    else:
        members = ECAlgorithm.to_jwk(public, as_dict=True)
    required = {name: members[name] for name in ("crv", "e", "kty", "n", "x", "y") if name in members}
    canonical = json.dumps(required, sort_keys=True, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()
