"""Sends one POST to an address that somebody configured: a webhook's target, a collector of the journal.

The address may well be one of the house, so no network is closed to it. But nothing more than a POST goes there: no
redirect is followed, no proxy of the environment used, nothing of the answer kept but its status, and all of it has to
be over after a few seconds, however slowly the other side talks.
"""

import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from threading import Timer
from urllib.parse import urlsplit

PATIENCE = 3.0  # Seconds for a connection, and for each sign of life,
DEADLINE = 10.0  # and for everything together.


class Undelivered(ConnectionError):
    """The other side did not take it. The message says why, and nothing secret of the address."""


def post(address: str, headers: Mapping[str, str], content: bytes, *, verify: bool = True) -> int:
    """POSTs the content; the status of the answer. Raises Undelivered when there is none or it is not a success.

    verify: whether an https address has to prove itself by a certificate that this machine trusts.
    """
    parts = urlsplit(address)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        with _connected(address, verify=verify) as connection:
            connection.request("POST", path, content, dict(headers))
            status = connection.getresponse().status
    except (OSError, HTTPException, UnicodeError) as error:  # The last for hosts that no name server takes.
        raise Undelivered(f"{parts.hostname}: {reason(error)}") from error
    if not 200 <= status < 300:  # noqa: PLR2004 - the range of successes
        raise Undelivered(f"{parts.hostname} answered {status}")
    return status


@contextmanager
def _connected(address: str, *, verify: bool) -> Iterator[HTTPConnection]:
    """A connection that is cut at the deadline, even while the two sides still agree on TLS."""
    parts = urlsplit(address)
    host, secure = parts.hostname or "", parts.scheme == "https"
    connection = HTTPSConnection(host, parts.port) if secure else HTTPConnection(host, parts.port)
    with ExitStack() as stack:
        plain = stack.enter_context(socket.create_connection((host, connection.port), PATIENCE))
        watchdog = Timer(DEADLINE, _cut, [stack.enter_context(plain.dup())])
        watchdog.daemon = True
        watchdog.start()
        stack.callback(watchdog.cancel)
        stack.callback(connection.close)
        connection.sock = _context(verify=verify).wrap_socket(plain, server_hostname=host) if secure else plain
        yield connection


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
