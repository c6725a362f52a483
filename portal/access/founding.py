"""Who may create a project, and on what terms."""

from dataclasses import dataclass

from portal.access.identity import Identity
from portal.access.policy import can
from portal.accounts.models import User
from portal.configuration.services import value
from portal.errors import Forbidden


@dataclass(frozen=True, slots=True)
class Terms:
    """Who owns the project, and whether its creator says how much it may hold."""

    owner: User | None
    sets_limit: bool


def terms_of(identity: Identity) -> Terms:
    """The terms on which the caller creates a project. Raises Forbidden.

    Everybody may unless `project_creation_restriction` says otherwise, robots only with the right to. Who has that right,
    as administrators have, also sets the limit. What a robot creates is owned by the first administrator.
    """
    entitled = can(identity, "project", "create")
    restricted = identity.robot is not None or value("project_creation_restriction") == "adminonly"
    if restricted and not entitled:
        raise Forbidden("Only system admin can create project")  # Harbor's words, which its clients compare.
    return Terms(identity.user or _first_admin(), entitled)


def _first_admin() -> User | None:
    return User.objects.filter(is_admin=True, is_active=True).order_by("pk").first()
