"""What can be done to robot accounts. Each verb validates, changes and journals in one transaction."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Prefetch
from django.utils import timezone

from audit.journal import record
from audit.origin import Origin
from portal.access.identity import Identity
from portal.access.models import ROBOT_PREFIX, Robot, RobotPermission
from portal.access.policy import given
from portal.access.roles import ROBOT_PROJECT, ROBOT_SYSTEM
from portal.access.secrets import digest, new_secret
from portal.accounts.names import check_password
from portal.errors import Conflict, Forbidden, Invalid, Missing
from portal.projects.models import Project

NAME = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
LONGEST_NAME = 255
LONGEST_DESCRIPTION = 1024
LONGEST_DURATION = 36500  # days
NEVER = -1
_RIGHTS = RobotPermission.objects.select_related("project__namespace").order_by("pk")
# Robots with all that is shown of them.
WHOLE = Robot.objects.select_related("project__namespace").prefetch_related(Prefetch("permissions", _RIGHTS))


@dataclass(frozen=True, slots=True)
class Right:
    """A permission to be given: in one project, in every project (`project` None), or in the system."""

    kind: str  # RobotPermission.Kind
    resource: str
    action: str
    project: Project | None = None
    effect: str = RobotPermission.Effect.ALLOW


def robot_get(full_name: str) -> Robot:
    """The robot of that full name; the prefix may be left out. Raises Missing."""
    robot = Robot.objects.filter(login=full_name.removeprefix(ROBOT_PREFIX)).first()
    if robot is None:
        raise Missing(f"There is no robot account {full_name}.")
    return robot


def robot_by_id(robot_id: int) -> Robot:
    """The robot of that id, with all that is shown of it. Raises Missing."""
    robot = WHOLE.filter(pk=robot_id).first()
    if robot is None:
        raise Missing(f"There is no robot account {robot_id}.")
    return robot


@transaction.atomic
def robot_create(
    *,
    name: str,
    project: Project | None,
    rights: Sequence[Right],
    description: str = "",
    duration: int = NEVER,
    disabled: bool = False,
    secret: str = "",
    creator: Identity | None = None,
    origin: Origin,
) -> tuple[Robot, str]:
    """A new robot of the project, or of the system, and its secret, which is not shown again.

    `duration` counts days; without a `secret` a random one is made. A robot as `creator` can pass on only what it has
    itself, and only for as long as it lives. Raises Invalid, Forbidden, Missing for a project that is gone, or Conflict
    when the name is taken.
    """
    rights = _distinct(rights)
    _check(name, description, duration)
    _check_rights(project, rights, creator)
    secret = check_password(secret) if secret else new_secret()
    maker = (creator.user or creator.robot) if creator else None
    robot = Robot(
        login=f"{project.name}+{name}" if project else name,
        name=name,
        project=project,
        description=description,
        secret=digest(secret),
        duration=duration,
        expires_at=_end(duration, creator),
        disabled=disabled,
        creator=origin.actor,
        creator_type=creator.kind if creator and maker else "",
        creator_ref=maker.pk if maker else None,
    )
    _hold_projects(project, rights)
    try:
        with transaction.atomic():
            robot.save()
    except IntegrityError as error:
        raise Conflict(f"The robot account {robot.full_name} exists already.") from error
    _give(robot, rights)
    after = {"rights": _spelled(rights), "duration": duration, "disabled": disabled}
    record(origin, "robot.create", project=_project_name(robot), target=robot.full_name, after=after)
    return robot, secret


@transaction.atomic
def robot_update(
    *, robot: Robot, rights: Sequence[Right], description: str, duration: int, disabled: bool, origin: Origin
) -> Robot:
    """Replaces the robot's rights, description and duration (which counts from its creation), and dis- or enables it.

    Raises Invalid, or Missing when the robot or a project is gone.
    """
    rights = _distinct(rights)
    _check(robot.name, description, duration)
    _check_rights(robot.project, rights, None)
    robot = _locked(robot, rights)
    before = _told(robot)
    if duration != robot.duration:
        robot.expires_at = None if duration == NEVER else robot.created_at + timedelta(days=duration)
    robot.description, robot.duration, robot.disabled = description, duration, disabled
    robot.save()
    robot.permissions.all().delete()
    _give(robot, rights)
    after = _told(robot)
    record(origin, "robot.update", project=_project_name(robot), target=robot.full_name, before=before, after=after)
    return robot


@transaction.atomic
def robot_set_disabled(*, robot: Robot, disabled: bool, origin: Origin) -> Robot:
    """Stops the robot from logging in, or lets it again."""
    robot = _locked(robot)
    before, robot.disabled = {"disabled": robot.disabled}, disabled
    robot.save(update_fields=["disabled", "updated_at"])
    after = {"disabled": disabled}
    record(origin, "robot.update", project=_project_name(robot), target=robot.full_name, before=before, after=after)
    return robot


@transaction.atomic
def robot_refresh_secret(
    *, robot: Robot, secret: str = "", keep_old_for: timedelta = timedelta(0), origin: Origin
) -> str:
    """Another secret: the one given, or a random one. Returns it; it is not shown again.

    The old one may be kept for a while, so that machines can change over one by one. Raises Invalid for a weak secret.
    """
    robot = _locked(robot)
    fresh = check_password(secret) if secret else new_secret()
    robot.old_secret = robot.secret if keep_old_for else ""
    robot.old_secret_until = timezone.now() + keep_old_for if keep_old_for else None
    robot.secret = digest(fresh)
    robot.save(update_fields=["secret", "old_secret", "old_secret_until", "updated_at"])
    after = {"old_secret_until": robot.old_secret_until}
    record(origin, "robot.refresh_secret", project=_project_name(robot), target=robot.full_name, after=after)
    return fresh


@transaction.atomic
def robot_delete(*, robot: Robot, origin: Origin) -> None:
    """Removes the robot; tokens it holds end with their time."""
    robot = _locked(robot)
    record(origin, "robot.delete", project=_project_name(robot), target=robot.full_name, before=_told(robot))
    robot.delete()


def _end(duration: int, creator: Identity | None) -> datetime | None:
    """When a new robot expires: after so many days, and not later than the robot that makes it."""
    own = None if duration == NEVER else timezone.now() + timedelta(days=duration)
    latest = creator.robot.expires_at if creator and creator.robot else None
    return min(filter(None, (own, latest)), default=None)


def _check(name: str, description: str, duration: int) -> None:
    if len(name) > LONGEST_NAME or not NAME.fullmatch(name):
        raise Invalid("A robot's name has lower-case letters and digits, with single . _ or - between them.")
    if len(description) > LONGEST_DESCRIPTION or "\0" in description:
        raise Invalid(f"A robot's description has at most {LONGEST_DESCRIPTION} characters.")
    if duration != NEVER and not 0 < duration <= LONGEST_DURATION:
        raise Invalid(f"A robot's duration is {NEVER} (never expires) or 1 to {LONGEST_DURATION} days.")


def _check_rights(project: Project | None, rights: Iterable[Right], creator: Identity | None) -> None:
    """Rights must exist, a project's robot gets rights in its project only, and a robot passes on no more than its own."""
    for right in rights:
        in_system = right.kind == RobotPermission.Kind.SYSTEM
        catalogue = ROBOT_SYSTEM if in_system else ROBOT_PROJECT
        known = right.kind in RobotPermission.Kind.values and right.effect in RobotPermission.Effect.values
        if not known or (right.resource, right.action) not in catalogue or (in_system and right.project):
            raise Invalid(f"A robot cannot be given {right.kind} permission {right.resource}:{right.action}.")
        if project is not None and (in_system or right.project != project):
            raise Invalid(f"A robot of {project.name} can only be given permissions in that project.")
        if creator is not None and creator.robot is not None and not _holds(creator, right):
            raise Forbidden(f"{creator.name} does not hold {right.resource}:{right.action} and cannot pass it on.")


