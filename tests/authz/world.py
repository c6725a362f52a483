"""The callers of the matrix, with every kind of credentials each of them can present."""

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from django.utils import timezone

from audit.origin import SYSTEM
from portal.access import tokens
from portal.access.identity import ANONYMOUS, Identity
from portal.access.keys import ring
from portal.access.models import Robot
from portal.access.robots import Right, robot_create, robot_set_disabled
from portal.access.roles import ROBOT_PROJECT, ROBOT_SYSTEM, Permission
from portal.access.scopes import parse_scopes
from portal.accounts.models import User
from portal.accounts.services import user_create
from portal.projects.models import Project, Role
from portal.projects.services import member_add, project_create, project_delete

PASSWORD = "Secret-123"
SCOPES = ["repository:{}/app:*", "registry:catalog:*"]


@dataclass
class World:
    """A project with members of every role, robots, and people who have nothing to do with it."""

    public: bool
    name: str = "project"
    headers: dict[str, list[str]] = field(default_factory=dict)
    """By caller, the Authorization headers to try; an empty one stands for none."""

    @property
    def repository(self) -> str:
        return f"{self.name}/app"

    def build(self) -> "World":
        earlier = self._before()
        self.project = project_create(name=self.name, public=self.public, owner=None, origin=SYSTEM)
        self.headers["nobody"] = [""]
        self.headers["visitor"] = [self._bearer(ANONYMOUS)]
        for role in Role:
            self._person(role.label)
            member_add(project=self.project, user=self.people[role.label], role=role, origin=SYSTEM)
            self.headers[role.label] = self._of_person(role.label)
        for name in ("stranger", "admin"):
            self._person(name, is_admin=name == "admin")
            self.headers[name] = self._of_person(name)
        self._robots()
        developer = Identity(user=self.people["developer"])
        self.headers["elsewhere"] = [self._bearer(developer, "library")]
        self.headers["earlier"] = [earlier]
        self.headers["expired"] = [self._signed(ring.signing().private, exp=0)]
        self.headers["forged"] = [self._signed(ec.generate_private_key(ec.SECP256R1()))]
        return self

    def _before(self) -> str:
        """A token with every right, from when another project had the name."""
        former = project_create(name=self.name, public=True, owner=None, origin=SYSTEM)
        self.people: dict[str, User] = {}
        former_admin = self._person("former")
        member_add(project=former, user=former_admin, role=Role.PROJECT_ADMIN, origin=SYSTEM)
        token = self._bearer(Identity(user=former_admin))
        project_delete(project=former, origin=SYSTEM)
        return token

    def _person(self, name: str, **options: Any) -> User:
        self.people[name] = user_create(username=name.lower(), password=PASSWORD, origin=SYSTEM, **options)
        return self.people[name]

    def _of_person(self, name: str) -> list[str]:
        user = self.people[name]
        return [_basic(user.username, PASSWORD), self._bearer(Identity(user=user))]

    def _robots(self) -> None:
        other = project_create(name="elsewhere", public=False, owner=None, origin=SYSTEM)
        for name, project, permissions in [
            ("robot", self.project, ROBOT_PROJECT),
            ("puller", self.project, {("repository", "pull")}),
            ("foreigner", other, ROBOT_PROJECT),
        ]:
            robot, secret = self._robot(name, project, permissions)
            self.headers[name] = [_basic(robot.full_name, secret), self._bearer(Identity(robot=robot))]
        robot, secret = self._robot("disabled", self.project, ROBOT_PROJECT)
        robot_set_disabled(robot=robot, disabled=True, origin=SYSTEM)
        self.headers["disabled"] = [_basic(robot.full_name, secret)]
        robot, secret = self._robot("lapsed", self.project, ROBOT_PROJECT)
        Robot.objects.filter(pk=robot.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
        self.headers["lapsed"] = [_basic(robot.full_name, secret)]
        rights = [Right("system", *permission) for permission in ROBOT_SYSTEM]
        robot, secret = robot_create(name="machine", project=None, rights=rights, origin=SYSTEM)
        self.headers["machine"] = [_basic(robot.full_name, secret)]

    def _robot(self, name: str, project: Project, permissions: Iterable[Permission]) -> tuple[Robot, str]:
        rights = [Right("project", *permission, project) for permission in permissions]
        return robot_create(name=name, project=project, rights=rights, origin=SYSTEM)

    def _bearer(self, identity: Identity, project: str = "") -> str:
        scopes = parse_scopes(scope.format(project or self.name) for scope in SCOPES)
        return f"Bearer {tokens.issue(identity, scopes).token}"

    def _signed(self, key: Any, **claims: Any) -> str:
        """An administrator's token, but for the key and some claims."""
        good = self.headers["admin"][1].removeprefix("Bearer ")
        header = {"kid": jwt.get_unverified_header(good)["kid"]}
        changed = jwt.decode(good, options={"verify_signature": False}) | claims
        return f"Bearer {jwt.encode(changed, key, 'ES256', headers=header)}"


def _basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()
