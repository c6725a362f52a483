"""Reads of projects."""

from collections.abc import Iterable

from django.db.models import Exists, OuterRef, Q, QuerySet

from portal.accounts.models import User
from portal.errors import Missing
from portal.projects.models import NAME, Member, Project


def visible_to(user: User | None) -> QuerySet[Project]:
    """The projects a user may see; None stands for an anonymous caller, who sees the public ones."""
    if user is None:
        return Project.objects.filter(public=True)
    if user.is_admin:
        return Project.objects.all()
    membership = Member.objects.filter(project=OuterRef("pk"), user=user)
    return Project.objects.filter(Q(public=True) | Exists(membership))


def project_get(name: str) -> Project:
    """The project called so. Raises Missing."""
    project = Project.objects.filter(namespace__name=name).first()
    if project is None:
        raise Missing(f"There is no project {name}.")
    return project


def projects_of(repositories: Iterable[str]) -> dict[str, Project]:
    """The projects that repository names belong to, by name, whether or not the repositories exist."""
    names = {namespace for namespace, _, rest in (name.partition("/") for name in repositories) if rest}
    wanted = [name for name in names if NAME.fullmatch(name)]
    found = Project.objects.filter(namespace__name__in=wanted) if wanted else []
    return {project.name: project for project in found}
