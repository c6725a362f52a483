"""The one answer to "may they?", for users, robots and anonymous callers."""

from collections.abc import Iterable

from portal.access.identity import Identity
from portal.access.models import Robot, RobotPermission
from portal.access.roles import PUBLIC, ROLES, Permission
from portal.projects.models import Member, Project, Role


def can(identity: Identity, resource: str, action: str, project: Project | None = None) -> bool:
    """Whether the identity has `action` on `resource` of the project, or of the system when there is no project."""
    return bool(granted(identity, resource, (action,), project))


def granted(identity: Identity, resource: str, actions: Iterable[str], project: Project | None = None) -> list[str]:
    """Those of the actions that the identity has on the resource, in the order given."""
    if identity.user is not None and identity.user.is_admin:
        return list(actions)
    held = permissions(identity, project)
    return [action for action in actions if (resource, action) in held]


def permissions(identity: Identity, project: Project | None = None) -> frozenset[Permission]:
    """Every permission of an identity that is no administrator, in the project or (None) in the system."""
    if identity.robot is not None:
        return _robot(identity.robot, project)
    if project is None:
        return frozenset()
    granted = PUBLIC if project.public else frozenset()
    if identity.user is not None:
        for role in Member.objects.filter(project=project, user=identity.user).values_list("role", flat=True):
            granted |= ROLES[Role(role)]
    return granted


def _robot(robot: Robot, project: Project | None) -> frozenset[Permission]:
    """What the robot was given and not denied, and in a public project what anybody may do."""
    scopes = (None,) if project is None else (None, project.pk)
    kind = RobotPermission.Kind.SYSTEM if project is None else RobotPermission.Kind.PROJECT
    # All rows are read at once and kept with the robot, for one token may name many projects.
    rows = [row for row in robot.permissions.all() if row.kind == kind and row.project_id in scopes]
    denied = {(row.resource, row.action) for row in rows if row.effect == RobotPermission.Effect.DENY}
    allowed = frozenset((row.resource, row.action) for row in rows) - denied
    if project is not None and project.public:
        allowed |= PUBLIC - denied
    return allowed
