"""`/statistics`: how many projects and repositories there are."""

from django.db.models import Count
from rest_framework.request import Request
from rest_framework.response import Response

from portal.access.visibility import visible_projects
from portal.api.wire.operations import Resource, operation
from portal.api.wire.rights import LOGGED_IN
from portal.api.wire.serializers import Whole, Wire
from registry.models import Repository
from registry.selectors import stored_bytes


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
    def get(self, request: Request) -> Response:
        """Counts projects, repositories, and for administrators the bytes of all blobs."""
        public = dict(visible_projects(self.identity).order_by().values_list("pk", "public"))
        living = Repository.objects.filter(deleted_at=None).order_by()
        # Of all projects: that is one walk over a table, where joining those that are visible would take several times as long.
        repositories = dict(living.values_list("namespace").annotate(Count("pk")))
        told = {"public": [pk for pk in public if public[pk]], "private": [pk for pk in public if not public[pk]]}
        told["total"] = list(public) if self.identity.is_admin else []
        counts = {f"{word}_project_count": len(projects) for word, projects in told.items()}
        counts |= {f"{word}_repo_count": sum(repositories.get(pk, 0) for pk in told[word]) for word in told}
        return Response(counts | {"total_storage_consumption": stored_bytes() if self.identity.is_admin else 0})


PATHS = {"statistics": Statistics}
