"""What a request says of its sender: address, name it called us by, user agent, request id."""

import itertools
import re
import secrets
import time
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from django.conf import settings

from audit.origin import Origin
from registry.ports import Author, Exchange

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_prefix = secrets.token_hex(6)
_counter = itertools.count(1)


@dataclass(slots=True)
class Client:
    """The sender of one request."""

    address: str
    host: str
    request_id: str
    user_agent: str
    behind_proxy: bool  # The connection comes from a proxy we were told to trust.
    actor: str = ""  # The caller's name, once it is known.

    def origin(self, author: Author) -> Origin:
        """The author of what this request changes."""
        return Origin(author.name, author.kind, author.credential, self.address, self.user_agent, self.request_id)

    def exchange(self, scope: dict[str, Any], status: int, size: int | None, began: float) -> Exchange:
        """This request and its answer, which is on its way now."""
        seconds = time.perf_counter() - began
        return Exchange(
            scope["method"], scope["path"], status, size, seconds, self.request_id, self.address, self.actor
        )


def client_of(scope: dict[str, Any], headers: dict[bytes, bytes]) -> Client:
    """Reads the sender of a request. Forwarded headers count only where a trusted proxy sent them."""
    peer = scope["client"][0] if scope.get("client") else ""
    behind_proxy = bool(settings.TRUSTED_PROXIES) and _is_trusted(peer)
    sent_id = headers.get(b"x-request-id", b"")
    return Client(
        address=_forwarded(headers, peer) if behind_proxy else peer,
        host=((behind_proxy and headers.get(b"x-forwarded-host")) or headers.get(b"host", b"")).decode("latin-1"),
        request_id=sent_id.decode() if sent_id and _REQUEST_ID.fullmatch(sent_id) else f"{_prefix}-{next(_counter)}",
        user_agent=headers.get(b"user-agent", b"").decode("latin-1")[:255],
        behind_proxy=behind_proxy,
    )


def _forwarded(headers: dict[bytes, bytes], peer: str) -> str:
    """The last address in X-Forwarded-For that is not one of our own proxies."""
    chain = [part.strip() for part in headers.get(b"x-forwarded-for", b"").decode("latin-1").split(",") if part.strip()]
    for address in reversed(chain):
        if not _is_address(address):
            break
        if not _is_trusted(address):
            return address
    return peer


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_trusted(address: str) -> bool:
    return _is_address(address) and any(ip_address(address) in network for network in settings.TRUSTED_PROXIES)
