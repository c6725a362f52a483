"""`/c/`: logging in and out of the site, by the forms that Harbor's clients send."""

from django.http import HttpRequest, HttpResponse, JsonResponse

from portal import limits
from portal.access.identity import ANONYMOUS, Identity
from portal.access.sessions import session_begin, session_end, session_user
from portal.accounts.login import login
from portal.accounts.models import User
from portal.accounts.names import username_key
from portal.clients import client_of_request
from portal.configuration.services import value
from portal.errors import Forbidden, Invalid, TooOften
from portal.failures import view
from registry.distribution.client import Client


@view("POST")
def log_in(request: HttpRequest) -> HttpResponse:
    """Begins a session for `principal` with `password`; the answer carries the cookie `sid`."""
    client = client_of_request(request)
    _not_too_often(client)
    user = login(request.POST.get("principal", ""), request.POST.get("password", ""), address=client.address)
    session_begin(request=request, user=user, origin=client.origin(Identity(user=user)))
    return HttpResponse(status=200)


@view("GET")
def log_out(request: HttpRequest) -> HttpResponse:
    """Ends the session."""
    identity = Identity(user=user, by_session=True) if (user := session_user(request)) else ANONYMOUS
    session_end(request=request, origin=client_of_request(request).origin(identity))
    return HttpResponse(status=200)


@view("POST")
def user_exists(request: HttpRequest) -> HttpResponse:
    """Whether a user name or mail address is taken, for administrators' forms and for those who may register themselves.

    Anybody else learns nothing, and whoever asks about many is slowed down as if they logged in.
    """
    user = session_user(request)
    if user is None or not user.is_admin:
        if not value("self_registration"):
            raise Forbidden("Only administrators may ask for this.")
        _not_too_often(client_of_request(request))
    text = request.POST.get("value", "").replace("\0", "")
    fields = {"username": ("username_key", username_key(text)), "email": ("email__iexact", text)}
    if request.POST.get("target") not in fields:
        raise Invalid("target is username or email.")
    column, wanted = fields[request.POST["target"]]
    return JsonResponse(User.objects.filter(**{column: wanted}).exists(), safe=False)


def _not_too_often(client: Client) -> None:
    if wait := limits.check(limits.address_key(client.address), "login"):
        raise TooOften(wait)
