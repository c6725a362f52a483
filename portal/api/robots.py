"""`/robots`: accounts for machines, of the system and of projects."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db.models import QuerySet, Value
from django.db.models.functions import Coalesce
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.access.models import Robot, RobotPermission
from portal.access.robots import (
    NEVER,
    WHOLE,
    Right,
    robot_by_id,
    robot_create,
    robot_delete,
    robot_refresh_secret,
    robot_update,
)
from portal.api.wire import pages
from portal.api.wire.operations import Resource, operation
from portal.api.wire.query import Field, Fields, asked, boolean, conditions, moment, number
from portal.api.wire.rights import LOGGED_IN, of_project, of_system
from portal.api.wire.rights import Right as WireRight
from portal.api.wire.serializers import Flag, Moment, Text, Whole, Wire, many
from portal.configuration.services import value
from portal.errors import Invalid, Missing
from portal.projects.models import Project
from portal.projects.selectors import project_named

SYSTEM, PROJECT = RobotPermission.Kind.SYSTEM.value, RobotPermission.Kind.PROJECT.value
EVERYWHERE, NOWHERE = "*", "/"  # The namespaces of rights in every project and in the system.


class AccessSerializer(Wire):
    """One right. An `effect` of `deny` is an exception to others."""

    resource = Text(default="")
    action = Text(default="")
    effect = Text(default="")


class RobotPermissionSerializer(Wire):
    """Rights in one place: `kind` is project with the name of one or * for all as `namespace`, or system, whose is /."""

    kind = Text(default="")
    namespace = Text(default="")
    access = AccessSerializer(many=True, default=list)


class RobotCreationSerializer(Wire):
    """A robot to be. Without a `secret` a random one is made, without a `duration` the configured one holds."""

    name = Text(default="")
    description = Text(default="")
    level = Text(default="")
    disable = Flag(default=False)
    duration = Whole(required=False, allow_null=True, help_text="Days; -1: for ever.")
    secret = Text(default="", write_only=True)
    permissions = RobotPermissionSerializer(many=True, default=list)


class RobotSerializer(Wire):
    """A robot."""

    id = Whole()
    name = Text(source="full_name")
    description = Text()
    level = Text()
    duration = Whole()
    editable = Flag(default=True)
    disable = Flag(source="disabled")
    expires_at = serializers.SerializerMethodField(help_text="Seconds since 1970; -1: never.")
    permissions = serializers.SerializerMethodField()
    creator_type = serializers.SerializerMethodField()
    creator_ref = Whole()
    creation_time = Moment(source="created_at")
    update_time = Moment(source="updated_at")

    def get_expires_at(self, robot: Robot) -> int:
        """When it expires."""
        return int(robot.expires_at.timestamp()) if robot.expires_at else NEVER

    @extend_schema_field(RobotPermissionSerializer(many=True))
    def get_permissions(self, robot: Robot) -> list[dict[str, Any]]:
        """Its rights, gathered by where they hold."""
        places: dict[tuple[str, str], list[dict[str, str]]] = {}
        for row in robot.permissions.all():
            namespace = NOWHERE if row.kind == SYSTEM else row.project.name if row.project else EVERYWHERE
            access = {"resource": row.resource, "action": row.action, "effect": row.effect}
            places.setdefault((row.kind, namespace), []).append(access)
        return [{"kind": kind, "namespace": at, "access": access} for (kind, at), access in places.items()]

    def get_creator_type(self, robot: Robot) -> str | None:
        """`local` for a user."""
        return "local" if robot.creator_type == "user" else robot.creator_type or None


class RobotCreatedSerializer(Wire):
    """A new robot with its secret, which is not shown again."""

    id = Whole()
    name = Text()
    secret = Text()
    creation_time = Moment()
    expires_at = Whole()


class RobotUpdateSerializer(RobotCreationSerializer):
    """A robot as it is to be; its name and level stay. Without a `duration` it stays too."""

    secret = None  # type: ignore[assignment] # How DRF takes a field away.


class RobotSecretSerializer(Wire):
    """A secret. An empty one asks for a random one."""

    secret = Text(default="")


_YEAR_ONE = datetime(1, 1, 1, tzinfo=UTC)
EXPIRY = Coalesce("expires_at", Value(_YEAR_ONE))
"""When a robot expires, for comparing: the year 1 stands for never."""


def expiry(text: str) -> datetime:
    """The same as a query says it, which is -1 for never. Raises ValueError."""
    return _YEAR_ONE if text == str(NEVER) else moment(text)


FIELDS: Fields = {
    "id": Field("pk", number),
    "name": Field("login"),
    "description": Field("description"),
    "disabled": Field("disabled", boolean),
    "duration": Field("duration", number),
    **dict.fromkeys(("expires_at", "expiresat"), Field("expiry", expiry)),
    "creation_time": Field("created_at", moment),
    "update_time": Field("updated_at", moment),
}


def right_on(owner: Project | None, action: str) -> WireRight:
    """What is needed to do something to a robot of the project, or of the system."""
    return of_system("robot", action) if owner is None else of_project("robot", action)


def rights_of(wanted: Sequence[dict[str, Any]], owner: Project | None) -> list[Right]:
    """The rights that a body asks for a robot of `owner`. Raises Invalid, or Missing for an unknown project."""
    if not all(place["access"] for place in wanted) or not wanted:
        raise Invalid("A robot needs permissions, each with some access.")
    projects = {owner.name: owner} if owner else _projects(wanted)
    rights = []
    for place in wanted:
        kind, namespace = place["kind"], place["namespace"]
        if kind == PROJECT and owner and namespace != owner.name:
            raise Invalid(f"A robot of {owner.name} can only be given permissions in that project.")
        where = projects.get(namespace) if kind == PROJECT else None
        if kind == PROJECT and namespace != EVERYWHERE and where is None:
            raise Missing(f"There is no project {namespace}.")
        rights += [Right(kind, a["resource"], a["action"], where, a["effect"] or "allow") for a in place["access"]]
    return rights


def _projects(wanted: Iterable[dict[str, Any]]) -> dict[str, Project]:
    names = {place["namespace"] for place in wanted if place["kind"] == PROJECT}
    return {found.name: found for found in Project.objects.filter(namespace__name__in=names)}


class Robots(Resource):
    """`/robots`."""

    @operation(
        "ListRobot",
        tag="robot",
        right=LOGGED_IN,
        answers={200: RobotSerializer(many=True)},
        listed=True,
        fields=FIELDS,
    )
    def get(self, request: Request) -> Response:
        """The robots of the system, or with `q=Level=project,ProjectID=1` those of a project."""
        rows = self._of_level(request.query_params.get("q", "")).annotate(expiry=EXPIRY)
        rows = asked(request, rows, FIELDS, ("login",))
        return pages.listed(request, rows, many(RobotSerializer), whole=WHOLE)

    @operation(
        "CreateRobot",
        tag="robot",
        right=LOGGED_IN,
        body=RobotCreationSerializer,
        answers={201: RobotCreatedSerializer},
        journal=("robot.create",),
    )
    def post(self, request: Request) -> Response:
        """A new robot; the answer has its secret, which is not shown again."""
        wanted = self.read(RobotCreationSerializer)
        duration = wanted.get("duration")
        robot, secret = robot_create(
            **self._belonging(wanted["level"], wanted["permissions"]),
            name=wanted["name"],
            description=wanted["description"],
            duration=value("robot_token_duration") if duration is None else duration,
            disabled=wanted["disable"],
            secret=wanted["secret"],
            creator=self.identity,
            origin=self.origin,
        )
        shown = RobotSerializer(robot).data
        told = {name: shown[name] for name in ("id", "name", "creation_time", "expires_at")}
        return self.created(f"/robots/{robot.pk}", told | {"secret": secret})

    def _belonging(self, level: str, wanted: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """The project of the new robot and its rights, once the caller is found to be allowed to make it."""
        if level not in {SYSTEM, PROJECT}:
            raise Invalid("level is system or project.")
        owner = None
        if level == PROJECT:
            if not wanted:
                raise Invalid("A robot of a project needs permissions in it.")
            owner = project_named(wanted[0]["namespace"])
            self.require(of_project("robot", "create"), owner)
        else:
            self.require(of_system("robot", "create"))
        return {"project": owner, "rights": rights_of(wanted, owner)}

    def _of_level(self, q: str) -> QuerySet[Robot]:
        """The robots of the level that `q` names, if the caller may see them."""
        wanted = {condition.key: condition.values[0] for condition in conditions(q) if condition.operator == "exact"}
        level = wanted.get("level", SYSTEM)
        if level == SYSTEM:
            self.require(of_system("robot", "list"))
            return Robot.objects.filter(project=None)
        project_id = wanted.get("project_id", "")
        if level != PROJECT or not project_id.isdecimal():
            raise Invalid("q takes Level=system, or Level=project with the number of a project as ProjectID.")
        owner = project_named(project_id, or_id=True)
        self.require(of_project("robot", "list"), owner)
        return Robot.objects.filter(project=owner)


class OneRobot(Resource):
    """`/robots/{robot_id}`."""

    @operation("GetRobotByID", tag="robot", right=LOGGED_IN, answers={200: RobotSerializer})
    def get(self, request: Request, robot_id: int) -> Response:
        """One robot, without its secret."""
        return Response(RobotSerializer(self._robot(robot_id, "read")).data)

    @operation(
        "UpdateRobot",
        tag="robot",
        right=LOGGED_IN,
        body=RobotUpdateSerializer,
        answers={200: None},
        journal=("robot.update",),
    )
    def put(self, request: Request, robot_id: int) -> HttpResponse:
        """Replaces the robot's rights, description and duration, and dis- or enables it."""
        robot = self._robot(robot_id, "update")
        wanted = self.read(RobotUpdateSerializer)
        if (wanted["name"], wanted["level"]) != (robot.full_name, robot.level):
            raise Invalid("The name and the level of a robot cannot be changed.")
        duration = wanted.get("duration")
        robot_update(
            robot=robot,
            rights=rights_of(wanted["permissions"], robot.project),
            description=wanted["description"],
            duration=robot.duration if duration is None else duration,
            disabled=wanted["disable"],
            origin=self.origin,
        )
        return self.done()

    @operation(
        "RefreshSec",
        tag="robot",
        right=LOGGED_IN,
        body=RobotSecretSerializer,
        answers={200: RobotSecretSerializer},
        journal=("robot.refresh_secret",),
    )
    def patch(self, request: Request, robot_id: int) -> Response:
        """Another secret: the one given, or a random one, which the answer has."""
        robot = self._robot(robot_id, "update")
        given = self.read(RobotSecretSerializer)["secret"]
        fresh = robot_refresh_secret(robot=robot, secret=given, origin=self.origin)
        return Response({} if given else {"secret": fresh})

    @operation("DeleteRobot", tag="robot", right=LOGGED_IN, answers={200: None}, journal=("robot.delete",))
    def delete(self, request: Request, robot_id: int) -> HttpResponse:
        """Removes the robot; tokens it holds end with their time."""
        robot_delete(robot=self._robot(robot_id, "delete"), origin=self.origin)
        return self.done()

    def _robot(self, robot_id: int, action: str) -> Robot:
        robot = robot_by_id(robot_id)
        self.require(right_on(robot.project, action), robot.project)
        return robot


PATHS = {
    "robots": Robots,
    "robots/<int:robot_id>": OneRobot,
}
