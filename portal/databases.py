"""Turns PORTOLAN_DATABASE_URL into Django's database settings."""

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

# Writers take the write lock when a transaction begins, so that two of them queue instead of failing half way.
SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-32768;",
}


def database_from_url(url: str) -> dict[str, Any]:
    """Settings for `sqlite:///path` or `postgresql://user:password@host[:port][,host…]/name?option=value`."""
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite" and rest.startswith("/"):
        return {
            "ENGINE": "portal.sqlite",
            "NAME": rest,
            "CONN_MAX_AGE": None,
            "OPTIONS": dict(SQLITE_OPTIONS),
        }
    if scheme in ("postgresql", "postgres"):
        return _postgresql(url)
    raise ImproperlyConfigured(
        f"PORTOLAN_DATABASE_URL begins with {scheme!r}: it takes sqlite:///path or postgresql://user:password@host/name."
    )


def _postgresql(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    credentials, _, hosts = parts.netloc.rpartition("@")
    user, _, password = credentials.partition(":")
    pairs = [host.rpartition(":") if _has_port(host) else (host, "", "5432") for host in hosts.split(",")]
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(user),
        "PASSWORD": unquote(password),
        # libpq takes several hosts and connects to the first that accepts writes.
        "HOST": ",".join(host.strip("[]") for host, _, _ in pairs),
        "PORT": ",".join(port for _, _, port in pairs),
        # Every thread keeps its connection, and the threads are counted; a broken one is noticed and replaced.
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "target_session_attrs": "read-write",
            "options": "-c jit=off",  # Compiling a query takes longer than any of ours runs.
            "connect_timeout": 5,
            **dict(parse_qsl(parts.query)),
        },
    }


def _has_port(host: str) -> bool:
    return ":" in host.rpartition("]")[2]
