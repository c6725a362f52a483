"""System checks of what the operator set: `manage.py check`, and `serve` before it starts anything.

Each finding has an id of its own and says what to do.
"""

import ssl
import stat
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004 - Django's name for it.
from django.core.exceptions import ImproperlyConfigured

from portal.access.keys import GENERATORS
from portal.observability import access, logs
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
    unreadable: list[CheckMessage] = [
        Error(f"{name} names no file that can be read.", hint="Set both, to PEM files.", id="portal.E002")
        for name, path in files.items()
        if not _readable(path)
    ]
    return unreadable or _check_pair()


def _check_pair() -> list[CheckMessage]:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(settings.TLS_CERT, settings.TLS_KEY, password="")
    except (ssl.SSLError, ValueError) as error:
        message = f"PORTOLAN_TLS_CERT and PORTOLAN_TLS_KEY cannot be used together: {error}."
        return [Error(message, hint="Take a certificate and its own key, which has no password.", id="portal.E007")]
    return []


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


@register
def check_words(**_: Any) -> list[CheckMessage]:
    """Variables that take one of a few words have one."""
    words = {
        "PORTOLAN_LOG_FORMAT": (settings.LOG_FORMAT, ("", *logs.FORMATS), "portal.E005"),
        "PORTOLAN_ACCESS_LOG": (settings.ACCESS_LOG, access.CHOICES, "portal.E006"),
    }
    return [
        Error(f"{name} is {value!r}.", hint=f"It takes {' or '.join(filter(None, choices))}.", id=finding)
        for name, (value, choices, finding) in words.items()
        if value not in choices
    ]


@register(deploy=True)
def check_transport(**_: Any) -> list[CheckMessage]:
    """Passwords travel encrypted, and where a proxy does that, we know whom it speaks for."""
    if settings.EXTERNAL_URL.startswith("http:"):
        message = "PORTOLAN_EXTERNAL_URL begins with http: passwords travel where everybody can read them."
        return [Warning(message, hint="Serve HTTPS, or put a proxy in front that does.", id="portal.W001")]
    if not settings.TLS_CERT and not settings.TRUSTED_PROXIES:
        message = "A proxy ends TLS, and PORTOLAN_TRUSTED_PROXIES does not name it: all clients seem to be the proxy."
        return [Warning(message, hint="Name the proxy's address, or set PORTOLAN_TLS_CERT.", id="portal.W002")]
    return []


@register(deploy=True)
def check_networks(**_: Any) -> list[CheckMessage]:
    """Nothing that is meant for a few is open to all."""
    networks = {
        "PORTOLAN_TRUSTED_PROXIES": (
            settings.TRUSTED_PROXIES,
            "anybody may say on whose behalf they call",
            "portal.W003",
        ),
        "PORTOLAN_METRICS": (
            settings.METRICS_NETWORKS,
            "anybody may read the metrics, names of projects among them",
            "portal.W004",
        ),
    }
    return [
        Warning(f"{name} takes in the whole Internet: {meaning}.", hint="Name your own networks.", id=finding)
        for name, (chosen, meaning, finding) in networks.items()
        if any(network.prefixlen == 0 for network in chosen)
    ]


@register(deploy=True)
def check_data_dir(**_: Any) -> list[CheckMessage]:
    """The data directory, which holds keys, is its owner's alone."""
    if settings.DATA_DIR.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        message = f"Others than its owner may use {settings.DATA_DIR}, where keys are kept."
        return [Warning(message, hint=f"chmod 700 {settings.DATA_DIR}", id="portal.W005")]
    return []


@register(deploy=True)
def check_shared(**_: Any) -> list[CheckMessage]:
    """What is set up for several instances is shared by them in every part."""
    if settings.REDIS_URL and "sqlite" in settings.DATABASES["default"]["ENGINE"]:
        message = "PORTOLAN_REDIS_URL is set, as for several instances, but SQLite serves one machine only."
        return [Warning(message, hint="Set PORTOLAN_DATABASE_URL to a PostgreSQL database.", id="portal.W006")]
    return []


def _readable(path: str) -> bool:
    try:
        with Path(path).open("rb"):
            return True
    except OSError:
        return False
