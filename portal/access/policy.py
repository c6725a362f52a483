"""The one answer to "may they?", for users, robots and anonymous callers."""

from collections.abc import Iterable

from portal.access.identity import Identity
from portal.access.models import Robot, RobotPermission
from portal.access.roles import PUBLIC, ROBOT_PROJECT, ROLES, Permission
from portal.accounts.models import User
from portal.errors import Forbidden
from portal.projects.models import Member, Project, Role


def can(identity: Identity, resource: str, action: str, project: Project | None = None) -> bool:
    """Whether the identity has `action` on `resource` of the project, or of the system when there is no project."""
    return bool(granted(identity, resource, (action,), project))


def granted(identity: Identity, resource: str, actions: Iterable[str], project: Project | None = None) -> list[str]:
    """Those of the actions that the identity has on the resource, in the order given."""
    if identity.is_admin:
        return list(actions)
    held = permissions(identity, project)
    return [action for action in actions if (resource, action) in held]


def permissions(identity: Identity, project: Project | None = None) -> frozenset[Permission]:
    """Every permission of an identity that is no administrator, in the project or (None) in the system."""
    if identity.robot is not None:
        return _robot(identity.robot, project)
    if project is None:
        return frozenset()
    held = PUBLIC if project.public else frozenset()
    if identity.user is not None:
        for role in roles(identity.user, [project.pk]).get(project.pk, ()):
            held |= ROLES[role]
    return held


def roles(user: User, projects: Iterable[int]) -> dict[int, set[Role]]:
    """The roles that the user has in those of the projects (by id) where they have any: their own and their groups'."""
    members = Member.objects.filter(project__in=list(projects)).values_list("project", "role")
    found: dict[int, set[Role]] = {}
    for project, role in members.filter(user=user).union(members.filter(group__users=user)):
        found.setdefault(project, set()).add(Role(role))
    return found


def given(robot: Robot, project: int | None) -> frozenset[Permission]:
    """What the robot was given and not denied in the project of that id, or (None) in the system."""
    allowed, denied = _rows(robot, project)
    return allowed - denied


def check_appointment(identity: Identity, role: int, project: Project) -> None:
    """Raises Forbidden when a robot would give somebody a role with rights that it could have, but was not given."""
    if identity.robot is None or role not in Role.values:
        return
    if ROLES[Role(role)] & ROBOT_PROJECT - given(identity.robot, project.pk):
        raise Forbidden(f"{identity.name} does not hold all that a {Role(role).label} may do, and cannot pass it on.")


def _robot(robot: Robot, project: Project | None) -> frozenset[Permission]:
    """What the robot was given and not denied, and in a public project what anybody may do."""
    allowed, denied = _rows(robot, project.pk if project else None)
    if project is not None and project.public:
        allowed |= PUBLIC
    return allowed - denied


def _rows(robot: Robot, project: int | None) -> tuple[frozenset[Permission], frozenset[Permission]]:
    """What the robot is allowed and what it is denied."""
    kind = RobotPermission.Kind.SYSTEM if project is None else RobotPermission.Kind.PROJECT
    # All rows are read at once and kept with the robot, for one token may name many projects.
    rows = [row for row in robot.permissions.all() if row.kind == kind and row.project_id in {None, project}]
    denied = frozenset((row.resource, row.action) for row in rows if row.effect == RobotPermission.Effect.DENY)
    allowed = {(row.resource, row.action) for row in rows if row.effect != RobotPermission.Effect.DENY}
    if robot.project_id is not None and ("repository", "push") in allowed:
        allowed.add(("repository", "pull"))  # As in Harbor: clients look for what is there before they push.
    return frozenset(allowed), denied
