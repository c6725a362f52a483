"""What can be done to users. Each verb validates, changes and journals in one transaction.

Whether `origin` may do so is asked of `portal.access` before.
"""

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError, Q

from audit.journal import record
from audit.origin import Origin
from portal.accounts.models import User
from portal.accounts.names import BUILT_IN, LONGEST, check_password, check_username, username_key
from portal.accounts.passwords import hashed
from portal.errors import Conflict, Forbidden, Invalid, Missing, Refused

PROFILE = ("email", "realname", "comment")


def user_get(username: str) -> User:
    """The user called so, whatever the case. Raises Missing."""
    user = User.objects.filter(username_key=username_key(username)).first()
    if user is None:
        raise Missing(f"There is no user {username}.")
    return user


def user_by_id(user_id: int) -> User:
    """The user of that id. Raises Missing."""
    user = User.objects.filter(pk=user_id).first()
    if user is None:
        raise Missing(f"user {user_id} not found")
    return user


def user_create(
    *,
    username: str,
    password: str,
    email: str = "",
    realname: str = "",
    comment: str = "",
    is_admin: bool = False,
    origin: Origin,
) -> User:
    """A new user. Raises Invalid, or Conflict when the name or the mail address is taken."""
    user = User(username=check_username(username), is_admin=is_admin)
    _set_profile(user, email=email, realname=realname, comment=comment)
    # Argon2 takes its time: nobody else's transaction should wait for it.
    user.password = hashed(check_password(password))
    with transaction.atomic():
        _save(user)
        record(origin, "user.create", target=user.username, after={"email": user.email, "is_admin": is_admin})
    return user


@transaction.atomic
def user_update(*, user: User, email: str, realname: str, comment: str, origin: Origin) -> User:
    """Replaces the user's profile. Raises Invalid or Conflict."""
    user = _locked(user)
    before = {name: getattr(user, name) for name in PROFILE}
    _set_profile(user, email=email, realname=realname, comment=comment)
    _save(user)
    record(origin, "user.update", target=user.username, before=before, after={n: getattr(user, n) for n in PROFILE})
    return user


def user_set_password(*, user: User, password: str, origin: Origin) -> User:
    """Gives the user another password, effective at once; their sessions end. Raises Invalid."""
    fresh = hashed(check_password(password))
    with transaction.atomic():
        user = _locked(user)
        user.password = fresh
        user.save(update_fields=["password", "updated_at"])
        record(origin, "user.set_password", target=user.username)
    return user


@transaction.atomic
def user_set_admin(*, user: User, is_admin: bool, origin: Origin) -> User:
    """Makes the user a system administrator, or no longer one. Raises Refused for the last one."""
    user = _locked(user) if is_admin else _dismissed(user)
    before, user.is_admin = user.is_admin, is_admin
    user.save(update_fields=["is_admin", "updated_at"])
    record(origin, "user.set_admin", target=user.username, before={"is_admin": before}, after={"is_admin": is_admin})
    return user


@transaction.atomic
def user_set_active(*, user: User, is_active: bool, origin: Origin) -> User:
    """Lets the user log in, or no longer. Raises Refused for the last administrator."""
    user = _locked(user) if is_active else _dismissed(user)
    before, user.is_active = user.is_active, is_active
    user.save(update_fields=["is_active", "updated_at"])
    record(
        origin, "user.set_active", target=user.username, before={"is_active": before}, after={"is_active": is_active}
    )
    return user


@transaction.atomic
def user_delete(*, user: User, origin: Origin) -> None:
    """Removes the user and their memberships.

    Raises Forbidden for oneself and for the built-in administrator, Refused for the last administrator.
    """
    if user.username_key == BUILT_IN:
        raise Forbidden(f"The built-in administrator {user.username} cannot be deleted.")
    if origin.kind == "user" and username_key(origin.actor) == user.username_key:
        raise Forbidden("You cannot delete yourself: ask another administrator.")
    user = _dismissed(user)
    try:
        user.delete()
    except ProtectedError as error:
        raise Refused(f"User {user.username} is still in use and cannot be deleted.") from error
    record(origin, "user.delete", target=user.username, before={"email": user.email, "is_admin": user.is_admin})


def _locked(user: User) -> User:
    found = User.objects.select_for_update().filter(pk=user.pk).first()
    if found is None:
        raise Missing(f"There is no user {user.username}.")
    return found


def _dismissed(user: User) -> User:
    """The user, locked, who may be an administrator no longer. Raises Missing, or Refused for the last one.

    All administrators are locked with them, so that two cannot remove each other at the same moment, and in one order,
    so that neither waits for the other.
    """
    concerned = Q(pk=user.pk) | Q(is_admin=True, is_active=True)
    rows = {row.pk: row for row in User.objects.select_for_update().filter(concerned).order_by("pk")}
    if user.pk not in rows:
        raise Missing(f"There is no user {user.username}.")
    if {pk for pk, row in rows.items() if row.is_admin and row.is_active} == {user.pk}:
        raise Refused(f"{user.username} is the last active administrator: appoint another one first.")
    return rows[user.pk]


def _set_profile(user: User, **values: str) -> None:
    for name, value in values.items():
        if len(value) > LONGEST or not value.isprintable():
            raise Invalid(f"The {name} has at most 255 printable characters.")
        setattr(user, name, value)
    if user.email and "@" not in user.email[1:-1]:
        raise Invalid(f"{user.email} is not a mail address.")


def _save(user: User) -> None:
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError as error:
        raise Conflict(f"The name {user.username} or its mail address belongs to another user.") from error
