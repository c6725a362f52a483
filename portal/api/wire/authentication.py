"""Who calls the REST API: a session of the site, a name with a password or a robot with its secret, or nobody."""

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from portal.access.authentication import identity_of
from portal.access.csrf import forgery
from portal.access.identity import ANONYMOUS, Identity
from portal.access.sessions import session_user
from portal.errors import Forbidden


class Authentication(BaseAuthentication):
    """Finds the identity behind a request. An Authorization header counts for more than a session."""

    def authenticate(self, request: Request) -> tuple[Identity, None]:
        """The identity; `ANONYMOUS` without credentials. Raises what the error table knows for wrong ones."""
        caller = identity_of(request._request)  # noqa: SLF001
        if caller is not None:
            return caller, None
        user = session_user(request._request)  # noqa: SLF001
        if user is None:
            return ANONYMOUS, None
        # A browser sends the session along with whatever a foreign page makes it send; the token it does not.
        if reason := forgery(request._request):  # noqa: SLF001
            raise Forbidden(f"CSRF token invalid: {reason}")
        return Identity(user=user, by_session=True), None
