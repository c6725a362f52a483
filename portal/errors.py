"""The control plane's one table of errors, and the one place that writes their envelope.

Verbs raise a `PortalError`; the HTTP layer answers its code and status, a command prints its message. The envelope is
the one of the OCI specification, which the REST API shares.
"""

from enum import Enum

from django.http import JsonResponse


class Code(Enum):
    """Every error of the control plane: its HTTP status."""

    BAD_REQUEST = 400
    UNAUTHORIZED = 401
    FORBIDDEN = 403
    NOT_FOUND = 404
    METHOD_NOT_ALLOWED = 405
    REQUEST_TIMEOUT = 408
    CONFLICT = 409
    PRECONDITION = 412
    REQUEST_ENTITY_TOO_LARGE = 413
    UNSUPPORTED_MEDIA_TYPE = 415
    UNPROCESSABLE_ENTITY = 422
    TOO_MANY_REQUEST = 429
    UNKNOWN = 500
    NOT_IMPLEMENTED = 501
    UNAVAILABLE = 503


class PortalError(Exception):
    """A refusal. The message is for whoever asked: it says what to do and names no secret.

    `name` is what the envelope calls it, where that is not the name of its code.
    """

    code = Code.UNKNOWN
    name = ""


class Invalid(PortalError):
    """What was asked for breaks a rule."""

    code = Code.BAD_REQUEST


class Unprocessable(PortalError):
    """What was asked for has not the form that the contract lays down."""

    code = Code.UNPROCESSABLE_ENTITY


class Unauthorized(PortalError):
    """Nobody is logged in."""

    code = Code.UNAUTHORIZED


class Forbidden(PortalError):
    """The caller is known and has no right to this."""

    code = Code.FORBIDDEN


class TooOften(PortalError):
    """The caller has to wait before asking again, for `retry_after` seconds."""

    code = Code.TOO_MANY_REQUEST

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"You ask too often: wait {retry_after} s.")
        self.retry_after = retry_after


class Missing(PortalError):
    """What was named does not exist."""

    code = Code.NOT_FOUND


class Conflict(PortalError):
    """The name is taken."""

    code = Code.CONFLICT


class Refused(PortalError):
    """The state of things forbids it at the moment."""

    code = Code.PRECONDITION


class InUse(Refused):
    """Something else refers to what was to be deleted."""

    name = "VIOLATE_FOREIGN_KEY_CONSTRAINT"


def error_response(code: Code, message: str, *, name: str = "", headers: dict[str, str] | None = None) -> JsonResponse:
    """The envelope `{"errors": [{"code", "message"}]}` with the code's status; `name` replaces the code's own."""
    return JsonResponse(
        {"errors": [{"code": name or code.name, "message": message}]},
        status=code.value,
        headers=headers,
        content_type="application/json; charset=utf-8",
        json_dumps_params={"separators": (",", ":")},
    )
