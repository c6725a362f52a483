"""What holds between the server and Django: no client keeps a thread, and nothing of a request or an answer is lost."""

import asyncio
import json

import pytest
from asgiref.sync import async_to_sync
from django.http import HttpResponse, StreamingHttpResponse

from portal import bridge
from registry.distribution import messages

SCOPE = {
    "type": "http",
    "http_version": "1.1",
    "method": "POST",
    "path": "/c/login",
    "query_string": b"",
    "headers": [(b"host", b"registry.example"), (b"content-length", b"10")],
    "client": ("127.0.0.1", 50000),
}


class Asking:
    """A client: what it sends, and what it was sent. `reads` tells after how many messages it stops to read."""

    def __init__(self, *sent, reads=1000):
        self.messages = []
        self.stopped = asyncio.Event()
        self.left = asyncio.Event()
        self._sent = list(sent)
        self._reads = reads

    async def receive(self):
        if not self._sent:
            await self.left.wait()
            return {"type": "http.disconnect"}
        body = self._sent.pop(0)
        return {"type": "http.request", "body": body, "more_body": bool(self._sent) or not body}

    async def send(self, message):
        if len(self.messages) >= self._reads:
            self.stopped.set()
            await asyncio.Event().wait()
        self.messages.append(message)

    @property
    def status(self):
        return self.messages[0]["status"]

    @property
    def body(self):
        return b"".join(message["body"] for message in self.messages[1:])


def echo(environ, _start_response):
    """A handler that answers with the body it was sent."""
    return HttpResponse(environ["wsgi.input"].read())


def ask(client, handler=echo):
    """One request to a site of this handler."""

    async def call():
        await bridge.Site(handler)(SCOPE, client.receive, client.send)

    async_to_sync(call)()
    return client


def test_a_body_arrives_whole():
    assert ask(Asking(b"01234", b"56789")).body == b"0123456789"


def test_a_large_body_is_refused(settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 30_000
    assert ask(Asking(b"x" * 20_000, b"x" * 10_000)).status == 200
    client = ask(Asking(b"x" * 20_000, b"x" * 10_001))
    assert client.status == 413
    assert json.loads(client.body)["errors"][0]["code"] == "REQUEST_ENTITY_TOO_LARGE"


def test_a_client_that_falls_silent_is_cut_off_and_holds_no_thread(monkeypatch):
    monkeypatch.setattr(messages, "_IDLE_SECONDS", 0.01)
    client = ask(Asking(b"01234", b""), handler=None)
    assert client.status == 408
    assert dict(client.messages[0]["headers"])[b"x-request-id"]


def test_a_client_that_sends_a_byte_now_and_then_is_cut_off(monkeypatch):
    monkeypatch.setattr(bridge, "_BODY_SECONDS", 0.01)
    assert ask(Asking(b"01234", b""), handler=None).status == 408


def test_a_long_answer_arrives_whole_and_is_closed():
    lines = [str(number).encode() * 1000 for number in range(100)]
    closed = []

    def handler(_environ, _start_response):
        response = StreamingHttpResponse(lines)
        response._resource_closers.append(lambda: closed.append(True))
        return response

    assert ask(Asking(b"0123456789"), handler).body == b"".join(lines)
    assert closed


def test_clients_that_do_not_read_keep_nobody_waiting():
    def handler(environ, _start_response):
        return (
            StreamingHttpResponse(b"x" * 100_000 for _ in range(100))
            if "endless" in str(environ["PATH_INFO"])
            else HttpResponse()
        )

    async def call():
        site = bridge.Site(handler)
        silent = [Asking(b"0123456789", reads=2) for _ in range(bridge._THREADS * 2)]
        endless = [asyncio.ensure_future(site({**SCOPE, "path": "/endless"}, c.receive, c.send)) for c in silent]
        await asyncio.gather(*(client.stopped.wait() for client in silent))
        reader = Asking(b"0123456789")
        await site(SCOPE, reader.receive, reader.send)
        for each in endless:
            each.cancel()
        await asyncio.wait(endless)
        return reader

    assert async_to_sync(call)().status == 200


def test_nothing_more_is_made_for_a_client_that_left():
    client, made = Asking(b"0123456789"), []

    def endless():
        while True:
            made.append(b"x" * 100_000)
            yield made[-1]
            client.left.set()

    ask(client, lambda *_: StreamingHttpResponse(endless()))
    assert len(made) < 10


def test_a_client_that_does_not_read_is_cut_off(monkeypatch):
    monkeypatch.setattr(bridge, "_PIECE_SECONDS", 0.01)
    with pytest.raises(TimeoutError):
        ask(Asking(b"0123456789", reads=2), lambda *_: StreamingHttpResponse(b"x" * 100_000 for _ in range(100)))
