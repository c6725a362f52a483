"""Django's cache in the Redis that PORTOLAN_REDIS_URL names, through sentinels too: it keeps the sessions at hand."""

import json
from typing import Any

import redis
from django.core.cache.backends.redis import RedisCache, RedisCacheClient

from registry.redis_client import connect

_TIMEOUT = 1.0  # Seconds after which a session is looked for in the database instead.


class Json:
    """How values are written. Django's own way is pickle, by which whoever can write to Redis could run code here."""

    def dumps(self, obj: Any) -> bytes:
        """The value as text. Raises TypeError for what JSON does not have."""
        return json.dumps(obj).encode()

    def loads(self, data: Any) -> Any:
        """The value again. Raises ValueError."""
        return json.loads(data)


class Client(RedisCacheClient):
    """A client that goes where the rest of Portolan goes."""

    def __init__(self, servers: list[str], **options: Any) -> None:
        super().__init__(servers, serializer=Json, **options)

    def get_client(self, key: Any = None, *, write: bool = False) -> Any:  # noqa: ARG002 - Django's signature
        """The one client of this process; it keeps a pool of connections."""
        if not hasattr(self, "_shared"):
            self._shared = connect(redis, socket_timeout=_TIMEOUT, socket_connect_timeout=_TIMEOUT)
        return self._shared


class Cache(RedisCache):
    """Django's Redis cache on that client."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = Client
