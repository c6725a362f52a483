"""Sends one POST to an address that somebody configured: a webhook's target, a collector of the journal.

The address may well be one of the house, so no network is closed to it. But nothing more than a POST goes there: no
redirect is followed, no proxy of the environment used, nothing of the answer kept but its status, and all of it has to
be over after a few seconds, however slowly the other side talks.
"""

import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import ExitStack, closing, contextmanager, suppress
from http.client import HTTP_PORT, HTTPS_PORT, HTTPConnection, HTTPException, HTTPSConnection
from threading import Thread, Timer
from typing import Any
from urllib.parse import urlsplit

PATIENCE = 3.0  # Seconds for a connection, and for each sign of life,
DEADLINE = 10.0  # and for everything together.
_MOST_ADDRESSES = 3  # Of a host that are tried.


class Undelivered(ConnectionError):
    """The other side did not take it. The message says why, and nothing secret of the address."""


def post(address: str, headers: Mapping[str, str], content: bytes, *, verify: bool = True) -> int:
    """POSTs the content; the status of the answer. Raises Undelivered when there is none or it is not a success.

    verify: whether an https address has to prove itself by a certificate that this machine trusts.
    """
    parts = urlsplit(address)
    host, path = parts.hostname or "", (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    secure = parts.scheme == "https"
    try:
        port = parts.port or (HTTPS_PORT if secure else HTTP_PORT)
        connection = HTTPSConnection(host, port) if secure else HTTPConnection(host, port)
        with line_to(host, port, patience=PATIENCE, deadline=DEADLINE) as plain, closing(connection):
            connection.sock = _context(verify=verify).wrap_socket(plain, server_hostname=host) if secure else plain
            connection.request("POST", path, content, dict(headers))
            status = connection.getresponse().status
    except (OSError, HTTPException, UnicodeError) as error:  # The last for hosts that no name server takes.
        raise Undelivered(f"{parts.hostname}: {reason(error)}") from error
    if not 200 <= status < 300:  # noqa: PLR2004 - the range of successes
        raise Undelivered(f"{parts.hostname} answered {status}")
    return status


@contextmanager
def line_to(host: str, port: int, *, patience: float, deadline: float) -> Iterator[socket.socket]:
    """A connection that is cut at the deadline; finding the host and reaching it count, and agreeing on TLS.

    `patience` is how long one step may take. Raises OSError, TimeoutError also when the connection was cut.
    """
    ends = time.monotonic() + deadline
    with ExitStack() as stack:
        line = stack.enter_context(_reached(_addresses(host, port, ends), patience, ends))
        watchdog = Timer(_left(ends), _cut, [stack.enter_context(line.dup())])
        watchdog.daemon = True
        watchdog.start()
        stack.callback(watchdog.cancel)
        yield line
        if time.monotonic() >= ends:  # It was cut, which looks like the other side's farewell.
            raise TimeoutError


def _addresses(host: str, port: int, ends: float) -> list[Any]:
    """The first addresses of the host. Nothing can interrupt the system's resolver, so it is asked in a thread."""
    answer: Future[list[Any]] = Future()

    def ask() -> None:
        try:
            answer.set_result(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except Exception as error:  # noqa: BLE001 - whoever waits is told.
            answer.set_exception(error)

    Thread(target=ask, daemon=True).start()
    return answer.result(_left(ends))[:_MOST_ADDRESSES]


def _reached(addresses: list[Any], patience: float, ends: float) -> socket.socket:
    """A connection to the first of the addresses that takes one."""
    failure = OSError("it has no address")
    for family, kind, protocol, _, address in addresses:
        line = socket.socket(family, kind, protocol)
        try:
            line.settimeout(min(patience, _left(ends)))
            line.connect(address)
        except OSError as error:
            line.close()
            failure = error
        else:
            line.settimeout(patience)
            return line
    raise failure


def _left(ends: float) -> float:
    """Seconds until then, and a moment if it is past: zero would mean another thing than no time."""
    return max(ends - time.monotonic(), 0.001)


def _context(*, verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _cut(line: socket.socket) -> None:
    with suppress(OSError):  # It is closed already.
        line.shutdown(socket.SHUT_RDWR)


def reason(error: Exception) -> str:
    """The failure in a few words; those of the other side are not among them."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__
