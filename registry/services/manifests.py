"""The verbs of manifests; `tags` has those of tags."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from audit.journal import record
from audit.origin import Origin
from registry.models import Manifest
from registry.oci.errors import Code, OCIError
from registry.oci.names import check_digest, digest_of, namespace_of
from registry.services import storing, usage
from registry.services.removal import remove_with_dependants
from registry.services.repositories import lock_repository


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push made."""

    digest: str
    subject: str


def put_manifest(
    *, origin: Origin, repository: str, digest: str, tags: Sequence[str], payload: bytes, content_type: str
) -> Pushed:
    """Stores a manifest and points the tags at it. An empty `digest` stands for the payload's sha256.

    Raises MANIFEST_INVALID, MANIFEST_BLOB_UNKNOWN (naming what is missing), DIGEST_INVALID, TAG_INVALID, NAME_UNKNOWN,
    PRECONDITION when a tag must stay where it is, or DENIED when the namespace would take up too much.
    """
    digest = _verified(check_digest(digest), payload) if digest else digest_of(payload)
    arriving = storing.read(digest, payload, content_type)
    with usage.quota_watched(origin, repository, digest=digest, tags=tags), transaction.atomic():
        row = lock_repository(repository, create_for=origin)
        stored = storing.store_manifest(row, arriving, tags)
        usage.count(row.pk, stored.contents, guarded=True)
        before = {"tags": stored.tags_before} if any(stored.tags_before.values()) else None
        media_type = arriving.parsed.media_type
        record(
            origin,
            "manifest.push",
            project=namespace_of(repository),
            # By its tag where it has one, as whoever looks for it knows it.
            target=f"{repository}:{tags[0]}" if tags else f"{repository}@{digest}",
            before=before,
            after={"digest": digest, "media_type": media_type, "size": len(payload), "tags": list(tags)},
        )
    return Pushed(digest, arriving.parsed.subject)


def delete_manifest(*, origin: Origin, repository: str, digest: str) -> None:
    """Removes a manifest with every tag that points to it, and what is only there for its sake.

    That are its accessories, such as signatures, and members that no tag and no other index names. Raises
    MANIFEST_UNKNOWN, or PRECONDITION when a tag must stay.
    """
    with transaction.atomic():
        row = lock_repository(repository)
        manifest = Manifest.objects.filter(repository=row, digest=digest).only("digest", "media_type").first()
        if manifest is None:
            raise OCIError(Code.MANIFEST_UNKNOWN, detail={"digest": digest})
        remove_with_dependants(row, manifest, origin=origin)


def _verified(digest: str, payload: bytes) -> str:
    if digest_of(payload, digest.partition(":")[0]) != digest:
        raise OCIError(Code.DIGEST_INVALID, detail={"digest": digest})
    return digest
