"""The errors of the distribution API: one table, one exception, one envelope.

Source: OCI Distribution Specification 1.1, "Error Codes"; the last rows are conditions it does not name.
"""

import json
from enum import Enum
from typing import Any


class Code(Enum):
    """An error code: (HTTP status, the message a client shows)."""

    BLOB_UNKNOWN = 404, "blob unknown to registry"
    BLOB_UPLOAD_UNKNOWN = 404, "blob upload unknown to registry"
    DIGEST_INVALID = 400, "provided digest did not match uploaded content"
    MANIFEST_BLOB_UNKNOWN = 404, "manifest references a blob unknown to registry"
    MANIFEST_INVALID = 400, "manifest invalid"
    MANIFEST_UNKNOWN = 404, "manifest unknown to registry"
    NAME_INVALID = (
        400,
        "invalid repository name: it is project/repository, in lower case letters, digits and . _ - / between them",
    )
    NAME_UNKNOWN = 404, "repository name not known to registry"
    SIZE_INVALID = 400, "provided length did not match content length"
    TAG_INVALID = 400, "invalid tag: up to 128 letters, digits and . _ -, the first a letter, digit or _"
    UNAUTHORIZED = 401, "authentication required"
    DENIED = 403, "requested access to the resource is denied"
    CONFLICT = 409, "it exists already"
    PRECONDITION = 412, "configured as immutable"
    UNSUPPORTED = 405, "the operation is unsupported"
    TOOMANYREQUESTS = 429, "too many requests"
    NOT_FOUND = 404, "there is nothing at this address"
    PAGINATION_NUMBER_INVALID = 400, "invalid number of results requested"
    RANGE_INVALID = 416, "invalid content range"
    REQUEST_INVALID = 400, "request invalid"
    REQUEST_ENTITY_TOO_LARGE = 413, "request body too large"
    INSUFFICIENT_STORAGE = 507, "the registry has no space left"
    UNAVAILABLE = 503, "the registry cannot answer now, try again"
    UNKNOWN = 500, "internal server error"

    @property
    def status(self) -> int:
        """The HTTP status the code is answered with."""
        return self.value[0]

    @property
    def message(self) -> str:
        """The sentence for people."""
        return self.value[1]


class OCIError(Exception):
    """A failure with a row in the table. `headers` go out with the answer."""

    def __init__(
        self,
        code: Code,
        message: str = "",
        *,
        detail: Any = None,
        status: int = 0,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message or code.message)
        self.code = code
        self.status = status or code.status
        self.detail = detail
        self.headers = headers or {}

    def body(self) -> bytes:
        """The JSON envelope."""
        error: dict[str, Any] = {"code": self.code.name, "message": str(self)}
        if self.detail is not None:
            error["detail"] = self.detail
        return json.dumps({"errors": [error]}).encode() + b"\n"
