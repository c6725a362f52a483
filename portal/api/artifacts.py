"""Artifacts of repositories and of projects: how they are found, copied, labelled and deleted."""

import re
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.artifact_shapes import PARAMETERS, SIGNATURE, ArtifactSerializer, Wanted, whole
from portal.api.content import ARTIFACT, REPOSITORY, Content, address, counted
from portal.api.wire import pages
from portal.api.wire.operations import Resource, operation
from portal.api.wire.parameters import switch, switched
from portal.api.wire.query import Condition, Field, Fields, asked, conditions, moment, number
from portal.api.wire.rights import of_project
from portal.api.wire.serializers import Whole, Wire
from portal.artifacts.selectors import (
    PULL_TIME,
    artifacts_in,
    artifacts_of,
    latest_of_each,
    repository_of,
    state_of,
    state_of_all,
    tags_on,
    top_level,
)
from portal.artifacts.services import artifact_copy, artifact_delete
from portal.errors import Invalid
from portal.labels.models import ArtifactLabel
from portal.labels.services import label_attach, label_detach, label_get
from portal.projects.models import Project
from registry.models import Manifest
from registry.oci.names import check_digest, check_name, check_tag, namespace_of

_SOURCE = re.compile(r"([^:@]+)(?::([^:@]+))?(?:@([^@]+))?")
_MOST_LABELS = 20  # Each is a condition of its own.
_TAGGED = Exists(tags_on())


class LabelIdSerializer(Wire):
    """A label, of which the id is enough."""

    id = Whole()


def _by_tags(rows: QuerySet[Manifest], condition: Condition) -> QuerySet[Manifest]:
    """`*` for any tag, `nil` for none, otherwise a tag's name or `~` and a part of one."""
    value = next(iter(condition.values), "")
    match condition.operator, value:
        case "exact", "*":
            return rows.filter(_TAGGED)
        case "exact", "nil":
            return rows.filter(~_TAGGED)
        case "exact", _:
            return rows.filter(Exists(tags_on().filter(repository=OuterRef("repository"), name=value)))
        case "fuzzy", _:
            return rows.filter(Exists(tags_on().filter(name__icontains=value)))
    raise Invalid("q: tags is *, nil, the name of a tag, or ~ and a part of one.")


def _by_labels(rows: QuerySet[Manifest], condition: Condition) -> QuerySet[Manifest]:
    """The artifacts that bear all of the labels."""
    labels = {number(value) for value in condition.values}
    if condition.operator != "all" or not 0 < len(labels) <= _MOST_LABELS:
        raise Invalid(f"q: labels takes 1 to {_MOST_LABELS} ids as in labels=(1 2).")
    for label in labels:
        rows = rows.filter(Exists(ArtifactLabel.objects.filter(manifest=OuterRef("pk"), label=label)))
    return rows


def _by_base(rows: QuerySet[Manifest], condition: Condition) -> QuerySet[Manifest]:
    if (condition.operator, condition.values) != ("exact", ("*",)):
        raise Invalid("q: base is *, for the members of indexes to be listed too.")
    return rows


FIELDS: Fields = {
    "id": Field("id", number),
    "digest": Field("digest"),
    "type": Field("kind"),
    "media_type": Field("config_media_type"),
    "manifest_media_type": Field("media_type"),
    "artifact_type": Field("artifact_type"),
    "project_id": Field("namespace_id", number),
    "repository_id": Field("repository_id", number),
    "repository_name": Field("repository__name"),
    "size": Field("total_size", number),
    "icon": Field("icon"),
    "push_time": Field("pushed_at", moment),
    "pull_time": Field("pull_time", moment),
    "tags": Field(narrow=_by_tags),
    "labels": Field(narrow=_by_labels),
    "base": Field(narrow=_by_base),
}
# Of a manifest these stay as they are, and tags come and go with the generation of their repository.
_SETTLED = set(FIELDS) - {"labels", "pull_time"}


def _matching(request: Request, rows: QuerySet[Manifest]) -> QuerySet[Manifest]:
    """The rows that the request asks for; members of indexes only if it names them."""
    if "base" not in _keys(request):
        rows = top_level(rows)
    return asked(request, rows.annotate(pull_time=PULL_TIME), FIELDS, ("-pushed_at",))


def _keys(request: Request) -> set[str]:
    """The keys that the request's `q` has conditions on."""
    return {condition.key for condition in conditions(request.query_params.get("q", ""))}


