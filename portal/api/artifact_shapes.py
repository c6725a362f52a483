"""How artifacts, their tags and accessories are written down, and how a page of them is put together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Prefetch, prefetch_related_objects
from drf_spectacular.utils import OpenApiParameter, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

from portal.api.content import address
from portal.api.labels import LabelSerializer
from portal.api.wire.parameters import switch, switched
from portal.api.wire.serializers import Flag, Moment, Text, Whole, Wire
from portal.artifacts import additions
from portal.artifacts.icons import icon_digest
from portal.artifacts.selectors import accessories_by_subject, members_of, signatures_of_parents
from portal.immutability.selectors import protected_in
from portal.labels.models import ArtifactLabel
from registry.models import Manifest, ManifestChild, Tag
from registry.oci.media_types import INDEXES

# A row that carries as attributes what its serializer tells besides: `shown_tags`, `immutable` and the like.
Shown = Any
NEVER = "0001-01-01T00:00:00.000Z"

_Texts = {"type": "object", "additionalProperties": {"type": "string"}}


class PullTime(Moment):
    """When something was last pulled; Harbor's clients know the year 1 for never."""

    def get_attribute(self, instance: Any) -> Any:
        """The time, or that text."""
        return super().get_attribute(instance) or NEVER


class TagSerializer(Wire):
    """A tag of an artifact."""

    id = Whole()
    repository_id = Whole()
    artifact_id = Whole(source="manifest_id")
    name = Text()
    push_time = Moment(source="updated_at")
    pull_time = PullTime(source="pulled_at")
    immutable = Flag(default=False)


class AccessorySerializer(Wire):
    """Something that signs or describes an artifact."""

    id = Whole()
    artifact_id = Whole(source="id")
    subject_artifact_id = Whole(source="subject_row.id")
    subject_artifact_digest = Text(source="subject_row.digest")
    subject_artifact_repo = Text(source="subject_row.repository.name")
    size = Whole(source="total_size")
    digest = Text()
    type = Text(source="accessory_kind")
    icon = serializers.SerializerMethodField()
    creation_time = Moment(source="pushed_at")

    def get_icon(self, row: Manifest) -> str:
        """The digest of its picture."""
        return icon_digest(row)


class PlatformSerializer(Wire):
    """What a member of an index runs on."""

    architecture = Text(required=False)
    os = Text(required=False)
    variant = Text(required=False)


class ReferenceSerializer(Wire):
    """What an index says of one of its members."""

    parent_id = Whole()
    child_id = Whole(required=False)
    child_digest = Text(source="digest")
    platform = serializers.SerializerMethodField()
    annotations = serializers.SerializerMethodField()
    urls = serializers.ListField(child=Text())

    @extend_schema_field(PlatformSerializer)
    def get_platform(self, row: ManifestChild) -> dict[str, Any]:
        """The platform, as far as it is one."""
        single, several = ("architecture", "os", "os.version", "variant"), ("os.features",)
        told = {name: row.platform[name] for name in single if isinstance(row.platform.get(name), str)}
        return told | {name: row.platform[name] for name in several if isinstance(row.platform.get(name), list)}

    @extend_schema_field(_Texts)
    def get_annotations(self, row: ManifestChild) -> dict[str, str]:
        """The annotations of the descriptor."""
        return _texts(row.annotations)


class AdditionLinkSerializer(Wire):
    """Where an addition is to be found."""

    href = Text()
    absolute = Flag()


class ArtifactSerializer(Wire):
    """An artifact. Tags, labels and accessories are there where they were asked for."""

    id = Whole()
    type = Text(source="kind")
    media_type = Text(source="config_media_type")
    manifest_media_type = Text(source="media_type")
    artifact_type = Text()
    project_id = Whole(source="repository.namespace_id")
    repository_id = Whole()
    repository_name = Text(source="repository.name")
    digest = Text()
    size = Whole(source="total_size")
    icon = serializers.SerializerMethodField()
    push_time = Moment(source="pushed_at")
    pull_time = PullTime(source="pulled_at")
    extra_attrs = serializers.DictField()
    annotations = serializers.SerializerMethodField()
    references = ReferenceSerializer(many=True, source="shown_references")
    tags = TagSerializer(many=True, source="shown_tags", required=False)
    labels = LabelSerializer(many=True, source="shown_labels", required=False)
    accessories = AccessorySerializer(many=True, source="shown_accessories", required=False)
    inherited_accessories = AccessorySerializer(many=True, source="shown_inherited", required=False)
    addition_links = serializers.SerializerMethodField()

    def get_icon(self, row: Manifest) -> str:
        """The digest of its picture."""
        return icon_digest(row)

    @extend_schema_field(_Texts)
    def get_annotations(self, row: Manifest) -> dict[str, str]:
        """The annotations of the manifest."""
        return _texts(row.annotations)

    @extend_schema_field(serializers.DictField(child=AdditionLinkSerializer()))
    def get_addition_links(self, row: Manifest) -> dict[str, dict[str, Any]]:
        """Where its additions are."""
        here = "/api/v2.0" + address(row.repository.name, "artifacts", row.digest, "additions")
        return {name: {"href": f"{here}/{name}", "absolute": False} for name in additions.offered(row)}


