"""What each foreseen failure is answered with, wherever in Django it happens.

The registry below `/v2/` has a table of its own (`registry.distribution.failures`), in the words of the OCI specification.
"""

from collections.abc import Callable
from functools import wraps

from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse

from portal.errors import Code, PortalError, error_response
from registry.oci.errors import OCIError
from registry.ports import TooManyAttempts, Unauthenticated
from registry.storage.errors import Unavailable

View = Callable[[HttpRequest], HttpResponse]

# An empty message stands for the exception's own.
_TABLE: list[tuple[tuple[type[Exception], ...], Code, str]] = [
    ((Unauthenticated,), Code.UNAUTHORIZED, ""),
    ((TooManyAttempts,), Code.TOO_MANY_REQUEST, "Too many failed logins: try again later."),
    ((RequestDataTooBig,), Code.REQUEST_ENTITY_TOO_LARGE, "The body is too large."),
    ((Http404,), Code.NOT_FOUND, "There is nothing at this address."),
    ((PermissionDenied,), Code.FORBIDDEN, "You may not do this."),
    ((SuspiciousOperation, BadRequest), Code.BAD_REQUEST, "The request cannot be understood."),
    (
        (OperationalError, InterfaceError, Unavailable),
        Code.UNAVAILABLE,
        "The database or the store cannot be reached: try again later.",
    ),
]
_RETRY_SECONDS = 5


def foreseen(error: BaseException | None, *, challenge: bool = False) -> JsonResponse | None:
    """The answer to a failure; None to one that nobody foresaw.

    challenge: whether a caller who is not known is asked for a name and a password. Where a page of ours is calling, the
    browser would open its own dialogue over it.
    """
    if isinstance(error, OCIError):  # It keeps its name, and its status where we have that too.
        code = next((code for code in Code if code.value == error.status), Code.UNKNOWN)
        return error_response(code, str(error), name=error.code.name)
    if isinstance(error, PortalError):
        return error_response(error.code, str(error), name=error.name, headers=_headers(error, error.code, challenge))
    for kinds, code, message in _TABLE:
        if isinstance(error, kinds):
            return error_response(code, message or str(error), headers=_headers(error, code, challenge))
    return None


def view(*methods: str, challenge: bool = False) -> Callable[[View], View]:
    """Declares a view outside the REST API: the methods it takes, and that foreseen failures are answered in the envelope."""
    allowed = ", ".join(methods)

    def declared(function: View) -> View:
        @wraps(function)
        def answered(request: HttpRequest) -> HttpResponse:
            if request.method not in methods:
                message = f"This takes {allowed} requests only."
                return error_response(Code.METHOD_NOT_ALLOWED, message, headers={"Allow": allowed})
            try:
                return function(request)
            except Exception as error:
                answer = foreseen(error, challenge=challenge)
                if answer is None:
                    raise
                return answer

        return answered

    return declared


def _headers(error: BaseException, code: Code, challenge: bool) -> dict[str, str]:
    if code is Code.UNAUTHORIZED and challenge:
        return {"WWW-Authenticate": 'Basic realm="harbor"'}
    if code in {Code.TOO_MANY_REQUEST, Code.UNAVAILABLE}:
        return {"Retry-After": str(getattr(error, "retry_after", _RETRY_SECONDS))}
    return {}
