"""Reads of projects."""

from collections.abc import Collection, Iterable

from django.db.models import Count, QuerySet

from portal.accounts.models import User
from portal.errors import Missing
from portal.projects.models import NAME, Member, Project
from registry.models import Repository

_LARGEST_ID = 2**63 - 1  # The database takes no larger number.
_LONGEST_ID = len(str(_LARGEST_ID))


def project_get(name: str) -> Project:
    """The project called so. Raises Missing."""
    project = Project.objects.filter(namespace__name=name).first()
    if project is None:
        raise Missing(f"There is no project {name}.")
    return project


def project_named(name_or_id: str, *, or_id: bool = False) -> Project | None:
    """The project of that name, or where `or_id` says so and it is a number, of that id."""
    if or_id and name_or_id.isascii() and name_or_id.isdecimal():
        return project_numbered(int(name_or_id)) if len(name_or_id) <= _LONGEST_ID else None
    return Project.objects.filter(namespace__name=name_or_id).first() if NAME.fullmatch(name_or_id) else None


def project_numbered(number: int) -> Project | None:
    """The project of that id, together with its owner."""
    if number > _LARGEST_ID:
        return None
    return Project.objects.filter(pk=number).select_related("owner").first()


def projects_of(repositories: Iterable[str]) -> dict[str, Project]:
    """The projects that repository names belong to, by name, whether or not the repositories exist."""
    names = {namespace for namespace, _, rest in (name.partition("/") for name in repositories) if rest}
    wanted = [name for name in names if NAME.fullmatch(name)]
    found = Project.objects.filter(namespace__name__in=wanted) if wanted else []
    return {project.name: project for project in found}


def repositories_in(project: Project) -> QuerySet[Repository]:
    """The project's repositories, without those that were deleted and are still being cleared away."""
    return Repository.objects.filter(namespace=project.pk, deleted_at=None)


def obstacle_to_deletion(project: Project) -> str:
    """Why the project cannot be deleted now; empty when it can."""
    if repositories_in(project).exists():
        return f"The project {project.name} has repositories: delete them first."
    return ""


def repository_counts(projects: Collection[int]) -> dict[int, int]:
    """How many repositories each of the projects (by id) has, where it has any."""
    living = Repository.objects.filter(namespace__in=projects, deleted_at=None).order_by()
    return dict(living.values_list("namespace").annotate(Count("pk")))


def settings_of(project: Project) -> dict[str, str]:
    """The project's settings as texts by key, its openness among them."""
    return {"public": "true" if project.public else "false", **project.metadata}


def members_of(project: Project) -> QuerySet[Member]:
    """The project's members, each with its user or group."""
    return Member.objects.filter(project=project).select_related("user", "group")


def member_get(project: Project, member_id: int) -> Member:
    """The member of that id, in this project. Raises Missing."""
    member = members_of(project).filter(pk=member_id).first()
    if member is None:
        raise Missing(f"The project {project.name} has no member {member_id}.")
    return member


def member_of(project: Project, user: User) -> Member:
    """The membership of the user in the project. Raises Missing."""
    member = members_of(project).filter(user=user).first()
    if member is None:
        raise Missing(f"{user.username} is not a member of {project.name}.")
    return member
