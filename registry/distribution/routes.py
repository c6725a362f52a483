"""Every route of the distribution API: path, method, what the caller must be allowed, and who answers.

The order of a noun's lines is the order of the specification. `pulls` marks GET and HEAD of content, which `app` serves
from memory where it can.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from registry.distribution import blobs, listings, manifests, uploads
from registry.distribution.cache import Answer
from registry.distribution.messages import Request, Response
from registry.distribution.pulls import load_blob, load_manifest
from registry.oci.errors import Code, OCIError
from registry.ports import DELETE, PULL, PUSH

Handler = Callable[[Request], Awaitable[Response]]
CATALOG = "catalog"  # The right to see every repository's name.


@dataclass(frozen=True, slots=True)
class Operation:
    """What one method of a route needs and does. Without rights any authenticated caller may call it."""

    rights: tuple[str, ...]
    handler: Handler | None = None
    pulls: Callable[[str, str], Answer] | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """A path pattern with its operations by method."""

    path: str
    operations: dict[str, Operation]
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        """Compiles the template: `<name>` spans slashes, other parameters do not."""
        template = re.sub(
            r"<(\w+)>", lambda found: f"(?P<{found[1]}>{'.+' if found[1] == 'name' else '[^/]+'})", self.path
        )
        object.__setattr__(self, "pattern", re.compile(template))


async def base(request: Request) -> Response:  # noqa: ARG001
    """GET /v2/: the caller speaks to a registry that knows it."""
    return Response(200, {"Content-Type": "application/json"}, b"{}")


_MANIFEST = Operation((PULL,), pulls=load_manifest)
_BLOB = Operation((PULL,), pulls=load_blob)

ROUTES = (
    Route("/v2/", {"GET": Operation((), base), "HEAD": Operation((), base)}),
    Route("/v2/_catalog", {"GET": Operation((CATALOG,), listings.catalog)}),
    Route(
        "/v2/<name>/manifests/<reference>",
        {
            "GET": _MANIFEST,
            "HEAD": _MANIFEST,
            "PUT": Operation((PULL, PUSH), manifests.put),
            "DELETE": Operation((DELETE,), manifests.delete),
        },
    ),
    Route("/v2/<name>/blobs/uploads/", {"POST": Operation((PULL, PUSH), uploads.start)}),
    Route(
        "/v2/<name>/blobs/uploads/<upload>",
        {
            "GET": Operation((PULL, PUSH), uploads.status),
            "PATCH": Operation((PULL, PUSH), uploads.append),
            "PUT": Operation((PULL, PUSH), uploads.finish),
            "DELETE": Operation((PULL, PUSH), uploads.cancel),
        },
    ),
    Route("/v2/<name>/blobs/<digest>", {"GET": _BLOB, "HEAD": _BLOB, "DELETE": Operation((DELETE,), blobs.delete)}),
    Route("/v2/<name>/tags/list", {"GET": Operation((PULL,), listings.tags)}),
    Route("/v2/<name>/referrers/<digest>", {"GET": Operation((PULL,), listings.referrers)}),
)

_ALIASES = {"/v2": "/v2/"}


def find(path: str, method: str) -> tuple[Operation, dict[str, str]]:
    """The operation a request means, with the parameters in its path. Raises NOT_FOUND, or UNSUPPORTED with Allow."""
    path = _ALIASES.get(path, path)
    if path.endswith("/blobs/uploads"):
        path += "/"
    for route in ROUTES:
        match = route.pattern.fullmatch(path)
        if match:
            operation = route.operations.get(method)
            if operation is None:
                raise OCIError(Code.UNSUPPORTED, headers={"Allow": ", ".join(route.operations)})
            return operation, match.groupdict()
    raise OCIError(Code.NOT_FOUND)
