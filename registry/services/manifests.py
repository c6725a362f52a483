"""The verbs of manifests and tags."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.db import transaction

from audit.journal import record
from audit.origin import Origin
from registry import selectors
from registry.models import BlobLink, Manifest, ManifestBlob, ManifestChild, Repository, Tag
from registry.oci.errors import Code, OCIError
from registry.oci.manifest import Parsed, parse
from registry.oci.names import check_digest, check_tag, digest_of, namespace_of
from registry.services.repositories import ensure_repository, lock_repository


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
    ensure_repository(repository, origin=origin)
    with transaction.atomic():
        row = lock_repository(repository)
        blobs = _required_blobs(row, parsed)
        manifest = _store(row, digest, parsed, payload, blobs)
        before = {tag: _move_tag(row, check_tag(tag), manifest) for tag in tags}
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


def _required_blobs(repository: Repository, parsed: Parsed) -> dict[str, int]:
    """The ids of the blobs the manifest uses. Raises MANIFEST_BLOB_UNKNOWN when something it needs is not there."""
    blobs = selectors.linked_blobs(repository, (*parsed.blobs, *parsed.optional))
    missing = [digest for digest in parsed.blobs if digest not in blobs]
    present = selectors.present_manifests(repository, parsed.children)
    missing += [digest for digest in parsed.children if digest not in present]
    if missing:
        raise OCIError(
            Code.MANIFEST_BLOB_UNKNOWN,
            f"the manifest refers to content that is not in {repository.name}: {', '.join(missing[:5])}",
            detail=[{"digest": digest} for digest in missing],
        )
    return blobs


def _store(repository: Repository, digest: str, parsed: Parsed, payload: bytes, blobs: dict[str, int]) -> Manifest:
    manifest, created = Manifest.objects.get_or_create(
        repository=repository,
        digest=digest,
        defaults={
            "media_type": parsed.media_type,
            "artifact_type": parsed.artifact_type,
            "subject": parsed.subject,
            "annotations": parsed.annotations,
            "payload": payload,
            "size": len(payload),
        },
    )
    if created:
        _revive(repository, blobs.values())
        ManifestBlob.objects.bulk_create([ManifestBlob(manifest=manifest, blob_id=pk) for pk in blobs.values()])
        ManifestChild.objects.bulk_create([ManifestChild(parent=manifest, digest=child) for child in parsed.children])
    elif manifest.media_type != parsed.media_type:
        manifest.media_type = parsed.media_type
        manifest.save(update_fields=["media_type"])
    return manifest


def _revive(repository: Repository, blobs: Iterable[int]) -> None:
    """Takes back garbage collection's verdict on blobs that are in use again."""
    for batch in selectors.batches(blobs):
        condemned = BlobLink.objects.filter(repository=repository, blob_id__in=batch, condemned_at__isnull=False)
        condemned.update(condemned_at=None)


def _move_tag(repository: Repository, name: str, manifest: Manifest) -> str:
    """Points the tag at the manifest; the digest it pointed to before, empty for a new tag."""
    tag = (
        Tag.objects.filter(repository=repository, name=name)
        .select_related("manifest")
        .defer("manifest__payload")
        .first()
    )
    if tag is None:
        Tag.objects.create(repository=repository, name=name, manifest=manifest)
        return ""
    before, tag.manifest = tag.manifest.digest, manifest
    tag.save(update_fields=["manifest", "updated_at"])
    return before
