"""`/projects`: creating, finding, changing and deleting projects."""

from typing import Any

from django.db import transaction
from django.db.models import Count
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.access.founding import terms_of
from portal.access.policy import can
from portal.access.visibility import listed_projects
from portal.allowlists.services import allowlist_set
from portal.api.project_shapes import (
    IS_NAME,
    NAME_IN_LOCATION,
    ProjectReqSerializer,
    ProjectSerializer,
    shown_project,
    shown_projects,
    wanted_allowlist,
    wanted_settings,
)
from portal.api.wire import pages
from portal.api.wire.operations import Resource, operation
from portal.api.wire.parameters import switch, switched
from portal.api.wire.query import Field, Fields, asked, boolean, moment, number
from portal.api.wire.rights import ANYONE, LOGGED_IN, of_project
from portal.api.wire.serializers import Flag, Text, Whole, Wire
from portal.errors import Invalid, Missing, Unprocessable
from portal.projects.models import Project, Role
from portal.projects.selectors import obstacle_to_deletion, project_named, repositories_in
from portal.projects.services import project_create, project_delete, project_update
from registry.selectors import usage

FIELDS: Fields = {
    "project_id": Field("pk", number),
    "name": Field("namespace__name"),
    "public": Field("public", boolean),
    "owner": Field("owner__username"),
    "owner_id": Field("owner_id", number),
    "creation_time": Field("namespace__created_at", moment),
    "update_time": Field("updated_at", moment),
}

PARAMETERS = [
    OpenApiParameter("name", str, description="Part of the name."),
    OpenApiParameter("public", bool, description="Only public projects, or only private ones."),
    OpenApiParameter("owner", str, description="The name of the owner."),
    switch("with_detail", "Tell owners as well.", default=True),
]


class ProjectDeletableSerializer(Wire):
    """Whether a project can be deleted, and if not, why."""

    deletable = Flag()
    message = Text(required=False)


class ProjectSummaryQuotaSerializer(Wire):
    """Bytes allowed and bytes taken, under `storage`; -1 allows any number."""

    hard = serializers.DictField(child=Whole())
    used = serializers.DictField(child=Whole())


class ProjectSummarySerializer(Wire):
    """A project in numbers. Members and quota are told to those who may see them."""

    repo_count = Whole()
    project_admin_count = Whole(required=False)
    maintainer_count = Whole(required=False)
    developer_count = Whole(required=False)
    guest_count = Whole(required=False)
    limited_guest_count = Whole(required=False)
    quota = ProjectSummaryQuotaSerializer(required=False)


class Projects(Resource):
    """`/projects`."""

    @operation(
        "listProjects",
        tag="project",
        right=ANYONE,
        answers={200: ProjectSerializer(many=True)},
        parameters=PARAMETERS,
        listed=True,
        fields=FIELDS,
    )
    def get(self, request: Request) -> Response:
        """The projects that the caller may see."""
        query = request.query_params
        rows = asked(request, listed_projects(self.identity), FIELDS, ("namespace__name",))
        if query.get("name"):
            rows = rows.filter(namespace__name__icontains=query["name"])
        if query.get("owner"):
            rows = rows.filter(owner__username=query["owner"])
        if query.get("public"):
            rows = rows.filter(public=switched(request, "public"))
        detail = switched(request, "with_detail", default=True)
        return pages.listed(
            request,
            rows,
            lambda projects: shown_projects(projects, self.identity, detail=detail),
            whole=Project.objects.select_related("owner"),
        )

    @operation(
        "headProject",
        tag="project",
        right=LOGGED_IN,
        answers={200: None},
        parameters=[OpenApiParameter("project_name", str, required=True, description="The name in question.")],
    )
    def head(self, request: Request) -> HttpResponse:
        """Whether there is a project of that name."""
        name = request.query_params.get("project_name")
        if name is None:
            raise Unprocessable("project_name in query is required")
        if project_named(name) is None:
            raise Missing("There is no such project.")
        return self.done()

    @operation(
        "createProject",
        tag="project",
        right=LOGGED_IN,
        body=ProjectReqSerializer,
        answers={201: None},
        parameters=[NAME_IN_LOCATION],
        journal=("project.create",),
    )
    def post(self, request: Request) -> Response:
        """A new project, whose projectAdmin the caller becomes."""
        terms = terms_of(self.identity)
        wanted = self.read(ProjectReqSerializer)
        if wanted.get("registry_id"):
            raise Invalid("A project cannot stand for another registry: proxy caches do not exist yet.")
        with transaction.atomic():
            project = project_create(
                name=wanted["project_name"],
                owner=terms.owner,
                settings=wanted_settings(wanted),
                storage_limit=(wanted.get("storage_limit") or None) if terms.sets_limit else None,
                origin=self.origin,
            )
            _set_allowlist(self, project, wanted)
        by_name = request.headers.get("X-Resource-Name-In-Location", "").lower() == "true"
        return self.created(f"/projects/{project.name if by_name else project.pk}")


