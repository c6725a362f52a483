"""`/projects/{p}/scanner`: the scanner of a project, of which there is none as long as no scanners can be registered.

Harbor's clients ask for it whenever they look at a project.
"""

from typing import NoReturn

from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.wire import pages
from portal.api.wire.operations import Resource, operation
from portal.api.wire.rights import of_project
from portal.api.wire.serializers import Text, Wire
from portal.errors import Missing
from portal.projects.models import Project


class ScannerRegistrationSerializer(Wire):
    """A scanner."""

    uuid = Text()
    name = Text()


class ProjectScannerSerializer(Wire):
    """The scanner that a project is to have."""

    uuid = Text()


class ProjectScanner(Resource):
    """`/projects/{p}/scanner`."""

    @operation(
        "getScannerOfProject",
        tag="project",
        right=of_project("scanner", "read"),
        answers={200: ScannerRegistrationSerializer},
    )
    def get(self, request: Request, project: Project) -> NoReturn:
        """The scanner of a project."""
        raise Missing(f"The project {project.name} has no scanner.")

    @operation(
        "setScannerOfProject",
        tag="project",
        right=of_project("scanner", "create"),
        body=ProjectScannerSerializer,
        answers={200: None},
        changes_nothing="there is no scanner to choose",
    )
    def put(self, request: Request, project: Project) -> NoReturn:
        """Chooses the scanner of a project."""
        self.read(ProjectScannerSerializer)
        raise Missing("There is no such scanner.")


class ScannerCandidates(Resource):
    """`/projects/{p}/scanner/candidates`."""

    @operation(
        "listScannerCandidatesOfProject",
        tag="project",
        right=of_project("scanner", "create"),
        answers={200: ScannerRegistrationSerializer(many=True)},
        listed=True,
    )
    def get(self, request: Request, project: Project) -> Response:
        """The scanners that a project can choose from."""
        return pages.part(request, [], list)


PATHS = {
    "projects/<str:project_name_or_id>/scanner": ProjectScanner,
    "projects/<str:project_name_or_id>/scanner/candidates": ScannerCandidates,
}
