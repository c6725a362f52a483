"""A client that calls an ASGI application in this process: no sockets, bodies in any chunking, and hanging up at will."""

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

Application = Any
HANG_UP = None
"""In a body: here the client closes the connection."""


@dataclass
class Answer:
    """What came back. `status` is 0 when the application let the connection go without answering."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    sent_as_file: bool = False

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def errors(self) -> list[dict[str, Any]]:
        """The envelope's errors; fails unless the body is exactly an envelope."""
        document = self.json
        assert self.headers["content-type"] == "application/json"
        assert set(document) == {"errors"}
        for error in document["errors"]:
            assert {"code", "message"} <= set(error) <= {"code", "message", "detail"}
        return list(document["errors"])

    @property
    def code(self) -> str:
        """The one error's code."""
        (error,) = self.errors
        return str(error["code"])

    @property
    def location(self) -> str:
        return self.headers["location"]


class Client:
    """One client of an application; `headers` go with every request."""

    def __init__(
        self,
        app: Application,
        loop: asyncio.AbstractEventLoop,
        *,
        headers: Mapping[str, str] | None = None,
        address: str = "192.0.2.7",
        sends_files: bool = False,
    ) -> None:
        self.app = app
        self._loop = loop
        self._headers = dict(headers or {})
        self._address = address
        self._extensions: dict[str, Any] = {"http.response.pathsend": {}} if sends_files else {}

    def request(self, method: str, url: str, **options: Any) -> Answer:
        """One request; see `exchange`."""
        return self._loop.run_until_complete(self.exchange(method, url, **options))

    def get(self, url: str, **headers: str) -> Answer:
        return self.request("GET", url, headers=headers)

    def head(self, url: str, **headers: str) -> Answer:
        return self.request("HEAD", url, headers=headers)

    def post(self, url: str, body: Any = b"", **headers: str) -> Answer:
        return self.request("POST", url, body=body, headers=headers)

    def put(self, url: str, body: Any = b"", **headers: str) -> Answer:
        return self.request("PUT", url, body=body, headers=headers)

    def patch(self, url: str, body: Any = b"", **headers: str) -> Answer:
        return self.request("PATCH", url, body=body, headers=headers)

    def delete(self, url: str, **headers: str) -> Answer:
        return self.request("DELETE", url, headers=headers)

    def together(self, *requests: tuple[Any, ...]) -> list[Answer]:
        """Several requests (method, url, body) that are under way at the same time."""

        async def all_of_them() -> list[Answer]:
            return await asyncio.gather(*(self.exchange(method, url, body=body) for method, url, body in requests))

        return self._loop.run_until_complete(all_of_them())

    async def exchange(
        self,
        method: str,
        url: str,
        *,
        body: bytes | Iterable[Any] = b"",
        headers: Mapping[str, str | bytes] | None = None,
    ) -> Answer:
        """One request. A `body` of bytes has a Content-Length, any other iterable is sent chunked.

        An iterable's items are bytes, HANG_UP, or an awaitable, which is waited for before the rest is sent. Header
        names are written with underscores.
        """
        answer = Answer()
        pieces = iter([body] if isinstance(body, bytes) else body)
        await self.app(self._scope(method, url, body, headers or {}), _receiver(pieces), _sender(answer))
        return answer

    def _scope(self, method: str, url: str, body: Any, headers: Mapping[str, str | bytes]) -> dict[str, Any]:
        path, _, query = url.partition("?")
        length = {"content-length": str(len(body))} if isinstance(body, bytes) and body else {}
        fields = {"host": "registry.example", **length, **self._headers, **headers}
        return {
            "type": "http",
            "method": method,
            "path": unquote(path),
            "query_string": query.encode("latin-1"),
            "headers": [(name.replace("_", "-").lower().encode(), _bytes(value)) for name, value in fields.items()],
            "client": (self._address, 50000),
            "extensions": self._extensions,
        }


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("latin-1")


def _receiver(pieces: Any) -> Any:
    async def receive() -> dict[str, Any]:
        for piece in pieces:
            if piece is HANG_UP:
                return {"type": "http.disconnect"}
            if isinstance(piece, bytes):
                return {"type": "http.request", "body": piece, "more_body": True}
            await piece
        return {"type": "http.request", "body": b"", "more_body": False}

    return receive


def _content(path: str) -> bytes:
    return Path(path).read_bytes()


def _sender(answer: Answer) -> Any:
    ended = False

    async def send(message: dict[str, Any]) -> None:
        nonlocal ended
        assert not ended, "a message after the last one"
        if message["type"] == "http.response.start":
            assert not answer.status, "a second answer"
            answer.status = message["status"]
            for name, value in message["headers"]:
                text = name.decode("ascii")
                assert text == text.lower()
                assert text not in answer.headers, f"{text} appears twice"
                assert b"\r" not in value
                assert b"\n" not in value
                answer.headers[text] = value.decode("latin-1")
        elif message["type"] == "http.response.pathsend":
            answer.body, answer.sent_as_file, ended = _content(message["path"]), True, True
        else:
            answer.body += message.get("body", b"")
            ended = not message.get("more_body", False)

    return send