class Artifacts(Content):
    """`/projects/{project_name}/repositories/{repository_name}/artifacts`."""

    @operation(
        "listArtifacts",
        tag="artifact",
        right=of_project("artifact", "list"),
        answers={200: ArtifactSerializer(many=True)},
        parameters=PARAMETERS,
        listed=True,
        fields=FIELDS,
    )
    def get(self, request: Request, project: Project, repository_name: str) -> Response:
        """The artifacts of a repository.

        Members of an index without a tag are left out unless q has base=*, signatures and other accessories always.
        """
        repository = self.repository(project, repository_name)
        wanted, rows = Wanted.of(request), _matching(request, artifacts_in(repository))
        return counted(request, rows, wanted.show, whole=whole(), state=lambda: state_of(repository), settled=_SETTLED)

    @operation(
        "CopyArtifact",
        tag="artifact",
        right=of_project("artifact", "create"),
        answers={201: None},
        parameters=[
            OpenApiParameter(
                "from", str, required=True, description="project/repository:tag or project/repository@digest"
            )
        ],
        journal=("manifest.copy",),
    )
    def post(self, request: Request, project: Project, repository_name: str) -> Response:
        """Copies an artifact with its accessories into this repository."""
        name, reference = _source(request.query_params.get("from", ""))
        there = self.project(namespace_of(name), by_name=True)
        self.require(of_project("repository", "pull"), there)
        assert there is not None
        source = repository_of(there, name.partition("/")[2])
        target = self.full_name(project, repository_name)
        artifact_copy(source=source, reference=reference, repository=target, origin=self.origin)
        return self.created(address(target, "artifacts", reference))


def _source(text: str) -> tuple[str, str]:
    """The repository and the tag or digest that a copy is made from. Raises Invalid."""
    found = _SOURCE.fullmatch(text)
    if not found or not (found[2] or found[3]):
        raise Invalid("from is project/repository:tag or project/repository@digest.")
    if found[2]:
        check_tag(found[2])
    return check_name(found[1]), check_digest(found[3]) if found[3] else found[2]


class OneArtifact(Content):
    """`/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}`."""

    @operation(
        "getArtifact",
        tag="artifact",
        right=of_project("artifact", "read"),
        answers={200: ArtifactSerializer},
        parameters=[*PARAMETERS, SIGNATURE],
    )
    def get(self, request: Request, project: Project, repository_name: str, reference: str) -> Response:
        """One artifact, by tag or digest."""
        wanted = Wanted.of(request)
        return Response(wanted.show([self.artifact(project, repository_name, reference)])[0])

    @operation(
        "deleteArtifact",
        tag="artifact",
        right=of_project("artifact", "delete"),
        answers={200: None},
        journal=("manifest.delete",),
    )
    def delete(self, request: Request, project: Project, repository_name: str, reference: str) -> HttpResponse:
        """Deletes the artifact with all its tags and accessories."""
        found = self.artifact(project, repository_name, reference)
        artifact_delete(repository=found.repository.name, digest=found.digest, origin=self.origin)
        return self.done()


class ArtifactLabels(Content):
    """`/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/labels`."""

    @operation(
        "addLabel",
        tag="artifact",
        right=of_project("artifact-label", "create"),
        body=LabelIdSerializer,
        answers={200: None},
        journal=("label.attach",),
    )
    def post(self, request: Request, project: Project, repository_name: str, reference: str) -> HttpResponse:
        """Puts a label on the artifact: a global one, or one of its project."""
        artifact = self.artifact(project, repository_name, reference)
        label = label_get(self.read(LabelIdSerializer)["id"])
        label_attach(label=label, manifest=artifact, origin=self.origin)
        return self.done()


class OneArtifactLabel(Content):
    """`/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/labels/{label_id}`."""

    @operation(
        "removeLabel",
        tag="artifact",
        right=of_project("artifact-label", "delete"),
        answers={200: None},
        journal=("label.detach",),
    )
    def delete(self, request: Request, project: Project, label_id: int, **place: Any) -> HttpResponse:
        """Takes a label off the artifact."""
        artifact = self.artifact(project, **place)
        label_detach(label=label_get(label_id), manifest=artifact, origin=self.origin)
        return self.done()


class ArtifactsOfProject(Resource):
    """`/projects/{project_name_or_id}/artifacts`."""

    @operation(
        "listArtifactsOfProject",
        tag="project",
        right=of_project("artifact", "list"),
        answers={200: ArtifactSerializer(many=True)},
        parameters=[
            *PARAMETERS,
            switch("latest_in_repository", "Only the last one pushed to each repository; needs q with a type."),
        ],
        listed=True,
        fields=FIELDS,
    )
    def get(self, request: Request, project: Project) -> Response:
        """The artifacts of every repository of a project."""
        wanted, rows = Wanted.of(request), _matching(request, artifacts_of(project))
        typed = _keys(request) & {"media_type", "artifact_type"}
        if switched(request, "latest_in_repository") and typed:
            rows = latest_of_each(project, rows)
            return pages.listed(request, rows, wanted.show, whole=whole())
        return counted(request, rows, wanted.show, whole=whole(), state=lambda: state_of_all(project), settled=_SETTLED)


PATHS = {
    f"{REPOSITORY}/artifacts": Artifacts,
    ARTIFACT: OneArtifact,
    f"{ARTIFACT}/labels": ArtifactLabels,
    f"{ARTIFACT}/labels/<int:label_id>": OneArtifactLabel,
    "projects/<str:project_name_or_id>/artifacts": ArtifactsOfProject,
}
