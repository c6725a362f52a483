"""Django's WSGI handler behind ASGI, so that no client holds one of its threads.

A body is received on the event loop before a thread sees the request, and what is streamed leaves its thread piece by
piece: a client that is slow to send or to read keeps nobody waiting, and one that does neither is cut off.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from contextvars import copy_context
from io import BytesIO
from typing import Any, TypeVar, cast

from a2wsgi.wsgi import build_environ
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http.response import HttpResponse, HttpResponseBase

from portal.errors import Code, error_response
from registry.distribution.client import client_of
from registry.distribution.messages import Body, ClientGone, Receive, Scope, Send

T = TypeVar("T")

_THREADS = 16  # More than logins may queue in (portal.accounts.passwords), so that others are served meanwhile.
_SMALL = 16 * 1024  # Larger bodies are received a few at a time: one for each connection would fill the memory.
_BODY_SECONDS = 120  # For all of a body. Body itself gives up a client that sends nothing.
_DRAIN_LIMIT = 4 * 1024 * 1024  # Bytes of a refused body that are read, so that the client sees the answer.
_PIECE = 64 * 1024  # Bytes of a streamed answer that a client is handed at once,
_PIECE_SECONDS = 60  # and how long it may take for them.


class _TooLarge(Exception):
    """The body is larger than Django may take."""


class Site:
    """An ASGI application that has a Django handler answer in threads."""

    def __init__(self, handler: WSGIHandler) -> None:
        self._handler = handler
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="site")
        self._large_bodies = asyncio.Semaphore(_THREADS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        body = Body(receive)
        try:
            response = await self._answered(scope, body)
        except _TooLarge:
            await body.drain(_DRAIN_LIMIT)
            response = _refusal(scope, Code.REQUEST_ENTITY_TOO_LARGE, "The body is too large.")
        except ClientGone:
            response = _refusal(scope, Code.REQUEST_TIMEOUT, "The body did not arrive in time.")
        await send({"type": "http.response.start", "status": response.status_code, "headers": _headers(response)})
        if isinstance(response, HttpResponse):
            await send({"type": "http.response.body", "body": response.content})
        else:
            await self._stream(response, receive, send)

    async def _answered(self, scope: Scope, body: Body) -> HttpResponseBase:
        is_large = await _has_more(body, _SMALL)
        async with self._large_bodies if is_large else nullcontext():
            if is_large and await _has_more(body, settings.DATA_UPLOAD_MAX_MEMORY_SIZE):
                raise _TooLarge
            content: Any = BytesIO(b"".join(body.take()))  # The library's type is one of its own.
            environ: Any = build_environ(cast("Any", scope), content)
            return await self._in_thread(self._handle, environ)

    def _handle(self, environ: dict[str, Any]) -> HttpResponseBase:
        response = self._handler(environ, cast("Any", lambda *_: None))  # The response itself knows status and headers.
        if not response.streaming:
            response.close()
        return response

    async def _stream(self, response: HttpResponseBase, receive: Receive, send: Send) -> None:
        pieces = _evenly(response)
        farewell = asyncio.ensure_future(receive())  # The body is here: all that can come is that the client leaves.
        try:
            while not farewell.done() and (piece := await self._in_thread(next, pieces, b"")):
                async with asyncio.timeout(_PIECE_SECONDS):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            farewell.cancel()
            await self._in_thread(response.close)

    async def _in_thread(self, function: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, copy_context().run, function, *args)


async def _has_more(body: Body, size: int) -> bool:
    """Whether the body is larger than `size`, after waiting for as much of it. Raises ClientGone."""
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            return await body.has(size + 1)
    except TimeoutError:
        raise ClientGone from None


def _evenly(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks in pieces of one size."""
    held = bytearray()
    for chunk in chunks:
        held += chunk
        while len(held) >= _PIECE:
            yield bytes(held[:_PIECE])
            del held[:_PIECE]
    if held:
        yield bytes(held)


def _refusal(scope: Scope, code: Code, message: str) -> HttpResponseBase:
    request_id = client_of(scope, dict(scope["headers"])).request_id
    return error_response(code, message, headers={"X-Request-Id": request_id})


def _headers(response: HttpResponseBase) -> list[tuple[bytes, bytes]]:
    cookies = [("Set-Cookie", cookie.output(header="")) for cookie in response.cookies.values()]
    return [(name.lower().encode(), value.strip().encode("latin-1")) for name, value in [*response.items(), *cookies]]
