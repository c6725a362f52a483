"""Keeps the read-your-writes promise: a push acknowledged by any instance is what the next pull from any instance returns.

Each repository has a generation, raised in the transaction of every change. A cached answer carries the generation it
was read at and may be used only after a check that *begins after the request arrived*. How the check is made depends on
what the instances share:

- SQLite: `PRAGMA data_version` says in two microseconds whether anything was committed since the answer was last
  checked; if so, the repository's generation is read (two more). Neither ever waits for a writer.
- Redis: a key per repository holds a random token which `announce` replaces after the commit and before the
  acknowledgement. Checks of requests that arrive together share one MGET.
- Otherwise, and whenever Redis does not answer: the generation is read from the database, again one query for all
  requests that arrived together.

Redis may lose an announcement: it restarts with older data, a replica takes over, or the announcer alone cannot reach
it. So a token counts only for the connection it was first read on, and never for longer than `TRUST`; whoever fails to
announce a change acknowledges it only when that time is over.
"""

import asyncio
import logging
import secrets
import sqlite3
import threading
import time
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any, Protocol

import redis
import redis.asyncio
from django.conf import settings
from django.db import connection
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from registry import selectors
from registry.redis_client import connect

logger = logging.getLogger(__name__)

_PREFIX = "portolan:generation:"
_TTL = 24 * 3600  # Redis forgets repositories nobody touches; a forgotten one is read from the database again.
TRUST = 2.0  # Seconds for which a token is enough; then the database is asked again.
_RETRY_AFTER = 1.0  # Seconds for which Redis is left alone after it failed to answer.
# One more, at once: a connection that Redis closed while it was idle is noticed only when it is used.
_ATTEMPTS = 1
_CLIENT: dict[str, Any] = {"socket_timeout": 1, "socket_connect_timeout": 1}


class Cached(Protocol):
    """What a cached answer remembers of its freshness."""

    repository: str
    generation: int
    stamp: int | bytes | None  # What the last successful check saw; None before the first.
    checked_at: float


class Generations(Protocol):
    """Checks cached answers. One per process, used on its event loop."""

    def seen(self, answer: Cached) -> bool:
        """Whether the answer is known to be fresh without waiting."""

    async def confirm(self, answer: Cached) -> bool:
        """Whether the answer is still fresh; may wait for Redis or the database."""


class SqliteGenerations:
    """Asks SQLite itself, inline: reads in WAL mode never block."""

    def __init__(self, path: str) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._cursor = self._connection.cursor()

    def seen(self, answer: Cached) -> bool:
        """Checks the file's version, then if need be the repository's."""
        try:
            version = self._cursor.execute("PRAGMA data_version").fetchone()[0]
            if answer.stamp == version:
                return True
            query = "SELECT generation FROM registry_repository WHERE name = ?"
            row = self._cursor.execute(query, (answer.repository,)).fetchone()
        except sqlite3.Error:
            return False  # The way through the index meets the same trouble and reports it.
        if row is None or row[0] != answer.generation:
            return False
        answer.stamp = version
        return True

    async def confirm(self, answer: Cached) -> bool:
        """There is nothing more to ask."""
        return self.seen(answer)


