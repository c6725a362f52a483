"""Who a caller is, once their credentials were found good."""

from dataclasses import dataclass

from portal.access.models import Robot
from portal.accounts.models import User


@dataclass(frozen=True, slots=True)
class Identity:
    """A user, a robot, or (with neither) an anonymous caller."""

    user: User | None = None
    robot: Robot | None = None
    by_session: bool = False

    @property
    def kind(self) -> str:
        """`user`, `robot` or `anonymous`, as the journal says it."""
        return "user" if self.user else "robot" if self.robot else "anonymous"

    @property
    def name(self) -> str:
        """The name the journal knows them by."""
        if self.robot:
            return self.robot.full_name
        return self.user.username if self.user else "anonymous"

    @property
    def is_admin(self) -> bool:
        """Whether they administer the system, which no robot does."""
        return self.user is not None and self.user.is_admin

    @property
    def credential(self) -> str:
        """Which credential was used, by id and never by secret."""
        if self.robot:
            return f"robot:{self.robot.pk}"
        return ("session" if self.by_session else "password") if self.user else ""


ANONYMOUS = Identity()
