"""Keeps what targets are sent as Authorization encrypted in the database."""

import base64
import logging

from cryptography.fernet import Fernet, InvalidToken

from portal.access.secrets import derived_key

log = logging.getLogger(__name__)


def seal(secret: str) -> str:
    """The text, encrypted; an empty one stays empty."""
    return _box().encrypt(secret.encode()).decode() if secret else ""


def unseal(sealed: str) -> str:
    """The text again; empty if it was sealed with another PORTOLAN_SECRET_KEY."""
    try:
        return _box().decrypt(sealed).decode() if sealed else ""
    except InvalidToken:
        log.warning("a webhook's auth_header cannot be read with this PORTOLAN_SECRET_KEY: set it anew")
        return ""


def _box() -> Fernet:
    return Fernet(base64.urlsafe_b64encode(derived_key("webhook headers")))
