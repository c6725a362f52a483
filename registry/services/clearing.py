"""Clears away what a deleted repository held, in small steps: it may be cut off anywhere and begun again."""

from collections.abc import Callable

from django.db import transaction

from jobs.services import enqueue
from registry.models import Blob, BlobLink, Manifest, Namespace, Repository, Upload
from registry.services import usage
from registry.services.removal import remove
from registry.services.repositories import CLEARING

_MANIFESTS = 100
_LINKS = 500


def clear_repository(repository_id: int, *, progress: Callable[[int, int], None] = lambda *_: None) -> int:
    """Deletes a deleted repository's content and in the end its row, and its namespace's if that waited for it.

    Gives how many manifests it deleted. `progress` hears of them and how many there are, and may raise to end the run.
    """
    row = Repository.objects.filter(pk=repository_id, deleted_at__isnull=False).first()
    if row is None:
        return 0
    # An upload that is about to end has taken its row with it, so from here on nobody links a blob any more.
    Upload.objects.filter(repository=row).delete()
    manifests = Manifest.objects.filter(repository=row).order_by("pk").values_list("pk", "digest")
    done, total = 0, manifests.count()
    while batch := dict(manifests[:_MANIFESTS]):
        with transaction.atomic():
            remove(row.namespace_id, batch)
        done += len(batch)
        progress(done, total)
    while _unlink(row):
        progress(done, total)
    _end(row)
    return done


def resume_clearing() -> int:
    """Asks anew for the clearing of repositories whose job gave up or was stopped; how many are not cleared away yet."""
    left = list(Repository.objects.filter(deleted_at__isnull=False).values_list("pk", flat=True))
    for repository_id in left:
        enqueue(CLEARING, key=str(repository_id), repository_id=repository_id)
    return len(left)


@transaction.atomic
def _unlink(row: Repository) -> bool:
    links = dict(BlobLink.objects.filter(repository=row).order_by("blob").values_list("pk", "blob")[:_LINKS])
    blobs = Blob.objects.select_for_update(no_key=True).filter(pk__in=links.values()).order_by("pk")
    digests = list(blobs.values_list("digest", flat=True))
    BlobLink.objects.filter(pk__in=links).delete()
    usage.release(row.namespace_id, digests, unlinked=True)
    return bool(links)


@transaction.atomic
def _end(row: Repository) -> None:
    namespace = Namespace.objects.select_for_update().get(pk=row.namespace_id)
    row.delete()
    if namespace.name.startswith("~") and not namespace.repositories.exists():
        namespace.delete()
