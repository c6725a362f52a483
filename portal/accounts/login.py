"""Logging a person in by name or mail address, and password."""

from django.db.models import Q, Value
from django.db.models.functions import Lower

from audit.origin import Origin
from portal.accounts import passwords, throttle
from portal.accounts.models import User
from portal.accounts.names import username_key
from portal.errors import Forbidden
from registry.ports import Unauthenticated

WRONG = "wrong user name or password"


def login(username: str, password: str, *, address: str) -> User:
    """The active user with this name, or else this mail address, and password.

    Raises Unauthenticated, which does not tell a wrong name from a wrong password, or TooManyAttempts.
    """
    if "\0" in username:  # PostgreSQL takes none, and no name has one.
        raise Unauthenticated(WRONG)
    attempt = throttle.Attempt(username, address)
    before = throttle.check(attempt)
    user = _named(username)
    if user is None or (user, password) not in passwords.verified:
        user = _verify(attempt, user, password)
    if not user.is_active:
        raise Unauthenticated(WRONG)
    throttle.succeeded(attempt, before)
    return user


def confirm(user: User, password: str, *, address: str) -> None:
    """Makes sure that a user who is logged in knows their password. Raises Forbidden or TooManyAttempts."""
    try:
        login(user.username, password, address=address)
    except Unauthenticated as error:
        raise Forbidden("The old password is wrong.") from error


def _named(name: str) -> User | None:
    """The user of that name or mail address. One query whoever there is, so that its time tells nothing."""
    key = username_key(name)
    of_mail = Q(mail=Lower(Value(name))) & ~Q(email="")
    found = list(User.objects.alias(mail=Lower("email")).filter(Q(username_key=key) | of_mail))
    # Somebody may be called like another's address, which an address can be only once.
    return next((user for user in found if user.username_key == key), found[0] if found else None)


def _verify(attempt: throttle.Attempt, user: User | None, password: str) -> User:
    """Runs Argon2. Guesses sent side by side queue here, so each sees the failures of those before it."""
    with passwords.turn():
        throttle.check(attempt)
        if passwords.matches(user, password) and user is not None:
            return user
        origin = Origin(actor="anonymous", kind="anonymous", credential="password", address=attempt.address)
        throttle.failed(attempt, origin, account=user.username if user else "")
    raise Unauthenticated(WRONG)
