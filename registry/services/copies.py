"""The verb that copies between repositories without moving a byte."""

from graphlib import TopologicalSorter

from django.db import transaction

from audit.journal import record
from audit.origin import Origin
from registry import statements
from registry.models import Blob, BlobLink, Manifest, ManifestChild, Repository, Tag
from registry.oci import artifact
from registry.oci.errors import Code, OCIError
from registry.oci.names import check_name, is_digest, namespace_of
from registry.services import storing, usage
from registry.services.repositories import lock_repository


def copy_manifest(*, origin: Origin, source_repository: str, reference: str, repository: str) -> str:
    """Copies a manifest with all its tags, its members and its accessories into another repository; gives its digest.

    Raises NAME_INVALID, NAME_UNKNOWN, MANIFEST_UNKNOWN, PRECONDITION when one of the tags must stay where it is, or DENIED
    when the namespace would take up too much.
    """
    source = statements.repository_named(source_repository)
    if source is None:
        raise OCIError(Code.NAME_UNKNOWN, detail={"name": source_repository})
    digest = _digest(source, reference)
    wanted = [] if is_digest(reference) else [reference]
    with usage.quota_watched(origin, repository, digest=digest, tags=wanted), transaction.atomic():
        row = lock_repository(check_name(repository), create_for=origin)
        tags = _tags(source, digest)
        manifests = _with_dependants(source, digest)
        _link_blobs(source, row, manifests)
        contents: dict[str, int] = {}
        before: dict[str, str] = {}
        for pk in manifests:
            found = Manifest.objects.filter(pk=pk).first()
            if found is None:  # Somebody was faster and has deleted it.
                raise OCIError(Code.MANIFEST_UNKNOWN, detail={"reference": reference})
            mine = tags if found.digest == digest else _accessory_tags(source, found.digest)
            stored = storing.store_manifest(row, storing.again(found), mine)
            contents |= stored.contents
            before |= stored.tags_before
        usage.count(row.pk, contents, guarded=True)
        record(
            origin,
            "manifest.copy",
            project=namespace_of(repository),
            target=f"{repository}@{digest}",
            before={"tags": before} if any(before.values()) else None,
            after={"digest": digest, "from": f"{source_repository}@{digest}", "tags": tags},
        )
    return digest


def _digest(source: Repository, reference: str) -> str:
    digest = reference if is_digest(reference) else statements.tagged_digest(source.pk, reference)
    if not Manifest.objects.filter(repository=source, digest=digest).exists():
        raise OCIError(Code.MANIFEST_UNKNOWN, detail={"reference": reference})
    return digest


def _with_dependants(source: Repository, digest: str) -> list[int]:
    """The ids of the manifest and of all that goes with it, members before what names them."""
    there = Manifest.objects.filter(repository=source)
    found: dict[str, int] = {}
    wave = dict(there.filter(digest=digest).values_list("digest", "pk"))
    while wave:
        found |= wave
        named = ManifestChild.objects.filter(parent__in=wave.values()).values("digest")
        rows = (there.filter(digest__in=named) | there.filter(accessory_of__in=wave)).values_list("digest", "pk")
        wave = {digest: pk for digest, pk in rows if digest not in found}
    order = TopologicalSorter[int](dict.fromkeys(found.values(), ()))
    for parent, member in ManifestChild.objects.filter(parent__in=found.values()).values_list("parent_id", "digest"):
        if member in found:
            order.add(parent, found[member])
    return list(order.static_order())


def _link_blobs(source: Repository, row: Repository, manifests: list[int]) -> None:
    """Links what the manifests use, while nobody deletes it."""
    used = BlobLink.objects.filter(repository=source, blob__uses__manifest__in=manifests).values("blob")
    blobs = Blob.objects.select_for_update().filter(pk__in=used, deleting=False).order_by("pk")
    BlobLink.objects.bulk_create(
        [BlobLink(repository=row, blob_id=pk) for pk in blobs.values_list("pk", flat=True)],
        update_conflicts=True,
        update_fields=["condemned_at"],
        unique_fields=["repository", "blob"],
    )


def _tags(source: Repository, digest: str) -> list[str]:
    there = Tag.objects.filter(repository=source, manifest__digest=digest)
    return list(there.order_by("name").values_list("name", flat=True))


def _accessory_tags(source: Repository, digest: str) -> list[str]:
    """The tags that make it an accessory; any other stays where it is."""
    return [tag for tag in _tags(source, digest) if artifact.is_accessory_tag(tag)]