PARAMETERS = [
    switch("with_tag", "Tell the tags.", default=True),
    switch("with_label", "Tell the labels."),
    switch("with_accessory", "Tell what signs or describes the artifact."),
    switch("with_inherited_accessory", "Tell the signatures of the indexes that the artifact is a member of."),
    switch("with_immutable_status", "Tell of each tag whether a rule makes it immutable."),
    switch("with_scan_overview", "Nothing is scanned yet: there is no overview."),
    switch("with_sbom_overview", "Nothing is scanned yet: there is no overview."),
]
SIGNATURE: OpenApiParameter = switch("with_signature", "Of old: signatures are among the accessories.")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be told of artifacts besides themselves."""

    tags: bool
    labels: bool
    accessories: bool
    inherited: bool
    immutable: bool

    @classmethod
    def of(cls, request: Request) -> "Wanted":
        """What a request asks for. Raises Unprocessable."""
        switches = {
            str(known.name): switched(request, str(known.name), default=bool(known.default)) for known in PARAMETERS
        }
        return cls(
            tags=switches["with_tag"],
            labels=switches["with_label"],
            accessories=switches["with_accessory"],
            inherited=switches["with_inherited_accessory"],
            immutable=switches["with_immutable_status"],
        )

    def show(self, artifacts: Sequence[Manifest]) -> list[dict[str, Any]]:
        """The artifacts, each with its repository, and what belongs to them: one query or two for each kind of thing."""
        _add_references(artifacts)
        if self.tags:
            prefetch_related_objects(
                artifacts, Prefetch("tags", Tag.objects.order_by("-updated_at", "-pk"), "shown_tags")
            )
        if self.tags and self.immutable:
            _mark_immutable(artifacts)
        if self.labels:
            _add_labels(artifacts)
        if self.accessories:
            _add(artifacts, "shown_accessories", accessories_by_subject(artifacts))
        if self.inherited:
            _add(artifacts, "shown_inherited", signatures_of_parents(artifacts))
        return list(ArtifactSerializer(artifacts, many=True).data)


def whole() -> Any:
    """The rows that `Wanted.show` takes."""
    return Manifest.objects.defer("payload").select_related("repository")


def mark_immutable(project_id: int, tags: Mapping[str, Sequence[Shown]]) -> None:
    """Notes on tags, by the full name of their repository in the project, whether they are immutable."""
    protected = protected_in(
        project_id, {repository: {tag.name for tag in there} for repository, there in tags.items()}
    )
    for repository, there in tags.items():
        for tag in there:
            tag.immutable = tag.name in protected[repository]


def _mark_immutable(artifacts: Sequence[Shown]) -> None:
    tags: dict[str, list[Tag]] = {}
    for row in artifacts:  # They are of one project.
        tags.setdefault(row.repository.name, []).extend(row.shown_tags)
    if artifacts:
        mark_immutable(artifacts[0].repository.namespace_id, tags)


def _add_references(artifacts: Sequence[Shown]) -> None:
    for row in artifacts:
        if row.media_type not in INDEXES:  # On an index the list would pass for one that was fetched.
            row.shown_references = []
    indexes = [row for row in artifacts if row.media_type in INDEXES]
    if not indexes:
        return
    prefetch_related_objects(indexes, Prefetch("children", ManifestChild.objects.order_by("pk"), "shown_references"))
    ids = members_of(indexes)
    for row in indexes:
        for child in row.shown_references:
            child.child_id = ids.get((row.repository_id, child.digest))


def _add_labels(artifacts: Sequence[Shown]) -> None:
    uses = ArtifactLabel.objects.select_related("label").order_by("label__name", "pk")
    prefetch_related_objects(artifacts, Prefetch("label_uses", uses, "shown_label_uses"))
    for row in artifacts:
        row.shown_labels = [use.label for use in row.shown_label_uses]


def _add(artifacts: Sequence[Shown], name: str, found: Mapping[int, Sequence[Shown]]) -> None:
    for row in artifacts:
        setattr(row, name, found.get(row.pk, []))


def _texts(values: Any) -> dict[str, str]:
    return {name: text for name, text in values.items() if isinstance(text, str)} if isinstance(values, dict) else {}
