"""`/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/tags`: the names of an artifact."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.artifact_shapes import TagSerializer, mark_immutable
from portal.api.content import ARTIFACT, Content, address, counted
from portal.api.wire.operations import operation
from portal.api.wire.parameters import switch, switched
from portal.api.wire.query import Field, Fields, asked, moment, number
from portal.api.wire.rights import of_project
from portal.api.wire.serializers import Text, Wire
from portal.artifacts.selectors import PULL_TIME, state_of
from portal.artifacts.services import tag_remove
from portal.projects.models import Project
from registry.models import Tag
from registry.services.tags import create_tag

FIELDS: Fields = {
    "id": Field("id", number),
    "name": Field("name"),
    "push_time": Field("updated_at", moment),
    "pull_time": Field("pull_time", moment),
}


class NewTagSerializer(Wire):
    """A tag that is to be made."""

    name = Text()


class Tags(Content):
    """`/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/tags`."""

    @operation(
        "listTags",
        tag="artifact",
        right=of_project("tag", "list"),
        answers={200: TagSerializer(many=True)},
        parameters=[switch("with_immutable_status", "Tell of each tag whether a rule makes it immutable.")],
        listed=True,
        fields=FIELDS,
    )
    def get(self, request: Request, project: Project, repository_name: str, reference: str) -> Response:
        """The tags of an artifact, the one pushed last first."""
        artifact = self.artifact(project, repository_name, reference)
        marked = switched(request, "with_immutable_status")

        def show(tags: Sequence[Tag]) -> list[dict[str, Any]]:
            if marked:
                mark_immutable(project.pk, {artifact.repository.name: tags})
            return list(TagSerializer(tags, many=True).data)

        rows = asked(
            request, Tag.objects.filter(manifest=artifact).annotate(pull_time=PULL_TIME), FIELDS, ("-updated_at",)
        )
        repository = artifact.repository
        whole, settled = Tag.objects.all(), {"id", "name", "push_time"}
        return counted(request, rows, show, whole=whole, state=lambda: state_of(repository), settled=settled)

    @operation(
        "createTag",
        tag="artifact",
        right=of_project("tag", "create"),
        body=NewTagSerializer,
        answers={201: None},
        journal=("tag.create",),
    )
    def post(self, request: Request, project: Project, repository_name: str, reference: str) -> Response:
        """Gives the artifact another tag, which the repository must not have yet."""
        artifact = self.artifact(project, repository_name, reference)
        name, tag = artifact.repository.name, self.read(NewTagSerializer)["name"]
        create_tag(origin=self.origin, repository=name, digest=artifact.digest, tag=tag)
        return self.created(address(name, "artifacts", artifact.digest, "tags", tag))


class OneTag(Content):
    """`/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/tags/{tag_name}`."""

    @operation(
        "deleteTag",
        tag="artifact",
        right=of_project("tag", "delete"),
        answers={200: None},
        journal=("tag.delete",),
    )
    def delete(self, request: Request, project: Project, tag_name: str, **place: Any) -> HttpResponse:
        """Takes a tag off the artifact, which stays."""
        artifact = self.artifact(project, **place)
        tag_remove(repository=artifact.repository.name, digest=artifact.digest, tag=tag_name, origin=self.origin)
        return self.done()


PATHS = {
    f"{ARTIFACT}/tags": Tags,
    f"{ARTIFACT}/tags/<str:tag_name>": OneTag,
}
