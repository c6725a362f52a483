"""Secrets derived from SECRET_KEY, and the secrets of robots."""

import hmac
import secrets
import string

from django.conf import settings

from portal.accounts.names import PASSWORD_RULE

ALPHABET = string.ascii_letters + string.digits


def derived_key(purpose: str) -> bytes:
    """32 bytes for one purpose; every instance with the same SECRET_KEY derives the same."""
    return hmac.digest(settings.SECRET_KEY.encode(), f"portolan:{purpose}".encode(), "sha256")


def digest(secret: str) -> str:
    """What is kept of a robot's secret. Random secrets need no slow hash; the key makes the column useless alone."""
    return hmac.digest(derived_key("robot secret"), secret.encode(errors="surrogatepass"), "sha256").hex()


def new_secret() -> str:
    """32 random characters that also pass the rule for passwords."""
    while True:
        secret = "".join(secrets.choice(ALPHABET) for _ in range(32))
        if PASSWORD_RULE.fullmatch(secret):
            return secret
