"""`/users`: people's own accounts, and administrators' view of all of them."""

from typing import Any

from django.db.models.functions import Length
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from portal import limits
from portal.access.csrf import forgery
from portal.access.sessions import session_keep
from portal.accounts.login import confirm
from portal.accounts.models import User
from portal.accounts.names import BUILT_IN, check_password
from portal.accounts.passwords import is_password
from portal.accounts.services import (
    user_by_id,
    user_create,
    user_delete,
    user_set_admin,
    user_set_password,
    user_update,
)
from portal.api.wire import pages
from portal.api.wire.operations import Resource, operation
from portal.api.wire.query import Field, Fields, asked, boolean, conditions, moment, number
from portal.api.wire.rights import ANYONE, LOGGED_IN, of_system
from portal.api.wire.serializers import Flag, Moment, Text, Whole, Wire, many
from portal.configuration.services import value
from portal.errors import Forbidden, Invalid, Refused, TooOften, Unprocessable


class UserProfileSerializer(Wire):
    """What a person says about themselves."""

    email = Text(default="")
    realname = Text(default="")
    comment = Text(default="")


class UserSerializer(UserProfileSerializer):
    """A person."""

    user_id = Whole(source="pk")
    username = Text()
    sysadmin_flag = Flag(source="is_admin")
    admin_role_in_auth = Flag(default=False, help_text="Whether an identity provider made them administrator.")
    creation_time = Moment(source="created_at")
    update_time = Moment(source="updated_at")

    def to_representation(self, instance: User) -> dict[str, Any]:
        """What is known of them: Harbor leaves out a profile's empty texts too."""
        return {name: value for name, value in super().to_representation(instance).items() if value != ""}


class UserCreationSerializer(UserProfileSerializer):
    """A person to be."""

    username = Text(default="")
    password = Text(default="", write_only=True)


class UserSearchSerializer(Wire):
    """A person as others may find them."""

    user_id = Whole(source="pk")
    username = Text()


class UserPasswordSerializer(Wire):
    """Another password; whoever changes their own gives the old one too."""

    old_password = Text(default="", write_only=True)
    new_password = Text(default="", write_only=True)


class UserAdminSerializer(Wire):
    """Whether a person administers the system."""

    sysadmin_flag = Flag(default=False)


class UserSecretSerializer(Wire):
    """A secret for command-line clients."""

    secret = Text(default="", write_only=True)


FIELDS: Fields = {
    "user_id": Field("pk", number),
    "username": Field("username"),
    "email": Field("email"),
    "realname": Field("realname"),
    "comment": Field("comment"),
    "sysadmin_flag": Field("is_admin", boolean),
    "creation_time": Field("created_at", moment),
    "update_time": Field("updated_at", moment),
}


def profile(wanted: dict[str, Any]) -> dict[str, Any]:
    """The profile from a body. Raises Invalid where the mail address or the name is missing."""
    if not wanted["email"] or not wanted["realname"]:
        raise Invalid("A user needs an email and a realname.")
    return {name: wanted[name] for name in ("email", "realname", "comment")}


class Users(Resource):
    """`/users`."""

    @operation(
        "listUsers",
        tag="user",
        right=of_system("user", "list"),
        answers={200: UserSerializer(many=True)},
        parameters=[OpenApiParameter(name, str, description=f"Part of the {name}.") for name in ("username", "email")],
        listed=True,
        fields=FIELDS,
    )
    def get(self, request: Request) -> Response:
        """Everybody who can log in. The built-in administrator is told of only where q has a condition on user_id."""
        users = User.objects.all()
        if all(condition.key != "user_id" for condition in conditions(request.query_params.get("q", ""))):
            users = users.exclude(username_key=BUILT_IN)
        rows = asked(request, users, FIELDS, ("username",))
        for name in ("username", "email"):
            if text := request.query_params.get(name):
                rows = rows.filter(**{f"{name}__icontains": text})
        return pages.listed(request, rows, many(UserSerializer))

    @operation(
        "createUser",
        tag="user",
        right=ANYONE,
        body=UserCreationSerializer,
        answers={201: None},
        journal=("user.create",),
    )
    def post(self, request: Request) -> Response:
        """A new user: by an administrator, or by a visitor of the site where people may register themselves."""
        if not (value("self_registration") and self._visits_the_site(request)):
            self.require(of_system("user", "create"))
        wanted = self.read(UserCreationSerializer)
        user = user_create(
            username=wanted["username"], password=wanted["password"], **profile(wanted), origin=self.origin
        )
        return self.created(f"/users/{user.pk}")

    def _visits_the_site(self, request: Request) -> bool:
        """Whether the request comes from a page of the site. Such visitors are counted as if they logged in."""
        visitor = "Authorization" not in request.headers and not forgery(request._request)  # noqa: SLF001
        if visitor and (wait := limits.check(limits.address_key(self.origin.address), "login")):
            raise TooOften(wait)
        return visitor


