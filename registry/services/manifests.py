"""The verbs of manifests and tags."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db import transaction

from audit.journal import record
from audit.origin import Origin
from audit.sanitise import clean_json
from registry import selectors, statements
from registry.models import Manifest, ManifestBlob, ManifestChild, Repository, Tag
from registry.oci.errors import Code, OCIError
from registry.oci.manifest import Parsed, parse
from registry.oci.names import check_digest, check_tag, digest_of, namespace_of
from registry.services.repositories import lock_repository


@dataclass(frozen=True, slots=True)
class Stored:
    """What a push made."""

    digest: str
    subject: str


def put_manifest(
    *, origin: Origin, repository: str, digest: str, tags: Collection[str], payload: bytes, content_type: str
) -> Stored:
    """Stores a manifest and points the tags at it. An empty `digest` stands for the payload's sha256.

    Raises MANIFEST_INVALID, MANIFEST_BLOB_UNKNOWN (naming what is missing), DIGEST_INVALID, TAG_INVALID or NAME_UNKNOWN.
    """
    digest = _verified(check_digest(digest), payload) if digest else digest_of(payload)
    parsed = parse(payload, content_type)
    with transaction.atomic():
        row = lock_repository(repository, create_for=origin)
        blobs = _required_blobs(row, parsed)
        manifest = _store(row, digest, parsed, payload, blobs)
        before = {tag: statements.tagged_digest(row.pk, check_tag(tag)) for tag in tags}
        for tag in tags:
            statements.move_tag(row.pk, tag, manifest.pk)
        record(
            origin,
            "manifest.push",
            project=namespace_of(repository),
            target=f"{repository}@{digest}",
            before={"tags": before} if any(before.values()) else None,
            after={"digest": digest, "media_type": parsed.media_type, "size": len(payload), "tags": list(tags)},
        )
    return Stored(digest, parsed.subject)


def delete_manifest(*, origin: Origin, repository: str, digest: str) -> None:
    """Removes a manifest and every tag that points to it. Raises MANIFEST_UNKNOWN."""
    with transaction.atomic():
        row = lock_repository(repository)
        manifest = Manifest.objects.filter(repository=row, digest=digest).defer("payload").first()
        if manifest is None:
            raise OCIError(Code.MANIFEST_UNKNOWN, detail={"digest": digest})
        tags = sorted(manifest.tags.values_list("name", flat=True))
        manifest.delete()
        record(
            origin,
            "manifest.delete",
            project=namespace_of(repository),
            target=f"{repository}@{digest}",
            before={"digest": digest, "media_type": manifest.media_type, "tags": tags},
        )


def delete_tag(*, origin: Origin, repository: str, tag: str) -> None:
    """Removes a tag; its manifest stays. Raises MANIFEST_UNKNOWN."""
    with transaction.atomic():
        row = lock_repository(repository)
        found = (
            Tag.objects.filter(repository=row, name=tag).select_related("manifest").defer("manifest__payload").first()
        )
        if found is None:
            raise OCIError(Code.MANIFEST_UNKNOWN, detail={"tag": tag})
        found.delete()
        record(
            origin,
            "tag.delete",
            project=namespace_of(repository),
            target=f"{repository}:{tag}",
            before={"digest": found.manifest.digest},
        )


def _verified(digest: str, payload: bytes) -> str:
    if digest_of(payload, digest.partition(":")[0]) != digest:
        raise OCIError(Code.DIGEST_INVALID, detail={"digest": digest})
    return digest


def _required_blobs(repository: Repository, parsed: Parsed) -> list[int]:
    """The ids of the blobs the manifest uses. Raises MANIFEST_BLOB_UNKNOWN when something it needs is not there."""
    links = selectors.blob_links(repository, (*parsed.blobs, *parsed.optional))
    missing = [digest for digest in parsed.blobs if digest not in links]
    present = selectors.present_manifests(repository, parsed.children)
    missing += [digest for digest in parsed.children if digest not in present]
    if missing:
        raise OCIError(
            Code.MANIFEST_BLOB_UNKNOWN,
            f"the manifest refers to content that is not in {repository.name}: {', '.join(missing[:5])}",
            detail=[{"digest": digest} for digest in missing],
        )
    # What garbage collection thought unused is in use again.
    for blob_id, condemned in links.values():
        if condemned:
            statements.link_blob(repository.pk, blob_id)
    return [blob_id for blob_id, _ in links.values()]


def _store(repository: Repository, digest: str, parsed: Parsed, payload: bytes, blobs: list[int]) -> Manifest:
    """The manifest's row, with what it refers to.

    All of it is written anew when the same bytes are pushed again: the type they are pushed as may be another one, and a
    layer that may be missing may have come.
    """
    described = {
        "media_type": parsed.media_type,
        "artifact_type": parsed.artifact_type,
        "subject": parsed.subject,
        "annotations": clean_json(parsed.annotations),
    }
    known = Manifest.objects.filter(repository=repository, digest=digest)
    manifest = known.defer("payload").first()
    if manifest is None:
        content = {"payload": payload, "size": len(payload)}
        manifest = Manifest.objects.create(repository=repository, digest=digest, **content, **described)
    else:
        known.update(**described)
    uses = [ManifestBlob(manifest=manifest, blob_id=blob_id) for blob_id in blobs]
    ManifestBlob.objects.bulk_create(uses, ignore_conflicts=True)
    children = [ManifestChild(parent=manifest, digest=child) for child in parsed.children]
    ManifestChild.objects.bulk_create(children, ignore_conflicts=True)
    return manifest
