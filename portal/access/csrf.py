"""The token against forged requests, in the headers that Harbor's clients know."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware, get_token

from portal.errors import Code, error_response

HEADER = "X-Harbor-CSRF-Token"
_PREFIXES = ("/api/", "/c/")


class TokenMiddleware:
    """Hands the token to whoever calls without an Authorization header: they may be about to log in, or are a browser.

    It stands inside of Django's middleware, which sets the cookie that goes with the token.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answers with the token in a header, as it is after a login has replaced it."""
        response = self._get_response(request)
        if request.path.startswith(_PREFIXES) and "Authorization" not in request.headers:
            response[HEADER] = get_token(request)
        return response


class ForgeryMiddleware(CsrfViewMiddleware):
    """Django's check, for clients that are no browsers too: those name no page that they come from."""

    def _check_referer(self, request: HttpRequest) -> None:
        if "Referer" in request.headers:
            super()._check_referer(request)  # type: ignore[misc] # Private, so that the stubs do not know it.


class _Check(ForgeryMiddleware):
    """The same, which tells the reason."""

    def _reject(self, _request: HttpRequest, reason: str) -> str:
        return reason


def forgery(request: HttpRequest) -> str:
    """Why the request may have been forged: its token or its origin is wrong. Empty if all is well."""

    def view(_request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    check = _Check(view)
    check.process_request(request)
    return str(check.process_view(request, view, (), {}) or "")


def refuse(_request: HttpRequest, reason: str = "") -> HttpResponse:
    """A request outside the REST API whose token is missing or wrong."""
    return error_response(Code.FORBIDDEN, f"CSRF token invalid: {reason}")
