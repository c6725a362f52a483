"""`manage.py robot`: create, list, refresh, disable, enable, delete."""

from datetime import datetime, timedelta

from django.core.management.base import CommandError

from portal.access import robots
from portal.access.models import Robot, RobotPermission
from portal.access.robots import NEVER, Right
from portal.management.verbs import VerbCommand, operator, read_secret
from portal.projects.models import Project
from portal.projects.selectors import project_get

GRAMMAR = "[WHERE=]RESOURCE:ACTION[,ACTION…]"


class Command(VerbCommand):
    """Accounts for machines."""

    help = "Create, list, change and delete robot accounts. A robot's secret is shown once, when it is made."

    def verbs(self) -> None:
        """Declares the verbs."""
        text = "the new robot's name, without prefix and project"
        create = self.verb("create", self._create, "create a robot account and print its secret", name=text)
        create.add_argument("--project", help="the project it belongs to; without one it belongs to the system")
        create.add_argument(
            "--allow",
            action="append",
            metavar=GRAMMAR,
            help="a permission, several times if need be; WHERE is a project, * for every project, / for the system "
            "itself, and if left out the robot's project or *. Default: repository:pull,push",
        )
        create.add_argument("--days", type=int, default=NEVER, help="days until it expires (default: never)")
        create.add_argument("--description", default="", help="what it is for")
        self.verb("list", self._list, "list robot accounts").add_argument("--project", help="of this project only")
        text = "the robot's full name, as `list` shows it"
        refresh = self.verb("refresh", self._refresh, "give a robot another secret and print it", name=text)
        refresh.add_argument("--keep-old", type=float, default=0, metavar="HOURS", help="accept the old one so long")
        refresh.add_argument("--stdin", action="store_true", help="take the secret from the terminal or standard input")
        self.verb("disable", self._disable, "stop a robot from logging in", name=text)
        self.verb("enable", self._enable, "let a disabled robot log in again", name=text)
        self.verb("delete", self._delete, "delete a robot account", name=text)

    def _create(self, *, name: str, project: str | None, allow: list[str] | None, days: int, description: str) -> None:
        owner = project_get(project) if project else None
        rights = [right for text in allow or ["repository:pull,push"] for right in parse_rights(text, owner)]
        robot, secret = robots.robot_create(
            name=name, project=owner, rights=rights, description=description, duration=days, origin=operator()
        )
        self.stderr.write(self.style.SUCCESS(f"Robot account {robot.full_name} created. Its secret, shown only now:"))
        self.stdout.write(secret)

    def _list(self, *, project: str | None) -> None:
        found = Robot.objects.filter(project=project_get(project)) if project else Robot.objects.all()
        rows = [
            (r.full_name, "disabled" if r.disabled else "", _moment(r.expires_at), _moment(r.last_used_at))
            for r in found.order_by("login")
        ]
        self.table(["NAME", "STATE", "EXPIRES", "LAST USED"], rows)

    def _refresh(self, *, name: str, keep_old: float, stdin: bool) -> None:
        robot = robots.robot_get(name)
        given = read_secret("Secret") if stdin else ""
        secret = robots.robot_refresh_secret(
            robot=robot, secret=given, keep_old_for=timedelta(hours=keep_old), origin=operator()
        )
        self.stderr.write(self.style.SUCCESS(f"{robot.full_name} has a new secret."))
        if not given:
            self.stdout.write(secret)

    def _disable(self, *, name: str) -> None:
        robot = robots.robot_set_disabled(robot=robots.robot_get(name), disabled=True, origin=operator())
        self.say(f"{robot} is disabled.")

    def _enable(self, *, name: str) -> None:
        robot = robots.robot_set_disabled(robot=robots.robot_get(name), disabled=False, origin=operator())
        self.say(f"{robot} is enabled.")

    def _delete(self, *, name: str) -> None:
        robot = robots.robot_get(name)
        robots.robot_delete(robot=robot, origin=operator())
        self.say(f"Robot account {robot} deleted.")


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else "never"


def parse_rights(text: str, owner: Project | None) -> list[Right]:
    """The rights an `--allow` means for a robot of `owner`, or of the system."""
    where, equals, permission = text.rpartition("=")
    resource, colon, actions = permission.partition(":")
    if not (colon and resource and actions):
        raise CommandError(f"{text} is no permission: it takes {GRAMMAR}.")
    kind = RobotPermission.Kind.SYSTEM if where == "/" else RobotPermission.Kind.PROJECT
    project = owner if not equals else None if where in {"*", "/"} else project_get(where)
    return [Right(kind, resource, action, project) for action in actions.split(",")]
