"""`manage.py member`: add, list, role, remove."""

from argparse import ArgumentParser

from portal.accounts.services import user_get
from portal.management.verbs import VerbCommand, operator
from portal.projects import services
from portal.projects.models import Role
from portal.projects.selectors import member_of, members_of, project_get

ROLES = {role.label: role for role in Role}


class Command(VerbCommand):
    """Who belongs to which project."""

    help = f"Give users roles in projects. The roles: {', '.join(ROLES)}."

    def verbs(self) -> None:
        """Declares the verbs."""
        project = {"project": "the project's name"}
        both = project | {"username": "the user's name"}
        _takes_role(self.verb("add", self._add, "give a user a role in a project", **both))
        self.verb("list", self._list, "list a project's members", **project)
        _takes_role(self.verb("role", self._role, "change a member's role", **both))
        self.verb("remove", self._remove, "take a user's role in a project away", **both)

    def _add(self, *, project: str, username: str, role: str) -> None:
        services.member_add(project=project_get(project), user=user_get(username), role=ROLES[role], origin=operator())
        self.say(f"{username} is {role} in {project}.")

    def _list(self, *, project: str) -> None:
        rows = sorted((str(m.holder), Role(m.role).label) for m in members_of(project_get(project)))
        self.table(["USER OR GROUP", "ROLE"], rows)

    def _role(self, *, project: str, username: str, role: str) -> None:
        member = member_of(project_get(project), user_get(username))
        services.member_update(member=member, role=ROLES[role], origin=operator())
        self.say(f"{username} is {role} in {project}.")

    def _remove(self, *, project: str, username: str) -> None:
        member = member_of(project_get(project), user_get(username))
        services.member_remove(member=member, origin=operator())
        self.say(f"{username} is no longer a member of {project}.")


def _takes_role(parser: ArgumentParser) -> None:
    parser.add_argument("role", choices=ROLES, metavar="role", help=f"one of {', '.join(ROLES)}")
