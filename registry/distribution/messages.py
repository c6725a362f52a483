"""Requests and answers of the distribution API, over ASGI."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs

from audit.origin import Origin
from registry.distribution.client import Client
from registry.distribution.threads import in_transfer_thread
from registry.oci.errors import Code, OCIError
from registry.ports import Caller

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

# A client that sends nothing for this long is gone.
_IDLE_SECONDS = 60
_DRAIN_SECONDS = 5
_DRAINED_AT_ONCE = 256 * 1024
_QUERY_FIELDS = 256
_WITHOUT_BODY = (204, 304)  # Even a Content-Length of zero is wrong with these (RFC 9110, 8.6).


class ClientGone(Exception):
    """The client closed the connection, or stopped sending, before its request was whole."""


class Body:
    """A request's body, to be read once, in pieces of the reader's size."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._more = True
        self._parts: list[bytes] = []
        self._size = 0

    async def has(self, size: int) -> bool:
        """Waits for so many bytes that were not taken yet; False when the body ends before.

        Raises ClientGone when it does not arrive whole. Either way `take` has what arrived.
        """
        with _Patience() as patience:
            while self._more and self._size < size:
                message = await self._receive()
                patience.rewarded = True
                self._more = message.get("more_body", False)
                if message["type"] == "http.disconnect":
                    raise ClientGone
                if chunk := message.get("body"):
                    self._parts.append(chunk)
                    self._size += len(chunk)
        return self._size >= size

    def take(self) -> list[bytes]:
        """What arrived and was not taken yet, in the pieces it came in."""
        parts, self._parts, self._size = self._parts, [], 0
        return parts

    async def drain(self, limit: int) -> None:
        """Reads on, up to `limit` bytes and not for long, so that a client in the middle of sending sees its refusal."""
        with contextlib.suppress(ClientGone, TimeoutError):
            async with asyncio.timeout(_DRAIN_SECONDS):
                while limit > 0 and await self.has(_DRAINED_AT_ONCE):
                    limit -= sum(map(len, self.take()))


class _Patience:
    """Ends the wait for a client that sends nothing for a minute or two: the block then raises ClientGone.

    One timer serves many messages, since a timer for each would cost more than receiving it.
    """

    def __enter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._exhausted = False
        self._wait()
        return self

    def _wait(self) -> None:
        self.rewarded = False
        self._timer = self._loop.call_later(_IDLE_SECONDS, self._check)

    def _check(self) -> None:
        if self.rewarded:
            self._wait()
        elif self._task is not None:
            self._exhausted = True
            self._task.cancel()

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, _: TracebackType | None) -> None:
        self._timer.cancel()
        if self._exhausted and kind is asyncio.CancelledError and self._task is not None and not self._task.uncancel():
            raise ClientGone from value


@dataclass(slots=True)
class Request:
    """One call of an operation, after its caller was let in."""

    scope: Scope
    body: Body
    headers: dict[bytes, bytes]
    params: dict[str, str]
    query_fields: dict[str, list[str]]
    client: Client
    caller: Caller

    @property
    def origin(self) -> Origin:
        """The author of what this request changes."""
        return self.client.origin(self.caller)

    @property
    def query(self) -> dict[str, str]:
        """The query's fields; of a repeated one the first counts."""
        return {name: values[0] for name, values in self.query_fields.items()}

    def query_values(self, name: str) -> list[str]:
        """Every value of a repeated field."""
        return self.query_fields.get(name, [])

    @property
    def method(self) -> str:
        """The HTTP method."""
        return str(self.scope["method"])

    @property
    def name(self) -> str:
        """The repository's name."""
        return self.params["name"]

    def header(self, name: bytes) -> str:
        """A header's text; several of one name are joined with commas."""
        return self.headers.get(name, b"").decode("latin-1")

    @property
    def content_length(self) -> int | None:
        """The announced length of the body, None when it is chunked."""
        text = self.header(b"content-length")
        return int(text) if text.isdecimal() else None

    async def small_body(self, limit: int) -> bytes:
        """The whole body. Raises REQUEST_ENTITY_TOO_LARGE beyond `limit` bytes."""
        if (self.content_length or 0) > limit or await self.body.has(limit + 1):
            raise OCIError(Code.REQUEST_ENTITY_TOO_LARGE, f"the body may have {limit} bytes at most")
        return b"".join(self.body.take())


@dataclass(slots=True)
class Response:
    """An answer: a status, headers and at most one of the kinds of body."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    file: Path | None = None
    chunks: Iterator[bytes] | None = None

    @property
    def length(self) -> int | None:
        """Bytes of the body, as they are announced; None where they are not."""
        if "Content-Length" in self.headers:
            return int(self.headers["Content-Length"])
        has_body = self.status not in _WITHOUT_BODY and self.file is None and self.chunks is None
        return len(self.body) if has_body else None

    async def send(self, scope: Scope, send: Send) -> None:
        """Writes the answer out."""
        headers = [(name.lower().encode(), _header_value(value)) for name, value in self.headers.items()]
        if "Content-Length" not in self.headers and self.length is not None:
            headers.append((b"content-length", str(self.length).encode()))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        if self.file and scope["method"] != "HEAD":
            await send({"type": "http.response.pathsend", "path": str(self.file)})
        elif self.chunks and scope["method"] != "HEAD":
            await _send_chunks(self.chunks, send)
        else:
            await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else self.body})


async def _send_chunks(chunks: Iterator[bytes], send: Send) -> None:
    """Reads the next chunk while the client takes the one before."""
    following: asyncio.Future[bytes | None] = asyncio.ensure_future(in_transfer_thread(next, chunks, None))
    try:
        while (chunk := await following) is not None:
            following = asyncio.ensure_future(in_transfer_thread(next, chunks, None))
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        await asyncio.wait([following])
        close = getattr(chunks, "close", None)
        if close:
            await in_transfer_thread(close)


def _header_value(value: str) -> bytes:
    """A value on one line: whatever a client named must not begin a header of its own."""
    return value.replace("\r", "").replace("\n", "").encode("latin-1", "replace")


def parse_query(query_string: bytes) -> dict[str, list[str]]:
    """The query's fields. Raises REQUEST_INVALID, also for a NUL, which no database takes."""
    fields = None
    if b"%00" not in query_string and b"\0" not in query_string:
        with contextlib.suppress(ValueError):
            text = query_string.decode("ascii")
            fields = parse_qs(text, keep_blank_values=True, max_num_fields=_QUERY_FIELDS, errors="strict")
    if fields is None:
        raise OCIError(Code.REQUEST_INVALID, "the query string is not valid")
    return fields
