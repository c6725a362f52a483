"""Which projects a caller may see at all: what lists and searches are narrowed to."""

from django.db.models import Q, QuerySet

from portal.access.identity import Identity
from portal.access.models import Robot, RobotPermission
from portal.access.policy import given
from portal.access.roles import ROLES
from portal.projects.models import Member, Project


def visible_projects(identity: Identity) -> QuerySet[Project]:
    """All for an administrator; for others the public ones and those in which they have a role or were given a right."""
    public = Q(public=True)
    if identity.robot is not None:
        return Project.objects.filter(public | _of_robot(identity.robot))
    if identity.user is None:
        return Project.objects.filter(public)
    if identity.user.is_admin:
        return Project.objects.all()
    own = Member.objects.filter(user=identity.user).values("project")
    of_groups = Member.objects.filter(group__users=identity.user).values("project")
    return Project.objects.filter(public | Q(pk__in=own) | Q(pk__in=of_groups))


def projects_with(identity: Identity, resource: str, action: str) -> QuerySet[Project]:
    """The projects in which a role, or a right given to a robot, includes the action; all for an administrator."""
    if identity.user is None and identity.robot is None:
        return Project.objects.none()
    if identity.user is not None:
        if identity.user.is_admin:
            return Project.objects.all()
        roles = [role for role, rights in ROLES.items() if (resource, action) in rights]
        held = Member.objects.filter(Q(user=identity.user) | Q(group__users=identity.user), role__in=roles)
        return Project.objects.filter(pk__in=held.values("project"))
    assert identity.robot is not None
    rows = [row for row in identity.robot.permissions.all() if row.kind == RobotPermission.Kind.PROJECT]
    named = {row.project_id for row in rows if row.project_id is not None}
    holding = {pk for pk in named if (resource, action) in given(identity.robot, pk)}
    everywhere = (resource, action) in given(identity.robot, 0)
    return Project.objects.filter(~Q(pk__in=named - holding) if everywhere else Q(pk__in=holding))


def _of_robot(robot: Robot) -> Q:
    """The projects in which the robot has a right; exceptions to its rights may leave it none in some."""
    rows = [row for row in robot.permissions.all() if row.kind == RobotPermission.Kind.PROJECT]
    named = {row.project_id for row in rows if row.project_id is not None}
    seen = {pk for pk in named if given(robot, pk)}
    everywhere = any(row.project_id is None for row in rows) and bool(given(robot, 0))
    return ~Q(pk__in=named - seen) if everywhere else Q(pk__in=seen)
