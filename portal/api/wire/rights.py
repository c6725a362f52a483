"""What an operation asks of its caller, as data: `LOGGED_IN`, `of_system("user", "list")`, `of_project("tag", "create")`."""

from dataclasses import dataclass

from portal.access.identity import ANONYMOUS, Identity
from portal.access.policy import can
from portal.errors import Forbidden, Missing, Unauthorized
from portal.projects.models import Project


@dataclass(frozen=True, slots=True)
class Right:
    """A right that an operation needs. `scope` says where: anyone, logged_in, system or project."""

    scope: str
    resource: str = ""
    action: str = ""


ANYONE = Right("anyone")
LOGGED_IN = Right("logged_in")


def of_system(resource: str, action: str) -> Right:
    """The action on a resource of the system."""
    return Right("system", resource, action)


def of_project(resource: str, action: str) -> Right:
    """The action on a resource of the project that the path names."""
    return Right("project", resource, action)


def require(identity: Identity, right: Right, where: Project | None = None) -> None:
    """Raises Unauthorized for a caller who should log in first, Forbidden for one who may not.

    `where` is the project of a project's right. One that does not exist is Missing for those who would see it if it did,
    and Forbidden for everybody else, who must not learn which projects there are.
    """
    if right.scope == "anyone":
        return
    if right.scope == "project" and where is None:
        raise Missing("There is no such project.") if identity.is_admin else _refusal(identity)
    if right.scope == "logged_in":
        allowed = identity is not ANONYMOUS
    else:
        allowed = can(identity, right.resource, right.action, where)
    if not allowed:
        raise _refusal(identity)


def _refusal(identity: Identity) -> Unauthorized | Forbidden:
    if identity is ANONYMOUS:
        return Unauthorized("Log in first.")
    return Forbidden("You may not do this, or it does not exist.")
