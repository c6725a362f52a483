"""Every route of the distribution API: path, method, what the caller must be allowed, and who answers.

Pulls are served from memory where they can be, before this table is asked (see `app`).
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from registry.distribution import blobs, listings, manifests, pulls, uploads
from registry.distribution.messages import Request, Response
from registry.oci.errors import Code, OCIError
from registry.ports import DELETE, PULL, PUSH

CATALOG = "catalog"  # The right to see every repository's name.


@dataclass(frozen=True, slots=True)
class Operation:
    """What one method of a route needs and does. Without rights any authenticated caller may call it.

    `look_up` runs in a database thread, in the same visit that admits the caller. Most operations are done then and
    return their Response; a pull returns the Answer it found. Where bytes are still to be received, what `look_up`
    returned goes to `receive`, on the event loop.
    """

    rights: tuple[str, ...]
    look_up: Callable[[Request], Any]
    receive: Callable[[Request, Any], Awaitable[Response]] | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """A path pattern with its operations by method."""

    path: str
    operations: dict[str, Operation]
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        """Compiles the template: `<name>` spans slashes, other parameters do not. No database takes a NUL in them."""
        template = self.path.replace("<name>", "(?P<name>.+)")
        object.__setattr__(self, "pattern", re.compile(re.sub(r"(?<!P)<(\w+)>", r"(?P<\1>[^/\\0]+)", template)))


def base(request: Request) -> Response:  # noqa: ARG001
    """GET /v2/: the caller speaks to a registry that knows it."""
    return Response(200, {"Content-Type": "application/json"}, b"{}")


_BASE = Operation((), base)
_MANIFEST = Operation((PULL,), pulls.manifest)
_BLOB = Operation((PULL,), pulls.blob)

ROUTES = (
    Route("/v2/", {"GET": _BASE, "HEAD": _BASE}),
    Route("/v2/_catalog", {"GET": Operation((CATALOG,), listings.catalog)}),
    Route(
        "/v2/<name>/manifests/<reference>",
        {
            "GET": _MANIFEST,
            "HEAD": _MANIFEST,
            "PUT": Operation((PULL, PUSH), manifests.target, manifests.put),
            "DELETE": Operation((DELETE,), manifests.delete),
        },
    ),
    Route("/v2/<name>/blobs/uploads/", {"POST": Operation((PULL, PUSH), uploads.start, uploads.receive_whole)}),
    Route(
        "/v2/<name>/blobs/uploads/<upload>",
        {
            "GET": Operation((PULL, PUSH), uploads.status),
            "PATCH": Operation((PULL, PUSH), uploads.resume, uploads.append),
            "PUT": Operation((PULL, PUSH), uploads.resume_last, uploads.receive_whole),
            "DELETE": Operation((PULL, PUSH), uploads.cancel),
        },
    ),
    Route("/v2/<name>/blobs/<digest>", {"GET": _BLOB, "HEAD": _BLOB, "DELETE": Operation((DELETE,), blobs.delete)}),
    Route("/v2/<name>/tags/list", {"GET": Operation((PULL,), listings.tags)}),
    Route("/v2/<name>/referrers/<digest>", {"GET": Operation((PULL,), listings.referrers)}),
)


def find(path: str, method: str) -> tuple[Operation, dict[str, str]]:
    """The operation a request means, with the parameters in its path. Raises NOT_FOUND, or UNSUPPORTED with Allow."""
    path = _slashed(path)
    for route in ROUTES:
        match = route.pattern.fullmatch(path)
        if match:
            operation = route.operations.get(method)
            if operation is None:
                raise OCIError(Code.UNSUPPORTED, headers={"Allow": ", ".join(route.operations)})
            return operation, match.groupdict()
    raise OCIError(Code.NOT_FOUND)


def template(path: str) -> str:
    """The route that a path means, as it is written in the table; empty for none."""
    path = _slashed(path)
    return next((route.path for route in ROUTES if route.pattern.fullmatch(path)), "")


def _slashed(path: str) -> str:
    """Clients differ in whether they write the slash."""
    return path + "/" if path == "/v2" or path.endswith("/blobs/uploads") else path
