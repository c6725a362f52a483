"""Runs blocking work (database, storage) off the event loop, in a bounded number of threads."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, ParamSpec, TypeVar

from django.db import close_old_connections

from registry import generations

P = ParamSpec("P")
T = TypeVar("T")

# Each thread keeps one database connection, so this also bounds the connections of a process.
_database = ThreadPoolExecutor(max_workers=8, thread_name_prefix="database")
# Passwords take their time: waiting for one must not keep those who are known from the index. These threads are more
# than the authorizer lets wait for a password, so that others whose password it remembers are let in meanwhile.
_login = ThreadPoolExecutor(max_workers=16, thread_name_prefix="login")
# Bytes move in threads of their own: a slow disk must not keep requests from the index.
_transfer = ThreadPoolExecutor(max_workers=16, thread_name_prefix="transfer")


async def in_database_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Calls a function that uses the database. Returns once what it changed may be acknowledged."""
    run = asyncio.get_running_loop().run_in_executor
    result, delay = await run(_database, copy_context().run, _acknowledged, function, args, kwargs)
    if delay:  # Waited for here, because a thread that waits would keep others from the database.
        await asyncio.sleep(delay)
    return result


async def in_login_thread(function: Callable[[], T]) -> T:
    """Calls a function that checks credentials."""
    run = asyncio.get_running_loop().run_in_executor
    return await run(_login, copy_context().run, _with_fresh_connection, function, (), {})


async def in_transfer_thread(function: Callable[..., T], *args: Any) -> T:
    """Calls a function that moves bytes and does not touch the database."""
    return await asyncio.get_running_loop().run_in_executor(_transfer, function, *args)


def _acknowledged(function: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[T, float]:
    return _with_fresh_connection(function, args, kwargs), generations.acknowledgement_delay()


def _with_fresh_connection(function: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
    """Django drops a connection that broke, or that the server closed, only where a request begins and ends."""
    close_old_connections()
    try:
        return function(*args, **kwargs)
    finally:
        close_old_connections()
