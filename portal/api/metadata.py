"""`/projects/{p}/metadatas/`: the settings of a project, one at a time."""

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.project_shapes import DERIVED, IS_NAME, ProjectMetadataSerializer, shown_settings
from portal.api.wire.operations import Resource, operation
from portal.api.wire.rights import of_project
from portal.api.wire.serializers import Text
from portal.errors import Invalid, Missing
from portal.projects.models import Project
from portal.projects.rules import SETTINGS
from portal.projects.services import project_setting_add, project_setting_remove, project_update


class Metadatas(Resource):
    """`/projects/{project_name_or_id}/metadatas/`."""

    @operation(
        "listProjectMetadatas",
        tag="projectMetadata",
        right=of_project("metadata", "read"),
        answers={200: ProjectMetadataSerializer},
        parameters=[IS_NAME],
    )
    def get(self, request: Request, project: Project) -> Response:
        """All settings of the project."""
        return Response(shown_settings([project])[project.pk])

    @operation(
        "addProjectMetadatas",
        tag="projectMetadata",
        right=of_project("metadata", "create"),
        body=ProjectMetadataSerializer,
        answers={200: None},
        parameters=[IS_NAME],
        journal=("project.update",),
    )
    def post(self, request: Request, project: Project) -> HttpResponse:
        """Sets one that was not set before."""
        project_setting_add(project=project, settings=_setting(self), origin=self.origin)
        return self.done()


class OneMetadata(Resource):
    """`/projects/{project_name_or_id}/metadatas/{meta_name}`."""

    @operation(
        "getProjectMetadata",
        tag="projectMetadata",
        right=of_project("metadata", "read"),
        answers={200: ProjectMetadataSerializer},
        parameters=[IS_NAME],
    )
    def get(self, request: Request, project: Project, meta_name: str) -> Response:
        """One setting; nothing where nobody set it."""
        _known(meta_name)
        settings = shown_settings([project])[project.pk]
        return Response({meta_name: settings[meta_name]} if meta_name in settings else {})

    @operation(
        "updateProjectMetadata",
        tag="projectMetadata",
        right=of_project("metadata", "update"),
        body=ProjectMetadataSerializer,
        answers={200: None},
        parameters=[IS_NAME],
        journal=("project.update",),
    )
    def put(self, request: Request, project: Project, meta_name: str) -> HttpResponse:
        """Changes one, or sets it."""
        _known(meta_name)
        wanted = _setting(self)
        if meta_name not in wanted:
            raise Invalid(f"The body has the setting that the path names: {meta_name[:64]}.")
        project_update(project=project, settings=wanted, origin=self.origin)
        return self.done()

    @operation(
        "deleteProjectMetadata",
        tag="projectMetadata",
        right=of_project("metadata", "delete"),
        answers={200: None},
        parameters=[IS_NAME],
        journal=("project.update",),
    )
    def delete(self, request: Request, project: Project, meta_name: str) -> HttpResponse:
        """Sets one back to what it is where nobody set it."""
        project_setting_remove(project=project, key=meta_name, origin=self.origin)
        return self.done()


def _setting(resource: Resource) -> dict[str, str]:
    """The one setting in the body."""
    wanted: dict[str, str] = serializers.DictField(child=Text()).run_validation(resource.said())
    if len(wanted) != 1:
        raise Invalid('The body has one setting, as in {"public": "true"}.')
    return wanted


def _known(key: str) -> None:
    if key not in (*SETTINGS, DERIVED):
        raise Missing(f"A project has no setting {key[:64]!r}.")


PATHS = {
    "projects/<str:project_name_or_id>/metadatas": Metadatas,
    "projects/<str:project_name_or_id>/metadatas/<str:meta_name>": OneMetadata,
}
