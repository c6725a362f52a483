"""`GET /service/token`: exchanges credentials, or none, for a registry token."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from portal.access import tokens
from portal.access.authentication import identity_of
from portal.access.identity import ANONYMOUS
from portal.access.scopes import parse_scopes
from portal.errors import Invalid
from portal.failures import view
from registry.ports import Unauthenticated


@csrf_exempt  # A refused POST must say 405: with it containerd falls back to GET, with the 403 of CSRF it gives up.
@view("GET", challenge=True)
def token(request: HttpRequest) -> HttpResponse:
    """The token, as the distribution specification has it. Rights that are not there are missing from it, no error."""
    if request.GET.get("service") != tokens.AUDIENCE:
        raise Invalid(f"This service is called {tokens.AUDIENCE}.")
    return _answer(_issue(request))


def _issue(request: HttpRequest) -> tokens.Issued:
    scopes = parse_scopes(request.GET.getlist("scope"))
    identity = identity_of(request) or ANONYMOUS
    if identity is ANONYMOUS and not scopes:
        raise Unauthenticated("log in, or name a scope")
    return tokens.issue(identity, scopes)


def _answer(issued: tokens.Issued) -> HttpResponse:
    """Old clients read `token`, newer ones `access_token`."""
    body = {
        "token": issued.token,
        "access_token": issued.token,
        "expires_in": issued.expires_in,
        "issued_at": issued.issued_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return JsonResponse(body, headers={"Cache-Control": "no-store"})
