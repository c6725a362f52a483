"""What the registry asks of whoever runs it. The implementations are bound once, in `bind`.

The registry knows no users, roles or quotas. It asks an `Authorizer` who is calling, and the `Caller` what it may do.
"""

from datetime import datetime
from typing import Protocol

PULL, PUSH, DELETE = "pull", "push", "delete"


class Unauthenticated(Exception):
    """The credentials are wrong, expired or foreign. The message is for the client."""


class TooManyAttempts(Exception):
    """Logins are throttled; `retry_after` says for how many seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("too many failed logins")
        self.retry_after = retry_after


class Caller(Protocol):
    """An authenticated client. Asking it must cost no I/O where `cached` returned it."""

    name: str
    kind: str  # user, robot, anonymous, system
    credential: str  # which credential was used, by id and never by secret

    def may(self, action: str, repository: str, created_at: datetime | None) -> bool:
        """Whether the caller has `action` on `repository`, whose namespace was created at `created_at`.

        None stands for a namespace that does not exist. A token older than the namespace gives no right in it.
        """

    def covers(self, repository: str) -> bool:
        """Whether the credentials say anything about the repository: a token issued for others does not."""

    def may_list_catalog(self) -> bool:
        """Whether the caller may list every repository of the registry."""


class Authorizer(Protocol):
    """Says who is calling."""

    def cached(self, authorization: bytes) -> Caller | None:
        """The caller behind an Authorization header, from memory alone; None when it must be looked up."""

    def authenticate(self, authorization: bytes, address: str) -> Caller:
        """The caller behind an Authorization header. Raises Unauthenticated or TooManyAttempts. May block."""

    def challenge(self, host: str, scopes: str, *, refused: bytes = b"") -> str:
        """The WWW-Authenticate value for a client that reached us as `host` (its Host header) and wants `scopes`.

        `refused` is the Authorization header that was not good enough, empty when none was sent.
        """


class _Bound:
    authorizer: Authorizer


def bind(authorizer: Authorizer) -> None:
    """Sets the implementations; called once, when the process starts."""
    _Bound.authorizer = authorizer


def authorizer() -> Authorizer:
    """The bound authorizer."""
    return _Bound.authorizer
