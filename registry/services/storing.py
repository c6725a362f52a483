"""How a manifest gets into the index: read before the transaction, stored within it."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from django.utils import timezone

from audit.sanitise import clean_json, clean_text
from registry import selectors, statements
from registry.models import Manifest, ManifestChild, Repository
from registry.oci import artifact
from registry.oci.artifact import Description
from registry.oci.errors import Code, OCIError
from registry.oci.manifest import Parsed, parse
from registry.oci.names import check_tag
from registry.services.repositories import refuse_protected
from registry.storage import paths
from registry.storage.errors import StorageError
from registry.store import store

_MEDIA_TYPE_LIMIT = 255
_LARGEST = 2**63 - 1  # What the database takes for a size, whatever a manifest says.


@dataclass(frozen=True, slots=True)
class Arriving:
    """A manifest that is to be stored, and what was read of it."""

    digest: str
    payload: bytes
    parsed: Parsed
    description: Description


@dataclass(frozen=True, slots=True)
class Stored:
    """What was stored: where its tags pointed before, and what counts for the namespace's usage."""

    tags_before: dict[str, str]
    contents: dict[str, int]


def read(digest: str, payload: bytes, content_type: str) -> Arriving:
    """Reads a manifest and its config. Raises MANIFEST_INVALID."""
    parsed = parse(payload, content_type)
    config = _config(artifact.wanted_config(parsed.document, parsed.media_type))
    return Arriving(digest, payload, parsed, artifact.describe(parsed.document, parsed.media_type, config))


def again(manifest: Manifest) -> Arriving:
    """A manifest that is stored already, to be stored elsewhere: its config need not be read again."""
    payload = bytes(manifest.payload)
    parsed = parse(payload, manifest.media_type)
    description = artifact.describe(parsed.document, parsed.media_type)
    return Arriving(manifest.digest, payload, parsed, replace(description, extra_attrs=manifest.extra_attrs))


def store_manifest(row: Repository, arriving: Arriving, tags: Collection[str]) -> Stored:
    """Stores a manifest in a locked repository and points the tags at it.

    Raises MANIFEST_BLOB_UNKNOWN, TAG_INVALID, or PRECONDITION when a tag must stay where it is.
    """
    parsed = arriving.parsed
    links = selectors.blob_links(row, (*parsed.blobs, *parsed.optional))
    children = selectors.present_manifests(row, parsed.children)
    missing = [digest for digest in parsed.blobs if digest not in links]
    missing += [digest for digest in parsed.children if digest not in children]
    if missing:
        raise _missing(row.name, missing)
    for link in links.values():
        if link.condemned:  # What garbage collection thought unused is in use again.
            statements.link_blob(row.pk, link.blob_id)
    before = {tag: statements.tagged_digest(row.pk, check_tag(tag)) for tag in tags}
    leaving = {tag: digest for tag, digest in before.items() if digest not in {"", arriving.digest}}
    refuse_protected(row, list(leaving), be="updated")
    size = len(arriving.payload) + arriving.description.size + sum(children.values())
    manifest_id = statements.store_manifest(_manifest(row, arriving, tags, min(size, _LARGEST)))
    _refer(manifest_id, arriving, [link.blob_id for link in links.values()])
    for tag in tags:
        statements.move_tag(row.pk, tag, manifest_id)
    if leaving:
        statements.touch_manifests(row.pk, list(leaving.values()))
    sizes = {digest: link.size for digest, link in links.items()}
    return Stored(before, sizes | {arriving.digest: len(arriving.payload)})


def _missing(repository: str, digests: list[str]) -> OCIError:
    return OCIError(
        Code.MANIFEST_BLOB_UNKNOWN,
        f"the manifest refers to content that is not in {repository}: {', '.join(digests[:5])}",
        detail=[{"digest": digest} for digest in digests],
    )


def _config(digest: str) -> bytes | None:
    """The bytes of a config. What cannot be read is only not shown; whether it has to be there is found out later."""
    if not digest:
        return None
    content = bytearray()
    try:
        for chunk in store().read(paths.blob_path(digest)):
            content += chunk
            if len(content) > artifact.CONFIG_LIMIT:
                return None
    except StorageError:
        return None
    return bytes(content)


def _manifest(row: Repository, arriving: Arriving, tags: Collection[str], total_size: int) -> Manifest:
    parsed, description = arriving.parsed, arriving.description
    accessory_of, accessory_kind = artifact.accessory(parsed, tags)
    return Manifest(
        repository_id=row.pk,
        namespace_id=row.namespace_id,
        digest=arriving.digest,
        payload=arriving.payload,
        size=len(arriving.payload),
        media_type=parsed.media_type,
        artifact_type=parsed.artifact_type,
        config_media_type=clean_text(description.config_media_type, _MEDIA_TYPE_LIMIT),
        kind=description.kind,
        extra_attrs=clean_json(description.extra_attrs),
        icon=description.icon,
        subject=parsed.subject,
        annotations=clean_json(artifact.fitting(parsed.annotations)),
        total_size=total_size,
        accessory_of=accessory_of,
        accessory_kind=accessory_kind,
        pushed_at=timezone.now(),
    )


def _refer(manifest_id: int, arriving: Arriving, blobs: list[int]) -> None:
    """Notes what the manifest refers to.

    All of it anew when the same bytes are pushed again: the type they are pushed as may be another one, and a layer that
    may be missing may have come.
    """
    for batch in selectors.batches(blobs):
        statements.use_blobs(manifest_id, batch)
    members = artifact.members(arriving.parsed.document, arriving.parsed.media_type)
    annotations = artifact.fitting({member.digest: member.annotations for member in members})
    children = [
        ManifestChild(
            parent_id=manifest_id,
            digest=member.digest,
            platform=clean_json(member.platform),
            annotations=clean_json(annotations.get(member.digest, {})),
            urls=clean_json(member.urls),
        )
        for member in members
    ]
    ManifestChild.objects.bulk_create(children, ignore_conflicts=True)