def _holds(creator: Identity, right: Right) -> bool:
    assert creator.robot is not None
    if right.kind == RobotPermission.Kind.SYSTEM or right.project is not None:
        # What anybody may do in a public project is not the robot's own: the project may be closed later.
        return (right.resource, right.action) in given(creator.robot, right.project.pk if right.project else None)
    wanted = (RobotPermission.Kind.PROJECT, right.resource, right.action)
    same = [row for row in creator.robot.permissions.all() if (row.kind, row.resource, row.action) == wanted]
    # A right in every project comes only from such a right, to which there is no exception.
    return any(row.project_id is None for row in same) and all(row.effect == "allow" for row in same)


def _give(robot: Robot, rights: Iterable[Right]) -> None:
    RobotPermission.objects.bulk_create(
        RobotPermission(
            robot=robot,
            kind=right.kind,
            project=right.project,
            resource=right.resource,
            action=right.action,
            effect=right.effect,
        )
        for right in rights
    )


def _distinct(rights: Iterable[Right]) -> list[Right]:
    """Each right once, however often a body names it."""
    return list(dict.fromkeys(rights))


def _hold_projects(owner: Project | None, rights: Iterable[Right]) -> None:
    """Keeps the projects that the robot is to have to do with from being deleted meanwhile."""
    wanted = {project.pk: project for project in (owner, *(right.project for right in rights)) if project is not None}
    held = Project.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=wanted).order_by("pk")
    for pk in wanted.keys() - {project.pk for project in held}:
        raise Missing(f"The project {wanted[pk]} no longer exists.")


def _told(robot: Robot) -> dict[str, Any]:
    """The robot as the journal keeps it."""
    rows = robot.permissions.select_related("project__namespace").order_by("pk")
    return {"rights": _spelled(rows), "duration": robot.duration, "disabled": robot.disabled}


def _spelled(rights: Iterable[Right | RobotPermission]) -> list[str]:
    return [f"{r.effect} {r.kind}:{r.project or '*'} {r.resource}:{r.action}" for r in rights]


def _locked(robot: Robot, rights: Iterable[Right] = ()) -> Robot:
    """The robot as it is now, locked. Its projects come first: who deletes one locks it, and then its robots."""
    _hold_projects(robot.project, rights)
    found = Robot.objects.select_for_update().filter(pk=robot.pk).first()
    if found is None:
        raise Missing(f"There is no robot account {robot.full_name}.")
    return found


def _project_name(robot: Robot) -> str:
    return robot.project.name if robot.project else ""
