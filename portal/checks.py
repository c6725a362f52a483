"""System checks of what the operator set: `manage.py check`, and `serve` before it starts anything.

Each finding has an id of its own and says what to do.
"""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured

from portal.access.keys import GENERATORS
from registry.store import store


@register
def check_external_url(**_: Any) -> list[CheckMessage]:
    """PORTOLAN_EXTERNAL_URL is an address."""
    parts = urlsplit(settings.EXTERNAL_URL)
    if parts.scheme in ("http", "https") and parts.netloc and not parts.path:
        return []
    message = f"PORTOLAN_EXTERNAL_URL is {settings.EXTERNAL_URL!r}."
    return [Error(message, hint="It takes what clients call us, as in https://registry.example.com.", id="portal.E001")]


@register
def check_tls(**_: Any) -> list[CheckMessage]:
    """The certificate and its key come together, as files we can read."""
    files = {"PORTOLAN_TLS_CERT": settings.TLS_CERT, "PORTOLAN_TLS_KEY": settings.TLS_KEY}
    if not any(files.values()):
        return []
    return [
        Error(f"{name} names no file that can be read.", hint="Set both, to PEM files.", id="portal.E002")
        for name, path in files.items()
        if not _readable(path)
    ]


@register
def check_storage_url(**_: Any) -> list[CheckMessage]:
    """PORTOLAN_STORAGE_URL names a driver."""
    try:
        store()
    except ImproperlyConfigured as error:
        return [Error(str(error), hint="Correct PORTOLAN_STORAGE_URL.", id="portal.E003")]
    return []


@register
def check_token_algorithm(**_: Any) -> list[CheckMessage]:
    """PORTOLAN_TOKEN_ALGORITHM is one that clients know."""
    if settings.TOKEN_ALGORITHM in GENERATORS:
        return []
    message = f"PORTOLAN_TOKEN_ALGORITHM is {settings.TOKEN_ALGORITHM!r}."
    return [Error(message, hint=f"It takes {' or '.join(GENERATORS)}.", id="portal.E004")]


def _readable(path: str) -> bool:
    try:
        with Path(path).open("rb"):
            return True
    except OSError:
        return False
