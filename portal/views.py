"""The few answers that belong to no feature: which API is this, and the error pages."""

import sys
from collections.abc import Callable

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse

from portal.errors import Code, error_response

View = Callable[[HttpRequest], HttpResponse]


def reads(view: View) -> View:
    """A view that answers GET and HEAD, and tells everything else so in the envelope."""

    def guarded(request: HttpRequest) -> HttpResponse:
        if request.method not in {"GET", "HEAD"}:
            message = "This resource can only be read."
            return error_response(Code.METHOD_NOT_ALLOWED, message, headers={"Allow": "GET, HEAD"})
        return view(request)

    return guarded


@reads
def version(_request: HttpRequest) -> HttpResponse:
    """Which REST API is spoken here."""
    return JsonResponse({"version": "v2.0"})


def bad_request(_request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django passes it by name.
    """A request that Django itself refused."""
    return error_response(Code.BAD_REQUEST, "The request cannot be understood.")


def forbidden(_request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django passes it by name.
    """A refusal without a better message."""
    return error_response(Code.FORBIDDEN, "You may not do this.")


def not_found(_request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django passes it by name.
    """No such URL."""
    return error_response(Code.NOT_FOUND, "There is nothing at this address.")


def server_error(_request: HttpRequest) -> HttpResponse:
    """An error of ours; where the database is out of reach, one that passes."""
    if isinstance(sys.exception(), OperationalError | InterfaceError):
        message = "The database cannot be reached: try again later."
        return error_response(Code.UNAVAILABLE, message, headers={"Retry-After": "5"})
    return error_response(Code.UNKNOWN, "internal server error")
