"""Connections to the Redis that PORTOLAN_REDIS_URL names, directly or through its sentinels."""

from types import ModuleType
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings

_SENTINEL_PORT = 26379


def connect(library: ModuleType, **options: Any) -> Any:
    """A client made by `library`, which is `redis` or `redis.asyncio`; nothing is contacted yet.

    `redis://…` and `rediss://…` go to that server, `sentinel://[:password@]host[:port][,host…]/master[/db]` to whichever
    server the sentinels say is master.
    """
    url = settings.REDIS_URL
    parts = urlsplit(url)
    if parts.scheme != "sentinel":
        return library.Redis.from_url(url, **options)
    credentials, _, hosts = parts.netloc.rpartition("@")
    password = unquote(credentials.rpartition(":")[2]) or None
    master, _, database = parts.path.strip("/").partition("/")
    pairs = [host.partition(":") for host in hosts.split(",")]
    sentinels = [(host, int(port or _SENTINEL_PORT)) for host, _, port in pairs]
    sentinel = library.sentinel.Sentinel(sentinels, **options)
    return sentinel.master_for(master, db=int(database or 0), password=password)
