"""Who calls the REST API: a session of the site, a name with a password or a robot with its secret, or nobody."""

from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from portal.access.authentication import authenticate, parse_basic
from portal.access.csrf import forgery
from portal.access.identity import ANONYMOUS, Identity
from portal.access.sessions import session_user
from portal.clients import client_of_request


class Authentication(BaseAuthentication):
    """Finds the identity behind a request. An Authorization header counts for more than a session."""

    def authenticate(self, request: Request) -> tuple[Identity, None]:
        """The identity; `ANONYMOUS` without credentials. Raises what the error table knows for wrong ones."""
        header = request.headers.get("Authorization")
        if header is not None:
            name, password = parse_basic(header.encode("latin-1", errors="replace"))
            return authenticate(name, password, address=client_of_request(request._request).address), None  # noqa: SLF001
        user = session_user(request._request)  # noqa: SLF001
        if user is None:
            return ANONYMOUS, None
        # A browser sends the session along with whatever a foreign page makes it send; the token it does not.
        if reason := forgery(request._request):  # noqa: SLF001
            raise exceptions.PermissionDenied(f"CSRF token invalid: {reason}")
        return Identity(user=user, by_session=True), None
