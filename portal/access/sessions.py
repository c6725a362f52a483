"""Sessions of the site: a cookie `sid` that stands for a person who logged in."""

import time

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth import login as begin
from django.contrib.auth import logout as end
from django.contrib.auth import update_session_auth_hash as keep
from django.contrib.auth.backends import BaseBackend
from django.contrib.sessions.middleware import SessionMiddleware
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from audit.journal import record
from audit.origin import Origin
from portal.accounts.models import User
from portal.configuration.services import value

_SEEN = "seen"
_RENEWED_EVERY = 60  # seconds
_NO_RENEWAL = "X-Harbor-No-Session-Renewal"


class Sessions(SessionMiddleware):
    """Django's, which never sees a cookie that is no key of a session: PostgreSQL would choke on a NUL in one."""

    def process_request(self, request: HttpRequest) -> None:
        """Finds the session of a request."""
        key = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
        if not (key.isascii() and key.isalnum()):
            request.COOKIES.pop(settings.SESSION_COOKIE_NAME, None)
        super().process_request(request)


class SessionBackend(BaseBackend):
    """Lets Django find the person behind a session. Passwords are checked in `portal.accounts.login` alone."""

    def get_user(self, user_id: int) -> User | None:
        """The user, while they may log in."""
        return User.objects.filter(pk=user_id, is_active=True).first()


@transaction.atomic
def session_begin(*, request: HttpRequest, user: User, origin: Origin) -> None:
    """Begins a session for a person whose password was just verified."""
    begin(request, user, backend="portal.access.sessions.SessionBackend")
    request.session.set_expiry(value("session_timeout") * 60)
    request.session[_SEEN] = int(time.time())
    record(origin, "user.login", target=user.username)


@transaction.atomic
def session_end(*, request: HttpRequest, origin: Origin) -> None:
    """Ends the request's session, if it has one."""
    user = session_user(request)
    end(request)
    if user is not None:
        record(origin, "user.logout", target=user.username)


def session_keep(*, request: HttpRequest, user: User) -> None:
    """Lets the request's session go on although its user has changed their password, which ends all others."""
    request.user = user
    keep(request, user)


def sessions_forget() -> int:
    """Removes the sessions whose time is over, and returns how many they were."""
    return Session.objects.filter(expire_date__lt=timezone.now()).delete()[0]


def session_user(request: HttpRequest) -> User | None:
    """The person behind the request's session cookie; using a session prolongs it, unless the request asks not to."""
    if not request.COOKIES.get("sid"):
        return None
    user = get_user(request)
    if not isinstance(user, User):
        return None
    now = int(time.time())
    if now - request.session.get(_SEEN, 0) > _RENEWED_EVERY and _NO_RENEWAL not in request.headers:
        request.session.set_expiry(value("session_timeout") * 60)
        request.session[_SEEN] = now
    return user
