"""`/permissions` and `/users/current/permissions`: what robots can be given, and what the caller may do."""

import re
from collections.abc import Iterable
from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from portal.access.identity import Identity
from portal.access.policy import permissions
from portal.access.roles import ROBOT_PROJECT, ROBOT_SYSTEM, ROLES, SYSTEM, Permission
from portal.api.wire.operations import Resource, operation
from portal.api.wire.rights import LOGGED_IN
from portal.api.wire.serializers import Text, Wire
from portal.errors import Forbidden
from portal.projects.models import Member, Project, Role
from portal.projects.selectors import project_named

SCOPE = re.compile(r"/project/([0-9]{1,18})(?:/|$)")
IN_PROJECTS = frozenset[Permission]().union(*ROLES.values())


class PermissionSerializer(Wire):
    """An action on a resource."""

    resource = Text()
    action = Text()


class PermissionsSerializer(Wire):
    """What robots can be given in the system, and in projects."""

    system = PermissionSerializer(many=True, required=False)
    project = PermissionSerializer(many=True)


def shown(held: Iterable[Permission]) -> list[dict[str, str]]:
    """The permissions in the order of their names."""
    return [{"resource": resource, "action": action} for resource, action in sorted(held)]


def administers_a_project(identity: Identity) -> bool:
    """Whether the caller is projectAdmin anywhere, by themselves or through a group."""
    members = Member.objects.filter(role=Role.PROJECT_ADMIN)
    user = identity.user
    return user is not None and members.filter(user=user).union(members.filter(group__users=user)).exists()


class Permissions(Resource):
    """`/permissions`."""

    @operation("getPermissions", tag="permissions", right=LOGGED_IN, answers={200: PermissionsSerializer})
    def get(self, request: Request) -> Response:
        """What robots can be given: in projects for those who administer one, in the system for administrators too."""
        found: dict[str, Any] = {"project": shown(ROBOT_PROJECT)}
        if self.identity.is_admin:
            found["system"] = shown(ROBOT_SYSTEM)
        elif not administers_a_project(self.identity):
            raise Forbidden("Only administrators of the system or of a project create robots.")
        return Response(found)


class OwnPermissions(Resource):
    """`/users/current/permissions`."""

    @operation(
        "getCurrentUserPermissions",
        tag="user",
        right=LOGGED_IN,
        answers={200: PermissionSerializer(many=True)},
        parameters=[
            OpenApiParameter("scope", str, description="/project/<id> or /system."),
            OpenApiParameter("relative", bool, description="Whether resources are named without the scope."),
        ],
    )
    def get(self, request: Request) -> Response:
        """What the caller may do in the scope; nothing without one."""
        scope = request.query_params.get("scope", "")
        found = self._permissions(scope)
        if request.query_params.get("relative", "").lower() in {"true", "1"}:
            found = [(below, action) for name, action in found if (below := _below(scope.rstrip("/"), name))]
        return Response(shown(found))

    def _permissions(self, scope: str) -> list[Permission]:
        """What the caller may do to the resources of the system or of a project, which are named with the scope."""
        if _below("/system", scope):
            return [(f"/system/{resource}", action) for resource, action in self._held(SYSTEM)]
        match = SCOPE.match(scope)
        found = project_named(match[1], or_id=True) if match else None
        if found is None:
            return []
        root = f"/project/{found.pk}"
        held = self._held(IN_PROJECTS, found)
        return [(root if resource == "project" else f"{root}/{resource}", action) for resource, action in held]

    def _held(self, catalogue: frozenset[Permission], where: Project | None = None) -> frozenset[Permission]:
        return catalogue if self.identity.is_admin else catalogue & permissions(self.identity, where)


def _below(scope: str, name: str) -> str:
    """What is left of a name in the scope, `.` where it is the scope itself; empty where it is somewhere else."""
    if name == scope:
        return "."
    return name.removeprefix(f"{scope}/") if name.startswith(f"{scope}/") else ""


PATHS = {
    "permissions": Permissions,
    "users/current/permissions": OwnPermissions,
}
