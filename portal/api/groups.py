"""`/usergroups`: groups of people, as a directory or an identity provider knows them."""

from django.db.models.functions import Length
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from portal.accounts.groups import group_create, group_delete, group_get, group_rename, plain_dn
from portal.accounts.models import UserGroup
from portal.api.wire import pages
from portal.api.wire.operations import Resource, operation
from portal.api.wire.rights import LOGGED_IN, of_system
from portal.api.wire.serializers import Text, Whole, Wire, many
from portal.errors import Unprocessable


class UserGroupSerializer(Wire):
    """A group. `group_type` is 1 for LDAP, 2 for HTTP authentication, 3 for OIDC."""

    id = Whole(read_only=True)
    group_name = Text(source="name", default="")
    group_type = Whole(source="type", default=0)
    ldap_group_dn = Text(source="ldap_dn", default="")


class UserGroupSearchSerializer(Wire):
    """A group as anybody may find it."""

    id = Whole()
    group_name = Text(source="name")
    group_type = Whole(source="type")


class UserGroups(Resource):
    """`/usergroups`."""

    @operation(
        "listUserGroups",
        tag="usergroup",
        right=of_system("user-group", "list"),
        answers={200: UserGroupSerializer(many=True)},
        parameters=[
            OpenApiParameter("group_name", str, description="Part of the name."),
            OpenApiParameter("ldap_group_dn", str, description="The distinguished name of a group of LDAP."),
        ],
        listed=True,
    )
    def get(self, request: Request) -> Response:
        """Every group."""
        rows = UserGroup.objects.order_by("name", "pk")
        if name := request.query_params.get("group_name"):
            rows = rows.filter(name__icontains=name)
        if dn := request.query_params.get("ldap_group_dn"):
            rows = rows.filter(ldap_dn=plain_dn(dn))
        return pages.listed(request, rows, many(UserGroupSerializer))

    @operation(
        "createUserGroup",
        tag="usergroup",
        right=of_system("user-group", "create"),
        body=UserGroupSerializer,
        answers={201: None},
        journal=("usergroup.create",),
    )
    def post(self, request: Request) -> Response:
        """A new group, to which projects can give roles."""
        wanted = self.read(UserGroupSerializer)
        group = group_create(name=wanted["name"], kind=wanted["type"], ldap_dn=wanted["ldap_dn"], origin=self.origin)
        return self.created(f"/usergroups/{group.pk}")


class FoundUserGroups(Resource):
    """`/usergroups/search`."""

    @operation(
        "searchUserGroups",
        tag="usergroup",
        right=LOGGED_IN,
        answers={200: UserGroupSearchSerializer(many=True)},
        parameters=[OpenApiParameter("groupname", str, required=True, description="Part of the name.")],
        listed=True,
    )
    def get(self, request: Request) -> Response:
        """The groups with that in their names, the closest first."""
        name = request.query_params.get("groupname")
        if not name:
            raise Unprocessable("groupname in query is required")
        rows = UserGroup.objects.filter(name__icontains=name).order_by(Length("name"), "name", "pk")
        return pages.listed(request, rows, many(UserGroupSearchSerializer))


class OneUserGroup(Resource):
    """`/usergroups/{group_id}`."""

    @operation(
        "getUserGroup", tag="usergroup", right=of_system("user-group", "read"), answers={200: UserGroupSerializer}
    )
    def get(self, request: Request, group_id: int) -> Response:
        """One group."""
        return Response(UserGroupSerializer(group_get(group_id)).data)

    @operation(
        "updateUserGroup",
        tag="usergroup",
        right=of_system("user-group", "update"),
        body=UserGroupSerializer,
        answers={200: None},
        journal=("usergroup.update",),
    )
    def put(self, request: Request, group_id: int) -> HttpResponse:
        """Another name for the group; nothing else of it can be changed."""
        group = group_get(group_id)
        group_rename(group=group, name=self.read(UserGroupSerializer)["name"], origin=self.origin)
        return self.done()

    @operation(
        "deleteUserGroup",
        tag="usergroup",
        right=of_system("user-group", "delete"),
        answers={200: None},
        journal=("usergroup.delete",),
    )
    def delete(self, request: Request, group_id: int) -> HttpResponse:
        """Removes the group, and with it the roles that projects gave it."""
        group_delete(group=group_get(group_id), origin=self.origin)
        return self.done()


PATHS = {
    "usergroups": UserGroups,
    "usergroups/search": FoundUserGroups,
    "usergroups/<int:group_id>": OneUserGroup,
}
