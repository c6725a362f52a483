"""Places to which the journal is forwarded: real servers on loopback that keep what they take."""

import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

LENGTH = re.compile(rb"(\d+) ")


class Syslog:
    """A syslog receiver over TCP, or TLS with a certificate; `messages` are those it has taken, without their frames."""

    def __init__(self, certificate: Path | None = None, port: int = 0) -> None:
        self.messages: list[str] = []
        self._context: ssl.SSLContext | None = None
        if certificate:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(certificate)
        self._socket = socket.create_server(("127.0.0.1", port))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    def _serve(self) -> None:
        with suppress(OSError):  # The socket was closed.
            while True:
                self._take(self._socket.accept()[0])

    def _take(self, plain: socket.socket) -> None:
        with plain, suppress(ssl.SSLError, ConnectionError):
            line = self._context.wrap_socket(plain, server_side=True) if self._context else plain
            with line:
                received = b""
                while piece := line.recv(65536):
                    received += piece
                self.messages += unframed(received)


def unframed(received: bytes) -> list[str]:
    """The messages of a stream with octet counting."""
    messages = []
    while received:
        length = LENGTH.match(received)
        assert length, received
        end = length.end() + int(length[1])
        messages.append(received[length.end() : end].decode())
        received = received[end:]
    return messages


class Collector(ThreadingHTTPServer):
    """Takes JSON lines over HTTP; `status` is what it answers, `taken` what it answered well."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.status = 200
        self.taken: list[str] = []
        self.headers: dict[str, str] = {}


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.headers = dict(self.headers)
        if self.server.status == 200:
            self.server.taken += body.splitlines()
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Silence."""


@contextmanager
def collecting(port: int = 0) -> Iterator[Collector]:
    with Collector(port) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def silent(then: Callable[[socket.socket], object] = lambda _line: None) -> Iterator[int]:
    """The port of a server that accepts one connection, reads nothing, and does to it what `then` says."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with server.accept()[0] as line:
                then(line)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join()