class Batcher:
    """Joins the look-ups of requests that arrive while another look-up is under way into one."""

    def __init__(self, load: Callable[[list[str]], Awaitable[dict[str, int | bytes]]]) -> None:
        self._load = load
        self._waiting: dict[str, asyncio.Future[int | bytes | None]] = {}
        self._task: asyncio.Task[None] | None = None

    async def get(self, name: str) -> int | bytes | None:
        """The value of `name` as it is at some moment after this call."""
        future = self._waiting.get(name)
        if future is None:
            future = self._waiting[name] = asyncio.get_running_loop().create_future()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        return await asyncio.shield(future)

    async def _run(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, {}
            try:
                values = await self._load(list(batch))
            except Exception as error:  # noqa: BLE001 - every waiter gets it.
                for future in batch.values():
                    future.set_exception(error)
                    future.exception()  # Seen, even if every waiter has gone away.
            else:
                for name, future in batch.items():
                    future.set_result(values.get(name))


class DatabaseGenerations:
    """Asks the database for every batch of requests."""

    def __init__(self, run: Callable[..., Awaitable[dict[str, int]]]) -> None:
        async def load(names: list[str]) -> dict[str, int | bytes]:
            return dict(await run(selectors.generations, names))

        self._batcher = Batcher(load)

    def seen(self, answer: Cached) -> bool:  # noqa: ARG002
        """Nothing is known without asking."""
        return False

    async def confirm(self, answer: Cached) -> bool:
        """Compares with the row."""
        return await self._batcher.get(answer.repository) == answer.generation


class RedisGenerations:
    """Asks Redis for every batch of requests, and the database where Redis knows nothing or does not answer."""

    def __init__(self, database: DatabaseGenerations) -> None:
        self._redis = connect(
            redis.asyncio, retry=AsyncRetry(NoBackoff(), _ATTEMPTS), redis_connect_func=self._connected, **_CLIENT
        )
        self._connections = 0
        self._database = database
        self._batcher = Batcher(self._load)
        self._down_until = 0.0

    async def _connected(self, connection: Any) -> None:
        """A new connection may lead to a server that knows less than the one before."""
        self._connections += 1
        await connection.on_connect()

    async def _load(self, names: list[str]) -> dict[str, int | bytes]:
        """The tokens, each marked with the connection it came by."""
        keys = [_PREFIX + name for name in names]
        tokens = await self._redis.mget(keys)
        found: dict[str, Any] = {
            name: token or await self._renew(key) for name, key, token in zip(names, keys, tokens, strict=True)
        }
        return {name: b"%d:%b" % (self._connections, token) for name, token in found.items() if token}

    async def _renew(self, key: str) -> Any:
        """The token of a repository Redis had forgotten; of several instances that make one, the first wins."""
        await self._redis.set(key, secrets.token_bytes(12), ex=_TTL, nx=True)
        return await self._redis.get(key)

    def seen(self, answer: Cached) -> bool:  # noqa: ARG002
        """Nothing is known without asking."""
        return False

    async def confirm(self, answer: Cached) -> bool:
        """Compares with the token; a new one is believed after the database confirmed the generation."""
        now = time.monotonic()
        if now < self._down_until:
            return await self._database.confirm(answer)
        try:
            token = await self._batcher.get(answer.repository)
        except redis.RedisError:
            self._down_until = time.monotonic() + _RETRY_AFTER
            return await self._database.confirm(answer)
        if token is not None and token == answer.stamp and now - answer.checked_at < TRUST:
            return True
        if not await self._database.confirm(answer):
            return False
        answer.stamp, answer.checked_at = token, now
        return True


def for_process(run: Callable[..., Awaitable[dict[str, int]]]) -> Generations:
    """The checker that suits the configuration; `run` calls a function in a database thread."""
    if connection.vendor == "sqlite":
        return SqliteGenerations(str(settings.DATABASES["default"]["NAME"]))
    database = DatabaseGenerations(run)
    return RedisGenerations(database) if settings.REDIS_URL else database


class _Announcer:
    """This process's way to tell. Its threads share it."""

    def __init__(self) -> None:
        self._redis = connect(redis, retry=Retry(NoBackoff(), _ATTEMPTS), **_CLIENT)
        self._down_until = 0.0

    def tell(self, name: str) -> bool:
        """Replaces the token of a repository; False when Redis does not answer, which is not found out for each anew."""
        if time.monotonic() < self._down_until:
            return False
        try:
            self._redis.set(_PREFIX + name, secrets.token_bytes(12), ex=_TTL)
        except redis.RedisError as error:
            logger.warning("Redis does not answer, so changes are acknowledged %s s late: %s", TRUST, error)
            self._down_until = time.monotonic() + _RETRY_AFTER
            return False
        return True


_announcer = cache(_Announcer)
_unannounced = threading.local()


def announce(name: str) -> None:
    """Tells every instance that a repository has changed. Called after the commit and before the acknowledgement."""
    if settings.REDIS_URL and not _announcer().tell(name):
        _unannounced.until = time.monotonic() + TRUST


def acknowledgement_delay() -> float:
    """For how many seconds what this thread has just changed must not be acknowledged yet. Asking forgets it."""
    until: float = _unannounced.__dict__.pop("until", 0.0)
    return max(0.0, until - time.monotonic())
