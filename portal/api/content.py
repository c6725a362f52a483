"""What the resources of repositories and artifacts share: how a path names them, how they are addressed and counted."""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any
from urllib.parse import quote, unquote

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.wire import pages
from portal.api.wire.operations import Resource
from portal.api.wire.query import conditions
from portal.artifacts.selectors import artifact_of, kept_count, repository_of
from portal.projects.models import Project
from registry.models import Manifest, Repository
from registry.oci.names import check_name, namespace_of

REPOSITORY = "projects/<str:project_name>/repositories/<str:repository_name>"
ARTIFACT = f"{REPOSITORY}/artifacts/<str:reference>"


class Content(Resource):
    """A resource below a repository, whose name comes encoded twice because of its slashes."""

    def full_name(self, project: Project, repository_name: str) -> str:
        """The name of the repository that the path means, whether it exists or not. Raises NAME_INVALID."""
        return check_name(f"{project.name}/{unquote(repository_name)}")

    def repository(self, project: Project, repository_name: str) -> Repository:
        """The repository that the path names. Raises Missing."""
        return repository_of(project, unquote(repository_name))

    def artifact(self, project: Project, repository_name: str, reference: str) -> Manifest:
        """The artifact that the path names by tag or digest. Raises Missing."""
        return artifact_of(self.repository(project, repository_name), reference)


def address(repository: str, *more: str) -> str:
    """The path of a repository, by its full name, or of something in it: `address("a/b/c", "artifacts", "latest")`."""
    project = namespace_of(repository)
    name = repository.removeprefix(f"{project}/")
    return "/".join(["", "projects", project, "repositories", quote(quote(name, safe=""), safe=""), *more])


def counted(
    request: Request,
    rows: QuerySet[Any],
    show: Callable[[Sequence[Any]], Iterable[Any]],
    *,
    whole: QuerySet[Any],
    state: Callable[[], str],
    settled: Collection[str],
) -> Response:
    """`pages.listed` for artifacts or tags, whose number is kept where q asks for nothing but the `settled` keys.

    Those are what cannot change without the state of the repositories.
    """
    page, q = pages.page_of(request), request.query_params.get("q", "")
    if {condition.key for condition in conditions(q)} <= set(settled):
        total = kept_count(state(), f"{request.path}?{q}", lambda: pages.total(rows))
    else:
        total = pages.total(rows)
    return pages.answer(request, page, total, show(pages.fetched(rows, whole, page) if total else []))
