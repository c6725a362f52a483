"""What the registry asks of whoever runs it. The implementations are bound once, in `bind`.

The registry knows no users, roles or policies. It asks an `Authorizer` who is calling and the `Caller` what it may do,
a `QuotaGate` how much a namespace may hold, a `TagGate` which tags must stay as they are, and a `WriteGate` whether
anything may be changed at all. Where no gate is bound there are no limits. And it tells an `Observer`, if it was made
with one, what it has answered.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from audit.origin import Origin

PULL, PUSH, DELETE = "pull", "push", "delete"


class Unauthenticated(Exception):
    """The credentials are wrong, expired or foreign. The message is for the client."""


class TooManyAttempts(Exception):
    """Logins are throttled; `retry_after` says for how many seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("too many failed logins")
        self.retry_after = retry_after


class Author(Protocol):
    """Who changes something, as the journal names them."""

    @property
    def name(self) -> str:
        """The name of a user, the full name of a robot, or `anonymous`."""

    @property
    def kind(self) -> str:
        """`user`, `robot` or `anonymous`."""

    @property
    def credential(self) -> str:
        """Which credential was used, by id and never by secret."""


class Caller(Author, Protocol):
    """An authenticated client. Asking it must cost no I/O where `cached` returned it."""

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


class QuotaGate(Protocol):
    """Says how many bytes a namespace may hold. The registry counts them (`registry.selectors.usage`)."""

    def limit(self, namespace_id: int) -> int | None:
        """The most bytes allowed, None for any number.

        Asked in the transaction that adds, just before its journal entry. Where there is a limit its row is locked until
        that transaction ends, so that of two pushes the second sees what the first has added.
        """

    def peek(self, namespace_id: int) -> int | None:
        """The same without a lock, for refusing early what could not succeed."""

    def exceeded(
        self,
        *,
        origin: Origin,
        namespace_id: int,
        repository: str,
        digest: str,
        tags: Collection[str],
        adding: int,
        used: int,
        limit: int,
    ) -> None:
        """Told of a push that was refused, once what it had changed is rolled back; all numbers are bytes.

        `digest` and `tags` are those of a manifest, and empty for a blob.
        """


class TagGate(Protocol):
    """Says which tags must not change."""

    def protected(self, namespace_id: int, repository: str, tags: Collection[str]) -> set[str]:
        """Those of the existing tags that may be neither moved nor deleted. `repository` is the full name."""


class WriteGate(Protocol):
    """Says whether the registry may be changed."""

    def read_only(self) -> bool:
        """Whether every change by clients is refused now. Asked once for each request that would change something."""


@dataclass(slots=True)
class Exchange:
    """A request that was answered."""

    method: str
    path: str
    status: int
    size: int | None  # Bytes of the body; None where they are not known.
    seconds: float  # From the request's arrival until all of the answer was handed over.
    request_id: str
    address: str
    actor: str  # Empty where nobody was found out.


class Observer(Protocol):
    """Counts and logs. It is called on the event loop and must not block."""

    def answered(self, exchange: Exchange, *, hot: str = "") -> None:
        """Told of every request that was answered. hot: `manifest` or `blob`, where one was pulled from memory."""


class Unobserved:
    """Tells nobody."""

    def answered(self, exchange: Exchange, *, hot: str = "") -> None:
        """Does nothing."""


class Unlimited:
    """Every gate, open."""

    def limit(self, namespace_id: int) -> int | None:  # noqa: ARG002
        """Any number of bytes."""
        return None

    def peek(self, namespace_id: int) -> int | None:  # noqa: ARG002
        """Any number of bytes."""
        return None

    def exceeded(self, **_what: Any) -> None:
        """Cannot happen."""

    def protected(self, namespace_id: int, repository: str, tags: Collection[str]) -> set[str]:  # noqa: ARG002
        """No tag."""
        return set()

    def read_only(self) -> bool:
        """Never."""
        return False


_OPEN = Unlimited()


class _Bound:
    authorizer: Authorizer
    quota: QuotaGate = _OPEN
    tags: TagGate = _OPEN
    writes: WriteGate = _OPEN


def bind(
    authorizer: Authorizer,
    *,
    quota: QuotaGate | None = None,
    tags: TagGate | None = None,
    writes: WriteGate | None = None,
) -> None:
    """Sets the implementations, when the process starts. A gate that is not given stays as it is: open at first."""
    _Bound.authorizer = authorizer
    _Bound.quota = quota or _Bound.quota
    _Bound.tags = tags or _Bound.tags
    _Bound.writes = writes or _Bound.writes


def authorizer() -> Authorizer:
    """The bound authorizer."""
    return _Bound.authorizer


def quota() -> QuotaGate:
    """The bound gate of quotas."""
    return _Bound.quota


def tags() -> TagGate:
    """The bound gate of tags."""
    return _Bound.tags


def writes() -> WriteGate:
    """The bound gate of changes."""
    return _Bound.writes
