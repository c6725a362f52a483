"""In which projects a caller may do something, or anything at all: what lists and searches are narrowed to."""

from collections.abc import Callable, Iterable

from django.db.models import Q, QuerySet

from portal.access.identity import Identity
from portal.access.models import Robot, RobotPermission
from portal.access.policy import can, given
from portal.access.roles import ROLES, Permission
from portal.accounts.models import User
from portal.projects.models import Member, Project, Role


def visible_projects(identity: Identity) -> QuerySet[Project]:
    """All for an administrator; for others the public ones and those in which they have a role or were given a right."""
    if identity.is_admin:
        return Project.objects.all()
    public = Q(public=True)
    if identity.robot is not None:
        return Project.objects.filter(public | _of_robot(identity.robot, bool))
    return Project.objects.filter(public | _of_user(identity.user, ROLES) if identity.user else public)


def listed_projects(identity: Identity) -> QuerySet[Project]:
    """What a list of projects is made of: all for who may list those of the system, for others what they see."""
    return Project.objects.all() if can(identity, "project", "list") else visible_projects(identity)


def projects_with(identity: Identity, resource: str, action: str) -> QuerySet[Project]:
    """The projects in which a role, or a right given to a robot, includes the action; all for an administrator."""
    permission = (resource, action)
    if identity.robot is not None:
        return Project.objects.filter(_of_robot(identity.robot, lambda rights: permission in rights))
    if identity.user is None:
        return Project.objects.none()
    if identity.is_admin:
        return Project.objects.all()
    return Project.objects.filter(_of_user(identity.user, [role for role in ROLES if permission in ROLES[role]]))


def listing_projects(identity: Identity) -> QuerySet[Project]:
    """The visible projects whose repositories the caller may list: a robot may have been given other rights alone."""
    if identity.robot is None:
        return visible_projects(identity)
    listing = ("repository", "list")
    rows = [row for row in identity.robot.permissions.all() if row.kind == RobotPermission.Kind.PROJECT]
    denials = [
        row for row in rows if row.effect == RobotPermission.Effect.DENY and (row.resource, row.action) == listing
    ]
    denied = {row.project_id for row in denials}
    public = Q(pk__in=[]) if None in denied else Q(public=True) & ~Q(pk__in=denied)
    return Project.objects.filter(public | _of_robot(identity.robot, lambda rights: listing in rights))


def _of_user(user: User, roles: Iterable[Role]) -> Q:
    """The projects in which the user has one of the roles, by themselves or through a group."""
    members = Member.objects.filter(role__in=list(roles))
    own, of_groups = members.filter(user=user), members.filter(group__users=user)
    return Q(pk__in=own.values("project")) | Q(pk__in=of_groups.values("project"))


def _of_robot(robot: Robot, enough: Callable[[frozenset[Permission]], bool]) -> Q:
    """The projects in which the robot's rights are enough; exceptions to its rights may leave it none in some."""
    kind = RobotPermission.Kind.PROJECT
    named = {row.project_id for row in robot.permissions.all() if row.kind == kind and row.project_id is not None}
    good = {pk for pk in named if enough(given(robot, pk))}
    everywhere = enough(given(robot, 0))  # No project has this id: what is left are the rights in all of them.
    return ~Q(pk__in=named - good) if everywhere else Q(pk__in=good)
