"""Tells the registry who is calling (`registry.ports.Authorizer`), and clients how to prove it."""

import re
from threading import Lock
from urllib.parse import urlsplit

from django.conf import settings

from portal.access import tokens
from portal.access.authentication import LONGEST_HEADER, authenticate, parse_basic
from portal.access.callers import IdentityCaller, TokenCaller
from registry.ports import Caller, Unauthenticated

REMEMBERED_AT_MOST = 4096
CATALOG_SCOPE = "registry:catalog:*"
HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
SCOPES = re.compile(r"[A-Za-z0-9._/:*,@ -]*")


class PortalAuthorizer:
    """Accepts the registry's own tokens, and names with passwords or robot secrets."""

    def __init__(self) -> None:
        self._callers: dict[bytes, TokenCaller] = {}
        self._lock = Lock()

    def cached(self, authorization: bytes) -> Caller | None:
        """The caller behind a token verified before, while it has not expired."""
        caller = self._callers.get(authorization)
        return None if caller is None or caller.expired else caller

    def authenticate(self, authorization: bytes, address: str) -> Caller:
        """The caller behind any Authorization header. Raises Unauthenticated or TooManyAttempts."""
        if not is_bearer(authorization):
            name, password = parse_basic(authorization)
            return IdentityCaller(authenticate(name, password, address=address))
        if len(authorization) > LONGEST_HEADER:
            raise Unauthenticated("the token is too long")
        caller = TokenCaller(tokens.verify(authorization.strip()[7:].decode("latin-1").strip()))
        with self._lock:
            if len(self._callers) >= REMEMBERED_AT_MOST:
                self._make_room()
            self._callers[authorization] = caller
        return caller

    def _make_room(self) -> None:
        """Drops what has expired; if that is not enough, the older half."""
        alive = [(header, caller) for header, caller in self._callers.items() if not caller.expired]
        self._callers = dict(alive[-REMEMBERED_AT_MOST // 2 :])

    def challenge(self, host: str, scopes: str, *, refused: bytes = b"") -> str:
        """How to prove who one is: with a token as a rule, with a password where a password has failed.

        A client whose token has expired in the middle of a push needs the Bearer challenge again, with the reason.
        """
        token_refused = is_bearer(refused)
        if (refused and not token_refused) or (scopes == CATALOG_SCOPE and not token_refused):
            return 'Basic realm="harbor"'
        fields = [f'realm="{_origin(host)}/service/token"', f'service="{tokens.AUDIENCE}"']
        if scopes and SCOPES.fullmatch(scopes):
            fields.append(f'scope="{scopes}"')
        if token_refused:
            good = self.cached(refused) is not None
            fields.append(f'error="{"insufficient_scope" if good else "invalid_token"}"')
        return "Bearer " + ",".join(fields)


def is_bearer(authorization: bytes) -> bool:
    """Whether the header carries a token."""
    return authorization.lstrip()[:7].lower() == b"bearer "


def _origin(host: str) -> str:
    """The address the client knows us by: the scheme is ours to say, the host is the one that worked for the client."""
    external = urlsplit(settings.EXTERNAL_URL)
    return f"{external.scheme}://{host if HOST.fullmatch(host) else external.netloc}"
