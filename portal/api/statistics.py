"""`/statistics`: how many projects and repositories there are."""

from django.db.models import Count, Sum
from rest_framework.request import Request
from rest_framework.response import Response

from portal.access.visibility import visible_projects
from portal.api.wire.operations import Resource, operation
from portal.api.wire.rights import LOGGED_IN
from portal.api.wire.serializers import Whole, Wire
from portal.artifacts.selectors import repositories_visible_to
from registry.models import Blob


class StatisticSerializer(Wire):
    """Numbers of what the caller may see. Totals are told to administrators, and 0 to everybody else."""

    private_project_count = Whole()
    private_repo_count = Whole()
    public_project_count = Whole()
    public_repo_count = Whole()
    total_project_count = Whole()
    total_repo_count = Whole()
    total_storage_consumption = Whole()


class Statistics(Resource):
    """`/statistics`."""

    @operation("getStatistic", tag="statistic", right=LOGGED_IN, answers={200: StatisticSerializer})
    def get(self, request: Request) -> Response:  # noqa: ARG002
        """Counts projects, repositories, and for administrators the bytes of all blobs."""
        visible = visible_projects(self.identity).order_by()
        living = repositories_visible_to(self.identity).order_by()
        projects = dict(visible.values_list("public").annotate(Count("pk")))
        repositories = dict(living.values_list("namespace__project__public").annotate(Count("pk")))
        is_admin = self.identity.user is not None and self.identity.user.is_admin
        return Response(
            {
                "private_project_count": projects.get(False, 0),
                "private_repo_count": repositories.get(False, 0),
                "public_project_count": projects.get(True, 0),
                "public_repo_count": repositories.get(True, 0),
                "total_project_count": sum(projects.values()) if is_admin else 0,
                "total_repo_count": sum(repositories.values()) if is_admin else 0,
                "total_storage_consumption": _stored() if is_admin else 0,
            }
        )


def _stored() -> int:
    return Blob.objects.aggregate(bytes=Sum("size"))["bytes"] or 0


PATHS = {"statistics": Statistics}
