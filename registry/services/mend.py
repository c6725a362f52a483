"""The repairs that `fsck` makes. Each is one transaction with its journal entry, and gives False when the trouble is gone.

Repositories are locked before the blob, as everywhere, so that caches learn of the change and no push falls between.
"""

import uuid
from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from audit.journal import record
from audit.origin import Origin
from registry import statements
from registry.models import Blob, BlobLink, Manifest, ManifestBlob
from registry.oci.names import namespace_of
from registry.services.removal import remove
from registry.services.repositories import lock_repository
from registry.storage import paths
from registry.storage.base import Stat
from registry.storage.errors import NotFound
from registry.store import store


def hide_missing(blob: Blob, *, origin: Origin) -> bool:
    """Hides a blob without bytes from every repository: clients find it unknown and upload it again."""
    with transaction.atomic():
        _lock(blob)
        if stat_of(blob) is not None:
            return False
        _hide(blob)
        record(origin, "blob.repair", target=blob.digest, before={"size": blob.size}, after={"missing": True})
    return True


def correct_size(blob: Blob, size: int, *, origin: Origin) -> bool:
    """Writes the true size of a blob whose bytes are right into its row."""
    with transaction.atomic():
        _lock(blob)
        if not Blob.objects.filter(pk=blob.pk, size=blob.size).update(size=size):
            return False
        record(origin, "blob.repair", target=blob.digest, before={"size": blob.size}, after={"size": size})
    return True


def quarantine_blob(blob: Blob, stat: Stat, *, origin: Origin) -> bool:
    """Moves the bytes that `stat` was taken of out of the way, and hides the blob from every repository."""
    _copy(paths.blob_path(blob.digest), paths.quarantine_path(blob.digest))
    with transaction.atomic():
        _lock(blob)
        if stat_of(blob) != stat:
            store().delete(paths.quarantine_path(blob.digest))
            return False
        _hide(blob)
        kept = {"kept_at": paths.quarantine_path(blob.digest), "size": stat.size}
        record(origin, "blob.quarantine", target=blob.digest, before={"size": blob.size}, after=kept)
        store().delete(paths.blob_path(blob.digest))
    return True


def quarantine_manifest(manifest: Manifest, *, origin: Origin) -> bool:
    """Moves a payload that is not what its digest says into the store's quarantine; its tags go with it."""
    repository = manifest.repository.name
    place = paths.quarantine_path(manifest.digest)
    with transaction.atomic():
        lock_repository(repository)
        found = Manifest.objects.filter(pk=manifest.pk).first()
        if found is None:
            return False
        store().put(place, bytes(found.payload))
        before = {"media_type": found.media_type, "tags": sorted(found.tags.values_list("name", flat=True))}
        remove(found.repository.namespace_id, {found.pk: found.digest})
        target = f"{repository}@{manifest.digest}"
        record(
            origin,
            "manifest.quarantine",
            project=namespace_of(repository),
            target=target,
            before=before,
            after={"kept_at": place},
        )
    return True


def guard(manifest: Manifest, digests: Sequence[str], *, origin: Origin) -> bool:
    """Notes that a manifest uses blobs."""
    repository = manifest.repository.name
    with transaction.atomic():
        lock_repository(repository)
        if not Manifest.objects.filter(pk=manifest.pk).exists():
            return False
        links = BlobLink.objects.filter(repository=manifest.repository_id, blob__digest__in=digests)
        sizes = dict(links.values_list("blob__digest", "blob__size"))
        uses = [ManifestBlob(manifest=manifest, blob_id=pk) for pk in links.values_list("blob_id", flat=True)]
        ManifestBlob.objects.bulk_create(uses, ignore_conflicts=True)
        statements.count_content(manifest.repository_id, sizes, guarded=True)
        target = f"{repository}@{manifest.digest}"
        after = {"uses": list(digests)}
        record(origin, "manifest.repair", project=namespace_of(repository), target=target, after=after)
    return True


def show(link: BlobLink, *, origin: Origin) -> bool:
    """Takes back the condemnation of a blob that a manifest uses, if its bytes are there."""
    repository = link.repository.name
    with transaction.atomic():
        lock_repository(repository)
        blob = Blob.objects.select_for_update().filter(pk=link.blob_id, deleting=False).first()
        if blob is None or stat_of(blob) is None:
            return False
        if not BlobLink.objects.filter(pk=link.pk, condemned_at__isnull=False).update(condemned_at=None):
            return False
        target = f"{repository}@{blob.digest}"
        record(origin, "blob.repair", project=namespace_of(repository), target=target, after={"hidden": False})
    return True


def _lock(blob: Blob) -> None:
    """Locks every repository that links the blob, in one order, and then the blob."""
    for name in blob.links.order_by("repository__name").values_list("repository__name", flat=True):
        lock_repository(name)
    Blob.objects.select_for_update().filter(pk=blob.pk).first()


def _hide(blob: Blob) -> None:
    Blob.objects.filter(pk=blob.pk).update(deleting=True)
    BlobLink.objects.filter(blob=blob, condemned_at=None).update(condemned_at=timezone.now())


def stat_of(blob: Blob) -> Stat | None:
    """What the store has of a blob; None when it has nothing."""
    try:
        return store().stat(paths.blob_path(blob.digest))
    except NotFound:
        return None


def _copy(source: str, target: str) -> None:
    with store().upload(paths.upload_path(uuid.uuid4()), offset=0, state={}) as writer:
        try:
            for chunk in store().read(source):
                writer.write(chunk)
            writer.commit(target)
        except BaseException:
            writer.cancel()
            raise
