"""Every failure of the REST API in one envelope: our own, Django REST framework's, Django's and the registry's."""

import logging
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions

from portal.errors import Code, PortalError, error_response
from registry.oci.errors import OCIError
from registry.ports import TooManyAttempts, Unauthenticated
from registry.storage.errors import Unavailable

log = logging.getLogger(__name__)


# What each kind of exception is answered with; an empty message stands for the exception's own.
_TABLE: list[tuple[tuple[type[Exception], ...], Code, str]] = [
    ((exceptions.NotAuthenticated, exceptions.AuthenticationFailed, Unauthenticated), Code.UNAUTHORIZED, ""),
    ((TooManyAttempts,), Code.TOO_MANY_REQUEST, "Too many failed logins: try again later."),
    ((exceptions.ParseError,), Code.BAD_REQUEST, ""),
    ((exceptions.MethodNotAllowed,), Code.METHOD_NOT_ALLOWED, ""),
    ((exceptions.UnsupportedMediaType,), Code.UNSUPPORTED_MEDIA_TYPE, "The body must be application/json."),
    ((RequestDataTooBig,), Code.REQUEST_ENTITY_TOO_LARGE, "The body is too large."),
    ((Http404,), Code.NOT_FOUND, "There is nothing at this address."),
    ((PermissionDenied, exceptions.PermissionDenied), Code.FORBIDDEN, ""),
    ((SuspiciousOperation,), Code.BAD_REQUEST, "The request cannot be understood."),
    (
        (OperationalError, InterfaceError, Unavailable),
        Code.UNAVAILABLE,
        "The database or the store cannot be reached: try again later.",
    ),
]
_RETRY_SECONDS = 5


def respond(error: Exception, context: dict[str, Any]) -> HttpResponse:
    """Django REST framework's exception handler."""
    request: HttpRequest = context["request"]
    if isinstance(error, PortalError):
        return error_response(error.code, str(error), name=error.name, headers=_headers(error, error.code, request))
    if isinstance(error, OCIError):
        return error_response(_code_of(error), str(error), name=error.code.name)
    if isinstance(error, exceptions.ValidationError):
        return error_response(Code.UNPROCESSABLE_ENTITY, _first(error.detail))
    for kinds, code, message in _TABLE:
        if isinstance(error, kinds):
            return error_response(code, message or str(error), headers=_headers(error, code, request))
    log.error("The REST API failed", exc_info=error)
    return error_response(Code.UNKNOWN, "internal server error")


def _headers(error: Exception, code: Code, request: HttpRequest) -> dict[str, str]:
    # A caller who sent no credentials may be a page of ours, over which the browser would open its own dialogue.
    if code is Code.UNAUTHORIZED and "Authorization" in request.headers:
        return {"WWW-Authenticate": 'Basic realm="harbor"'}
    if code in {Code.TOO_MANY_REQUEST, Code.UNAVAILABLE}:
        return {"Retry-After": str(getattr(error, "retry_after", _RETRY_SECONDS))}
    return {}


def _code_of(error: OCIError) -> Code:
    """The registry's errors keep their names and statuses; Harbor's clients read the status."""
    return next((code for code in Code if code.value == error.status), Code.UNKNOWN)


def _first(detail: Any, path: str = "") -> str:
    """The first complaint of a validation, with the name of its field."""
    if isinstance(detail, dict):
        name, value = next(iter(detail.items()))
        return _first(value, f"{path}.{name}" if path else str(name))
    if isinstance(detail, list):
        return _first(next((item for item in detail if item), "invalid"), path)
    return f"{path}: {detail}" if path and path != "non_field_errors" else str(detail)
