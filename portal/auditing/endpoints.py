"""Where the journal is forwarded to: syslog over TCP or TLS, or a collector that takes JSON lines over HTTP.

A batch is one connection. Everything about it is over well before the journal would give it to another process.
"""

import fcntl
import socket
import ssl
import struct
import termios
from base64 import b64encode
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import SplitResult, unquote, urlsplit

from audit.export import json_lines
from audit.models import Entry
from portal.auditing.syslog import frames

PATIENCE = 10.0  # Seconds for a connection, for sending, and for an answer.
FAREWELL = 2.0  # Seconds in which a syslog receiver closes its side.


class Undelivered(OSError):
    """The endpoint did not take the entries. The message names the host, and nothing secret of the address."""


def deliver(endpoint: str, entries: list[Entry]) -> None:
    """Sends the entries and returns when they have been taken. Raises Undelivered.

    `host:port` and `tcp://host:port` are syslog over TCP, `tls://host:port` is syslog over TLS, and http:// and https://
    are POST requests; a name and password in the address are sent with them.
    """
    parts = urlsplit(endpoint if "://" in endpoint else f"tcp://{endpoint}")
    if parts.scheme not in _SENDERS:
        raise Undelivered(f"The journal cannot be forwarded by {parts.scheme!r}: use tcp, tls, http or https.")
    try:
        _SENDERS[parts.scheme](parts, entries)
    except (OSError, HTTPException, ValueError) as error:
        raise Undelivered(f"{parts.hostname} does not take the journal's entries: {_reason(error)}") from None


def _tcp(parts: SplitResult, entries: list[Entry]) -> None:
    with socket.create_connection((parts.hostname, parts.port), PATIENCE) as line:
        line.sendall(frames(entries))
        line.settimeout(FAREWELL)
        line.shutdown(socket.SHUT_WR)
        _until_taken(line, lambda: line.recv(1))


def _tls(parts: SplitResult, entries: list[Entry]) -> None:
    plain = socket.create_connection((parts.hostname, parts.port), PATIENCE)
    with plain, ssl.create_default_context().wrap_socket(plain, server_hostname=parts.hostname) as line:
        line.sendall(frames(entries))
        line.settimeout(FAREWELL)
        _until_taken(line, line.unwrap)


def _until_taken(line: socket.socket, farewell: Callable[[], object]) -> None:
    """Waits until the receiver has closed its side, which says that it has read everything; otherwise raises OSError.

    Syslog has no other receipt. Of a receiver that never closes first, its system must at least have everything.
    """
    try:
        farewell()
    except ssl.SSLEOFError:
        return  # It closed without a word.
    except TimeoutError:
        (unacknowledged,) = struct.unpack("i", fcntl.ioctl(line.fileno(), termios.TIOCOUTQ, b"\0" * 4))
        if unacknowledged:
            raise


def _http(parts: SplitResult, entries: list[Entry]) -> None:
    host = parts.hostname or ""
    if parts.scheme == "https":
        connection = HTTPSConnection(host, parts.port, timeout=PATIENCE, context=ssl.create_default_context())
    else:
        connection = HTTPConnection(host, parts.port, timeout=PATIENCE)
    headers = {"Content-Type": "application/x-ndjson"}
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    with closing(connection):
        connection.request("POST", path, json_lines(entries).encode(), headers)
        status = connection.getresponse().status
    if not 200 <= status < 300:  # noqa: PLR2004 - the range of successes
        raise HTTPException(f"it answered {status}")


_SENDERS = {"tcp": _tcp, "tls": _tls, "http": _http, "https": _http}


def _reason(error: Exception) -> str:
    """The failure in a few words, without the address."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) if type(error) is HTTPException else type(error).__name__
