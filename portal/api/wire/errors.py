"""Every failure of the REST API in one envelope: Django REST framework's here, all others in `portal.failures`."""

import logging
from typing import Any

from django.http import HttpResponse
from rest_framework import exceptions

from portal.errors import Code, error_response
from portal.failures import foreseen

log = logging.getLogger(__name__)

# An empty message stands for the exception's own.
_TABLE: dict[type[Exception], tuple[Code, str]] = {
    exceptions.ParseError: (Code.BAD_REQUEST, ""),
    exceptions.MethodNotAllowed: (Code.METHOD_NOT_ALLOWED, ""),
    exceptions.UnsupportedMediaType: (Code.UNSUPPORTED_MEDIA_TYPE, "The body must be application/json."),
}


def respond(error: Exception, context: dict[str, Any]) -> HttpResponse:
    """Django REST framework's exception handler."""
    if isinstance(error, exceptions.ValidationError):
        return error_response(Code.UNPROCESSABLE_ENTITY, _first(error.detail))
    if type(error) in _TABLE:
        code, message = _TABLE[type(error)]
        return error_response(code, message or str(error))
    answer = foreseen(error, challenge="Authorization" in context["request"].headers)
    if answer is None:
        log.error("The REST API failed", exc_info=error)
    return answer or error_response(Code.UNKNOWN, "internal server error")


def _first(detail: Any, path: str = "") -> str:
    """The first complaint of a validation, with the name of its field."""
    if isinstance(detail, dict):
        name, value = next(iter(detail.items()))
        return _first(value, f"{path}.{name}" if path else str(name))
    if isinstance(detail, list):
        return _first(next((item for item in detail if item), "invalid"), path)
    return f"{path}: {detail}" if path and path != "non_field_errors" else str(detail)
