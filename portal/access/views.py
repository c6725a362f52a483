"""`GET /service/token`: exchanges credentials, or none, for a registry token."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from portal.access import tokens
from portal.access.authentication import authenticate, parse_basic
from portal.access.identity import ANONYMOUS, Identity
from portal.access.scopes import parse_scopes
from portal.clients import client_of_request
from portal.errors import Code, Invalid, error_response
from registry.ports import TooManyAttempts, Unauthenticated


@csrf_exempt  # A refused POST must say 405: with it containerd falls back to GET, with the 403 of CSRF it gives up.
def token(request: HttpRequest) -> HttpResponse:
    """The token, as the distribution specification has it. Rights that are not there are missing from it, no error."""
    if request.method != "GET":
        message = "Tokens are given out to GET requests only."
        return error_response(Code.METHOD_NOT_ALLOWED, message, headers={"Allow": "GET"})
    if request.GET.get("service") != tokens.AUDIENCE:
        return error_response(Code.BAD_REQUEST, f"This service is called {tokens.AUDIENCE}.")
    try:
        return _answer(_issue(request))
    except Invalid as error:
        return error_response(error.code, str(error))
    except Unauthenticated as error:
        return error_response(Code.UNAUTHORIZED, str(error), headers={"WWW-Authenticate": 'Basic realm="harbor"'})
    except TooManyAttempts as error:
        headers = {"Retry-After": str(error.retry_after)}
        return error_response(Code.TOO_MANY_REQUEST, "Too many failed logins: try again later.", headers=headers)


def _issue(request: HttpRequest) -> tokens.Issued:
    scopes = parse_scopes(request.GET.getlist("scope"))
    identity = _identity(request)
    if identity is ANONYMOUS and not scopes:
        raise Unauthenticated("log in, or name a scope")
    return tokens.issue(identity, scopes)


def _identity(request: HttpRequest) -> Identity:
    header = request.headers.get("Authorization")
    if header is None:
        return ANONYMOUS
    name, password = parse_basic(header.encode("latin-1", errors="replace"))
    return authenticate(name, password, address=client_of_request(request).address)


def _answer(issued: tokens.Issued) -> HttpResponse:
    """Old clients read `token`, newer ones `access_token`."""
    body = {
        "token": issued.token,
        "access_token": issued.token,
        "expires_in": issued.expires_in,
        "issued_at": issued.issued_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return JsonResponse(body, headers={"Cache-Control": "no-store"})
