"""`/search`: projects and repositories by a part of their names."""

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from portal.access.visibility import visible_projects
from portal.api.project_shapes import ProjectSerializer, shown_projects
from portal.api.wire.operations import Resource, operation
from portal.api.wire.rights import ANYONE
from portal.api.wire.serializers import Flag, Text, Whole, Wire
from portal.artifacts.selectors import artifact_counts, repositories_visible_to
from portal.errors import Unprocessable
from registry.models import Repository

MOST = 100
"""So many projects and so many repositories are told; who looks for more narrows the search, or lists them."""


class SearchRepositorySerializer(Wire):
    """A repository that was found."""

    project_id = Whole()
    project_name = Text()
    project_public = Flag()
    repository_name = Text()
    pull_count = Whole()
    artifact_count = Whole()


class SearchSerializer(Wire):
    """What was found, in the order of names."""

    project = ProjectSerializer(many=True)
    repository = SearchRepositorySerializer(many=True)


class Search(Resource):
    """`/search`."""

    @operation(
        "search",
        tag="search",
        right=ANYONE,
        answers={200: SearchSerializer},
        parameters=[OpenApiParameter("q", str, required=True, description="Part of a name; an empty one finds all.")],
    )
    def get(self, request: Request) -> Response:
        """Finds projects and repositories that the caller may see, the first 100 of each."""
        text = request.query_params.get("q")
        if text is None:
            raise Unprocessable("q in query is required")
        # Names are in lower case, so that the database need not fold them.
        visible = visible_projects(self.identity)
        projects = visible.filter(namespace__name__contains=text.lower()).order_by("namespace__name")[:MOST]
        found = self._repositories(text.lower())
        return Response(
            {
                "project": shown_projects(list(projects), self.identity, detail=False),
                "repository": _shown(found),
            }
        )

    def _repositories(self, text: str) -> list[Repository]:
        rows = repositories_visible_to(self.identity).filter(name__contains=text).order_by("name")
        keys = list(rows.values_list("pk", flat=True)[:MOST])  # First, so that only these are joined.
        return list(Repository.objects.filter(pk__in=keys).select_related("namespace__project").order_by("name"))


def _shown(found: Sequence[Repository]) -> list[Any]:
    counts = artifact_counts(found)
    return [
        {
            "project_id": row.namespace_id,
            "project_name": row.namespace.name,
            "project_public": row.namespace.project.public,
            "repository_name": row.name,
            "pull_count": row.pull_count,
            "artifact_count": counts.get(row.pk, 0),
        }
        for row in found
    ]


PATHS = {"search": Search}
