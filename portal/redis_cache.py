"""Django's cache in the Redis that PORTOLAN_REDIS_URL names, through sentinels too: it keeps the sessions at hand."""

from typing import Any

import redis
from django.core.cache.backends.redis import RedisCache, RedisCacheClient

from registry.redis_client import connect


class Client(RedisCacheClient):
    """A client that goes where the rest of Portolan goes."""

    def get_client(self, key: str | None = None, *, write: bool = False) -> Any:  # noqa: ARG002 - Django's signature
        """The one client of this process; it keeps a pool of connections."""
        if not hasattr(self, "_shared"):
            self._shared = connect(redis)
        return self._shared


class Cache(RedisCache):
    """Django's Redis cache on that client."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = Client
