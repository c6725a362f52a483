"""`/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/additions/{addition}`: what is inside."""

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from portal.api.content import ARTIFACT, Content
from portal.api.wire.operations import operation
from portal.api.wire.rights import of_project
from portal.artifacts.additions import NAMES, addition_of
from portal.errors import Unprocessable
from portal.projects.models import Project

TYPES = {"application/json": OpenApiTypes.ANY, "text/plain": OpenApiTypes.STR, "text/markdown": OpenApiTypes.STR}


class OneAddition(Content):
    """`/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/additions/{addition}`."""

    @operation(
        "getAddition",
        tag="artifact",
        right=of_project("artifact-addition", "read"),
        answers={(200, kind): schema for kind, schema in TYPES.items()},
        parameters=[OpenApiParameter("addition", str, OpenApiParameter.PATH, enum=NAMES)],
    )
    def get(
        self,
        request: Request,
        project: Project,
        repository_name: str,
        reference: str,
        addition: str,
    ) -> HttpResponse:
        """A text from the inside of the artifact, such as its readme or the history of its making."""
        if addition not in NAMES:
            raise Unprocessable(f"addition in path is one of {', '.join(NAMES)}")
        found = addition_of(self.artifact(project, repository_name, reference), addition)
        return HttpResponse(found.content, content_type=found.content_type)


PATHS = {f"{ARTIFACT}/additions/<str:addition>": OneAddition}
