"""`/repositories` and `/projects/{project_name}/repositories`: what projects hold."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.content import REPOSITORY, Content
from portal.api.wire import pages
from portal.api.wire.operations import Resource, operation
from portal.api.wire.query import Condition, Field, Fields, asked, moment, number
from portal.api.wire.rights import ANYONE, of_project
from portal.api.wire.serializers import Moment, Text, Whole, Wire
from portal.artifacts.selectors import artifact_counts, repositories_visible_to
from portal.errors import Invalid
from portal.projects.models import Project
from portal.projects.selectors import repositories_in
from registry.models import BlobLink, Repository
from registry.services.repositories import LONGEST_DESCRIPTION, delete_repository, update_repository


class RepositorySerializer(Wire):
    """A repository; its name is the full one."""

    id = Whole(read_only=True)
    project_id = Whole(source="namespace_id", read_only=True)
    name = Text(read_only=True)
    description = Text(default="", max_length=LONGEST_DESCRIPTION)
    artifact_count = serializers.SerializerMethodField()
    pull_count = Whole(read_only=True)
    creation_time = Moment(source="created_at", read_only=True)
    update_time = Moment(source="updated_at", read_only=True)

    def get_artifact_count(self, row: Repository) -> int:
        """How many artifacts it has, from the serializer's context."""
        return int(self.context["counts"][row.pk])


def _holding(rows: QuerySet[Repository], condition: Condition) -> QuerySet[Repository]:
    """Those from which a blob can be mounted."""
    if condition.operator != "exact":
        raise Invalid("q: blob_digest takes one digest.")
    links = BlobLink.objects.filter(blob__digest=condition.values[0], condemned_at=None)
    return rows.filter(pk__in=links.values("repository"))


FIELDS: Fields = {
    "id": Field("id", number),
    "repository_id": Field("id", number),
    "project_id": Field("namespace_id", number),
    "name": Field("name"),
    "description": Field("description"),
    "pull_count": Field("pull_count", number),
    "creation_time": Field("created_at", moment),
    "update_time": Field("updated_at", moment),
    "blob_digest": Field(narrow=_holding),
}


def show(repositories: Sequence[Repository]) -> list[dict[str, Any]]:
    """The repositories with the number of their artifacts."""
    counts = artifact_counts(repositories)
    return list(RepositorySerializer(repositories, many=True, context={"counts": counts}).data)


def _listed(request: Request, rows: QuerySet[Repository]) -> Response:
    return pages.listed(request, asked(request, rows, FIELDS, ("-created_at",)), show)


class AllRepositories(Resource):
    """`/repositories`."""

    @operation(
        "listAllRepositories",
        tag="repository",
        right=ANYONE,
        answers={200: RepositorySerializer(many=True)},
        listed=True,
        fields=FIELDS,
    )
    def get(self, request: Request) -> Response:
        """The repositories of every project that the caller may see."""
        return _listed(request, repositories_visible_to(self.identity))


class Repositories(Resource):
    """`/projects/{project_name}/repositories`."""

    @operation(
        "listRepositories",
        tag="repository",
        right=of_project("repository", "list"),
        answers={200: RepositorySerializer(many=True)},
        listed=True,
        fields=FIELDS,
    )
    def get(self, request: Request, project: Project) -> Response:
        """The repositories of one project."""
        return _listed(request, repositories_in(project))


class OneRepository(Content):
    """`/projects/{project_name}/repositories/{repository_name}`."""

    @operation(
        "getRepository",
        tag="repository",
        right=of_project("repository", "read"),
        answers={200: RepositorySerializer},
    )
    def get(self, request: Request, project: Project, repository_name: str) -> Response:
        """One repository."""
        return Response(show([self.repository(project, repository_name)])[0])

    @operation(
        "updateRepository",
        tag="repository",
        right=of_project("repository", "update"),
        body=RepositorySerializer,
        answers={200: None},
        journal=("repository.update",),
    )
    def put(self, request: Request, project: Project, repository_name: str) -> HttpResponse:
        """Describes the repository anew."""
        name = self.repository(project, repository_name).name
        description = self.read(RepositorySerializer)["description"]
        update_repository(origin=self.origin, name=name, description=description)
        return self.done()

    @operation(
        "deleteRepository",
        tag="repository",
        right=of_project("repository", "delete"),
        answers={200: None},
        journal=("repository.delete",),
    )
    def delete(self, request: Request, project: Project, repository_name: str) -> HttpResponse:
        """Deletes the repository with all it holds.

        It is gone at once, and a job clears away its content.
        """
        delete_repository(origin=self.origin, name=self.repository(project, repository_name).name)
        return self.done()


PATHS = {
    "repositories": AllRepositories,
    "projects/<str:project_name>/repositories": Repositories,
    REPOSITORY: OneRepository,
}
