"""`/projects/{p}/members`: which users and groups have which role in a project."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.db import transaction
from django.db.models.functions import Coalesce
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from portal.access.policy import check_appointment
from portal.accounts.groups import group_ensure, group_get
from portal.accounts.models import User, UserGroup
from portal.accounts.services import user_by_id, user_get
from portal.api.project_shapes import IS_NAME
from portal.api.wire import pages
from portal.api.wire.operations import Resource, operation
from portal.api.wire.rights import of_project
from portal.api.wire.serializers import Text, Whole, Wire, many
from portal.errors import Invalid, Missing
from portal.projects.models import Member, Project
from portal.projects.selectors import member_get, members_of
from portal.projects.services import member_add, member_remove, member_update

Holder = TypeVar("Holder", User, UserGroup)


class MemberUserSerializer(Wire):
    """A user, by id or by name."""

    user_id = Whole(default=0)
    username = Text(default="")


class MemberGroupSerializer(Wire):
    """A group, by id, or else by distinguished name or name and type; such a one is created if need be."""

    id = Whole(default=0)
    group_name = Text(default="")
    group_type = Whole(default=0)
    ldap_group_dn = Text(default="")


class ProjectMemberSerializer(Wire):
    """Who is to have a role: a user or a group."""

    role_id = Whole(default=0)
    member_user = MemberUserSerializer(required=False)
    member_group = MemberGroupSerializer(required=False)


class RoleRequestSerializer(Wire):
    """The role to have from now on."""

    role_id = Whole(default=0)


class ProjectMemberEntitySerializer(Wire):
    """A member; its entity is a user (u) or a group (g)."""

    id = Whole()
    project_id = Whole()
    entity_name = Text(source="holder")
    role_name = Text(source="get_role_display")
    role_id = Whole(source="role")
    entity_id = Whole(source="holder.pk")
    entity_type = Text(source="holder_type")


class Members(Resource):
    """`/projects/{project_name_or_id}/members`."""

    @operation(
        "listProjectMembers",
        tag="member",
        right=of_project("member", "list"),
        answers={200: ProjectMemberEntitySerializer(many=True)},
        parameters=[IS_NAME, OpenApiParameter("entityname", str, description="Part of the user's or group's name.")],
        listed=True,
    )
    def get(self, request: Request, project: Project) -> Response:
        """The members of the project, by name."""
        rows = Member.objects.filter(project=project).annotate(name=Coalesce("user__username", "group__name"))
        if request.query_params.get("entityname"):
            rows = rows.filter(name__icontains=request.query_params["entityname"])
        return pages.listed(
            request,
            rows.order_by("name", "pk"),
            many(ProjectMemberEntitySerializer),
            whole=members_of(project),
        )

    @operation(
        "createProjectMember",
        tag="member",
        right=of_project("member", "create"),
        body=ProjectMemberSerializer,
        answers={201: None},
        parameters=[IS_NAME],
        journal=("member.add",),
    )
    def post(self, request: Request, project: Project) -> Response:
        """Gives a user or a group a role in the project."""
        wanted = self.read(ProjectMemberSerializer)
        check_appointment(self.identity, wanted["role_id"], project)
        with transaction.atomic():
            user = _user(wanted.get("member_user") or {})
            group = None if user else self._group(wanted.get("member_group") or {})
            if user is None and group is None:
                raise Invalid("Say in member_user or member_group who is to become a member.")
            member = member_add(project=project, user=user, group=group, role=wanted["role_id"], origin=self.origin)
        return self.created(f"/projects/{project.pk}/members/{member.pk}")

    def _group(self, wanted: dict[str, Any]) -> UserGroup | None:
        """The group that a body means; one that a directory or an identity provider will tell of may be new here."""
        if wanted.get("id"):
            return _numbered(group_get, wanted["id"])
        name, ldap_dn = wanted.get("group_name", ""), wanted.get("ldap_group_dn", "")
        if not (name or ldap_dn):
            return None
        kind = wanted["group_type"] or (UserGroup.Type.LDAP if ldap_dn else 0)
        return group_ensure(name=name, kind=kind, ldap_dn=ldap_dn, origin=self.origin)


class OneMember(Resource):
    """`/projects/{project_name_or_id}/members/{mid}`."""

    @operation(
        "getProjectMember",
        tag="member",
        right=of_project("member", "read"),
        answers={200: ProjectMemberEntitySerializer},
        parameters=[IS_NAME],
    )
    def get(self, request: Request, project: Project, mid: int) -> Response:
        """One member."""
        return Response(ProjectMemberEntitySerializer(member_get(project, mid)).data)

    @operation(
        "updateProjectMember",
        tag="member",
        right=of_project("member", "update"),
        body=RoleRequestSerializer,
        answers={200: None},
        parameters=[IS_NAME],
        journal=("member.update",),
    )
    def put(self, request: Request, project: Project, mid: int) -> HttpResponse:
        """Another role for a member."""
        member, role = member_get(project, mid), self.read(RoleRequestSerializer)["role_id"]
        check_appointment(self.identity, role, project)
        member_update(member=member, role=role, origin=self.origin)
        return self.done()

    @operation(
        "deleteProjectMember",
        tag="member",
        right=of_project("member", "delete"),
        answers={200: None},
        parameters=[IS_NAME],
        journal=("member.remove",),
    )
    def delete(self, request: Request, project: Project, mid: int) -> HttpResponse:
        """Takes a member's role in the project away."""
        member_remove(member=member_get(project, mid), origin=self.origin)
        return self.done()


def _user(wanted: dict[str, Any]) -> User | None:
    """The user that a body means. Raises Missing for an unknown name."""
    if wanted.get("user_id"):
        return _numbered(user_by_id, wanted["user_id"])
    return user_get(wanted["username"]) if wanted.get("username") else None


def _numbered(find: Callable[[int], Holder], number: int) -> Holder:
    """The user or group of that number. Raises Invalid where there is none, as Harbor does."""
    try:
        return find(number)
    except Missing as error:
        raise Invalid(str(error)) from None


PATHS = {
    "projects/<str:project_name_or_id>/members": Members,
    "projects/<str:project_name_or_id>/members/<int:mid>": OneMember,
}
