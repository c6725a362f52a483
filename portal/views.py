"""The few answers that belong to no feature: which API is this, and the error pages."""

import sys

from django.http import HttpRequest, HttpResponse, JsonResponse

from portal.errors import Code, error_response
from portal.failures import foreseen, view


@view("GET", "HEAD")
def version(_request: HttpRequest) -> HttpResponse:
    """Which REST API is spoken here."""
    return JsonResponse({"version": "v2.0"})


def refused(_request: HttpRequest, exception: Exception) -> HttpResponse:
    """What Django itself refused, or did not find."""
    return _answer(exception)


def failed(_request: HttpRequest) -> HttpResponse:
    """An error of ours; where the database is out of reach, one that passes."""
    return _answer(sys.exception())


def _answer(error: BaseException | None) -> HttpResponse:
    return foreseen(error) or error_response(Code.UNKNOWN, "internal server error")