class FoundUsers(Resource):
    """`/users/search`."""

    @operation(
        "searchUsers",
        tag="user",
        right=LOGGED_IN,
        answers={200: UserSearchSerializer(many=True)},
        parameters=[OpenApiParameter("username", str, required=True, description="Part of the name.")],
        listed=True,
    )
    def get(self, request: Request) -> Response:
        """The people with that in their names, the closest first."""
        name = request.query_params.get("username")
        if not name:
            raise Unprocessable("username in query is required")
        rows = User.objects.filter(username__icontains=name).order_by(Length("username"), "username")
        return pages.listed(request, rows, many(UserSearchSerializer))


class CurrentUser(Resource):
    """`/users/current`."""

    @operation("getCurrentUserInfo", tag="user", right=LOGGED_IN, answers={200: UserSerializer})
    def get(self, request: Request) -> Response:
        """Who is calling."""
        if self.identity.user is None:
            raise Refused("A robot account is not a user.")
        return Response(UserSerializer(self.identity.user).data)


class UserResource(Resource):
    """The base of what is done to one user."""

    def is_own(self, user_id: int) -> bool:
        """Whether the caller is that user."""
        return self.identity.user is not None and self.identity.user.pk == user_id

    def find(self, user_id: int, action: str) -> User:
        """The user, for themselves or who has that right on users. Raises Unauthorized, Forbidden or Missing.

        A robot with rights on users could otherwise make itself an administrator: those are changed only by their like.
        """
        if not self.is_own(user_id):
            self.require(of_system("user", action))
        user = user_by_id(user_id)
        if action != "read" and user.is_admin and not self.identity.is_admin:
            raise Forbidden("Only an administrator changes administrators.")
        return user


class OneUser(UserResource):
    """`/users/{user_id}`."""

    @operation("getUser", tag="user", right=LOGGED_IN, answers={200: UserSerializer})
    def get(self, request: Request, user_id: int) -> Response:
        """One user: oneself, or anybody for administrators."""
        return Response(UserSerializer(self.find(user_id, "read")).data)

    @operation(
        "updateUserProfile",
        tag="user",
        right=LOGGED_IN,
        body=UserProfileSerializer,
        answers={200: None},
        journal=("user.update",),
    )
    def put(self, request: Request, user_id: int) -> HttpResponse:
        """Replaces the profile, one's own or as an administrator anybody's."""
        user = self.find(user_id, "update")
        user_update(user=user, **profile(self.read(UserProfileSerializer)), origin=self.origin)
        return self.done()

    @operation(
        "deleteUser", tag="user", right=of_system("user", "delete"), answers={200: None}, journal=("user.delete",)
    )
    def delete(self, request: Request, user_id: int) -> HttpResponse:
        """Removes the user and their memberships."""
        user_delete(user=self.find(user_id, "delete"), origin=self.origin)
        return self.done()


class UserAdmin(UserResource):
    """`/users/{user_id}/sysadmin`."""

    @operation(
        "setUserSysAdmin",
        tag="user",
        right=of_system("user", "update"),
        body=UserAdminSerializer,
        answers={200: None},
        journal=("user.set_admin",),
    )
    def put(self, request: Request, user_id: int) -> HttpResponse:
        """Makes the user an administrator of the system, or no longer one. Only administrators appoint others."""
        user = self.find(user_id, "update")
        is_admin = self.read(UserAdminSerializer)["sysadmin_flag"]
        if is_admin and not self.identity.is_admin:
            raise Forbidden("Only an administrator appoints administrators.")
        user_set_admin(user=user, is_admin=is_admin, origin=self.origin)
        return self.done()


class UserPassword(UserResource):
    """`/users/{user_id}/password`."""

    @operation(
        "updateUserPassword",
        tag="user",
        right=LOGGED_IN,
        body=UserPasswordSerializer,
        answers={200: None},
        journal=("user.set_password",),
    )
    def put(self, request: Request, user_id: int) -> HttpResponse:
        """Another password for oneself, who gives the old one too, or as an administrator for anybody."""
        user = self.find(user_id, "update")
        wanted = self.read(UserPasswordSerializer)
        if self.is_own(user_id):
            confirm(user, wanted["old_password"], address=self.origin.address)
        if is_password(user, check_password(wanted["new_password"])):
            raise Invalid("The new password is the old one: choose another.")
        user = user_set_password(user=user, password=wanted["new_password"], origin=self.origin)
        if self.identity.by_session and self.is_own(user_id):
            session_keep(request=request._request, user=user)  # noqa: SLF001
        return self.done()


class UserSecret(Resource):
    """`/users/{user_id}/cli_secret`."""

    @operation(
        "setCliSecret",
        tag="user",
        right=LOGGED_IN,
        body=UserSecretSerializer,
        answers={200: None},
        changes_nothing="Such a secret belongs to people who log in with OIDC, which does not stand yet.",
    )
    def put(self, request: Request, user_id: int) -> HttpResponse:
        """A secret for command-line clients of people who log in with OIDC."""
        raise Refused("Only people who log in with OIDC have a CLI secret: use your password.")


PATHS = {
    "users": Users,
    "users/search": FoundUsers,
    "users/current": CurrentUser,
    "users/<int:user_id>": OneUser,
    "users/<int:user_id>/sysadmin": UserAdmin,
    "users/<int:user_id>/password": UserPassword,
    "users/<int:user_id>/cli_secret": UserSecret,
}
