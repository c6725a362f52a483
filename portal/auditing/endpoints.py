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
from contextlib import AbstractContextManager
from urllib.parse import SplitResult, unquote, urlsplit

from audit.export import json_lines
from audit.models import Entry
from portal.auditing.syslog import frames
from portal.outgoing import Undelivered, line_to, post, reason

PATIENCE = 10.0  # Seconds for a connection, and for sending,
DEADLINE = 30.0  # and for everything together.
FAREWELL = 2.0  # Seconds in which a syslog receiver closes its side.


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
    except Undelivered:
        raise
    except (OSError, ValueError) as error:
        raise Undelivered(f"{parts.hostname}: {reason(error)}") from None


def _tcp(parts: SplitResult, entries: list[Entry]) -> None:
    with _line(parts) as line:
        line.sendall(frames(entries))
        line.settimeout(FAREWELL)
        line.shutdown(socket.SHUT_WR)
        _until_taken(line, lambda: line.recv(1))


def _tls(parts: SplitResult, entries: list[Entry]) -> None:
    with _line(parts) as plain, ssl.create_default_context().wrap_socket(plain, server_hostname=parts.hostname) as line:
        line.sendall(frames(entries))
        line.settimeout(FAREWELL)
        _until_taken(line, line.unwrap)


def _line(parts: SplitResult) -> AbstractContextManager[socket.socket]:
    return line_to(parts.hostname or "", parts.port or 0, patience=PATIENCE, deadline=DEADLINE)


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
    headers = {"Content-Type": "application/x-ndjson"}
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
    address = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    post(address, headers, json_lines(entries).encode())


_SENDERS = {"tcp": _tcp, "tls": _tls, "http": _http, "https": _http}