class OneProject(Resource):
    """`/projects/{project_name_or_id}`."""

    @operation(
        "getProject",
        tag="project",
        right=of_project("project", "read"),
        answers={200: ProjectSerializer},
        parameters=[IS_NAME],
    )
    def get(self, request: Request, project: Project) -> Response:
        """One project."""
        return Response(shown_project(project, self.identity))

    @operation(
        "updateProject",
        tag="project",
        right=of_project("project", "update"),
        body=ProjectReqSerializer,
        answers={200: None},
        parameters=[IS_NAME],
        journal=("project.update",),
    )
    def put(self, request: Request, project: Project) -> HttpResponse:
        """Sets what the body says of metadata and allowlist; the rest stays. Quotas are changed as such."""
        wanted = self.read(ProjectReqSerializer)
        with transaction.atomic():
            project_update(project=project, settings=wanted_settings(wanted, project), origin=self.origin)
            _set_allowlist(self, project, wanted)
        return self.done()

    @operation(
        "deleteProject",
        tag="project",
        right=of_project("project", "delete"),
        answers={200: None},
        parameters=[IS_NAME],
        journal=("project.delete",),
    )
    def delete(self, request: Request, project: Project) -> HttpResponse:
        """Removes a project that has no repositories."""
        project_delete(project=project, origin=self.origin)
        return self.done()


class Deletable(Resource):
    """`/projects/{project_name_or_id}/_deletable`."""

    @operation(
        "getProjectDeletable",
        tag="project",
        right=of_project("project", "delete"),
        answers={200: ProjectDeletableSerializer},
        parameters=[IS_NAME],
    )
    def get(self, request: Request, project: Project) -> Response:
        """Whether the project could be deleted now."""
        obstacle = obstacle_to_deletion(project)
        return Response({"deletable": False, "message": obstacle} if obstacle else {"deletable": True})


class Summary(Resource):
    """`/projects/{project_name_or_id}/summary`."""

    @operation(
        "getProjectSummary",
        tag="project",
        right=of_project("project", "read"),
        answers={200: ProjectSummarySerializer},
        parameters=[IS_NAME],
    )
    def get(self, request: Request, project: Project) -> Response:
        """The project in numbers."""
        told: dict[str, Any] = {"repo_count": repositories_in(project).count()}
        if can(self.identity, "member", "list", project):
            held = dict(project.members.order_by().values_list("role").annotate(Count("pk")))
            told |= {f"{role.name.lower()}_count": held.get(role, 0) for role in Role}
        if can(self.identity, "quota", "read", project):
            told["quota"] = {
                "hard": {"storage": project.storage_limit},
                "used": {"storage": usage(project.pk)},
            }
        return Response(told)


def _set_allowlist(resource: Resource, project: Project, wanted: dict[str, Any]) -> None:
    """Writes the allowlist of a body, if it has one."""
    if wanted.get("cve_allowlist") is not None:
        content = wanted_allowlist(wanted["cve_allowlist"], project)
        allowlist_set(project=project, **content, origin=resource.origin)


PATHS = {
    "projects": Projects,
    "projects/<str:project_name_or_id>": OneProject,
    "projects/<str:project_name_or_id>/_deletable": Deletable,
    "projects/<str:project_name_or_id>/summary": Summary,
}
