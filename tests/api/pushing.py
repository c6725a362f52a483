"""Content in repositories, without a client that pushes it."""

from audit.origin import SYSTEM
from registry.models import Blob, BlobLink
from registry.oci.names import digest_of
from registry.services.manifests import put_manifest
from registry.services.repositories import ensure_repository
from registry.storage import paths
from registry.store import store
from tests.support.images import Content, Manifest


def push(name: str, manifest: Manifest, *tags: str) -> Manifest:
    """Puts a manifest with all it needs into a repository, which is created."""
    for member in manifest.members:
        push(name, member)
    repository = ensure_repository(name, origin=SYSTEM)
    for content in manifest.blobs:
        blob = keep(content)
        BlobLink.objects.get_or_create(repository_id=repository.pk, blob=blob)
    put_manifest(
        origin=SYSTEM, repository=name, digest="", tags=tags, payload=manifest.data, content_type=manifest.media_type
    )
    return manifest


def keep(content: Content) -> Blob:
    """Puts bytes into the store, in no repository yet."""
    digest = digest_of(content.data)
    store().put(paths.blob_path(digest), content.data)
    return Blob.objects.get_or_create(digest=digest, defaults={"size": len(content.data)})[0]
