"""`manage.py project`: create, list, public, delete."""

from django.db.models import Count, Q

from portal.accounts.services import user_get
from portal.management.verbs import VerbCommand, operator, switch
from portal.projects import services
from portal.projects.models import Project
from portal.projects.selectors import project_get


class Command(VerbCommand):
    """Projects: where repositories live."""

    help = "Create, list, open, close and delete projects."

    def verbs(self) -> None:
        """Declares the verbs."""
        text = "the new project's name: the first component of its repositories' names"
        create = self.verb("create", self._create, "create a project", name=text)
        create.add_argument("--public", action="store_true", help="let anyone pull")
        create.add_argument("--owner", metavar="USER", help="the user who becomes its first projectAdmin")
        self.verb("list", self._list, "list all projects")
        text = "the project's name"
        switch(self.verb("public", self._public, "let anyone pull from a project, or members only", name=text))
        self.verb("delete", self._delete, "delete a project that has no repositories", name=text)

    def _create(self, *, name: str, public: bool, owner: str | None) -> None:
        user = user_get(owner) if owner else None
        project = services.project_create(name=name, public=public, owner=user, origin=operator())
        self.say(f"Project {project} created.")

    def _list(self) -> None:
        counted = Project.objects.select_related("owner").annotate(
            repositories=Count(
                "namespace__repositories", distinct=True, filter=Q(namespace__repositories__deleted_at=None)
            ),
            people=Count("members", distinct=True),
        )
        rows = [
            (p.name, "public" if p.public else "private", p.owner or "", p.people, p.repositories)
            for p in counted.order_by("namespace__name")
        ]
        self.table(["NAME", "ACCESS", "OWNER", "MEMBERS", "REPOSITORIES"], rows)

    def _public(self, *, name: str, state: str) -> None:
        settings = {"public": "true" if state == "on" else "false"}
        project = services.project_update(project=project_get(name), settings=settings, origin=operator())
        self.say(f"Project {project} is {'public' if project.public else 'private'}.")

    def _delete(self, *, name: str) -> None:
        services.project_delete(project=project_get(name), origin=operator())
        self.say(f"Project {name} deleted.")
