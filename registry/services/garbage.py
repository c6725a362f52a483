"""Online garbage collection: frees the bytes no manifest uses, beside running pushes and pulls.

Garbage is found by query, and goes in two steps with a grace period before each:

1. A link of a blob to a repository that no manifest there uses is *condemned*: readers no longer see the blob there, so
   clients upload it again instead of relying on it. A manifest that does use it meanwhile takes the condemnation back.
2. A link condemned long enough is removed. A blob without any link or use is marked *deleting*, then its bytes and its
   row go while its row is locked.

Each step is a small transaction under the lock of what it changes, so a push either comes first and keeps its blob or
comes after and is told to upload it. The work may be cut off anywhere; the rows remember how far it came.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet, Sum
from django.utils import timezone

from audit.journal import record
from audit.origin import SYSTEM, Origin
from registry.models import Blob, BlobLink, ManifestBlob
from registry.oci.errors import OCIError
from registry.selectors import batches
from registry.services.repositories import lock_repository
from registry.storage import paths
from registry.store import store

GRACE = timedelta(hours=2)
_BATCH = 200


@dataclass(slots=True)
class Collected:
    """What a run did, or in a dry run would do at once."""

    condemned_links: int = 0
    removed_links: int = 0
    blobs: int = 0
    bytes: int = 0
    orphans: int = 0
    orphan_bytes: int = 0

    def __str__(self) -> str:
        return (
            f"{self.blobs} blobs ({self.bytes} bytes) and {self.orphans} files without a row ({self.orphan_bytes} bytes)"
            f" freed; {self.condemned_links} blob links condemned, {self.removed_links} removed"
        )


Progress = Callable[[Collected, str], None]


def collect_garbage(
    *, origin: Origin = SYSTEM, grace: timedelta = GRACE, dry_run: bool = False, progress: Progress = lambda *_: None
) -> Collected:
    """Frees what can be freed. `progress` is called between the steps and may raise to end the run."""
    done = Collected()
    cutoff = timezone.now() - grace
    if dry_run:
        return _estimate(cutoff, progress)
    _in_repositories(
        _unused_links(cutoff), lambda links: _condemn(done, links), done, progress, "condemning unused links"
    )
    _in_repositories(_condemned_links(cutoff), lambda links: _unlink(done, links), done, progress, "removing links")
    for blob in _each(_unlinked_blobs(cutoff)):
        _delete_blob(blob, done, origin)
        progress(done, "deleting blobs")
    for path, size in _orphans(cutoff):
        _delete_orphan(path, size, done, origin)
        progress(done, "deleting files without a row")
    return done


def _used() -> Exists:
    """Whether a manifest of the link's repository uses its blob."""
    return Exists(ManifestBlob.objects.filter(blob=OuterRef("blob"), manifest__repository=OuterRef("repository")))


def _unused_links(cutoff: datetime) -> QuerySet[BlobLink]:
    return BlobLink.objects.filter(~_used(), created_at__lte=cutoff, condemned_at=None)


def _condemned_links(cutoff: datetime) -> QuerySet[BlobLink]:
    return BlobLink.objects.filter(~_used(), condemned_at__lte=cutoff)


def _unlinked_blobs(cutoff: datetime) -> QuerySet[Blob]:
    return Blob.objects.filter(links=None, uses=None, created_at__lte=cutoff)


def _each(rows: QuerySet[Blob]) -> Iterator[Blob]:
    """The rows in the order of their ids, read in short queries so that no transaction stays open."""
    last = 0
    while batch := list(rows.filter(id__gt=last).order_by("id")[:_BATCH]):
        yield from batch
        last = batch[-1].pk


def _in_repositories(
    links: QuerySet[BlobLink],
    change: Callable[[QuerySet[BlobLink]], None],
    done: Collected,
    progress: Progress,
    message: str,
) -> None:
    """Applies the change to the links that still qualify once their repository is locked."""
    last = 0
    while batch := list(links.filter(id__gt=last).order_by("id").values_list("id", "repository__name")[:_BATCH]):
        for name in sorted({name for _, name in batch}):
            try:
                with transaction.atomic():
                    lock_repository(name)
                    change(links.filter(id__in=[pk for pk, repository in batch if repository == name]))
            except OCIError:
                continue  # The repository was deleted meanwhile, and its links with it.
            progress(done, message)
        last = batch[-1][0]


def _condemn(done: Collected, links: QuerySet[BlobLink]) -> None:
    done.condemned_links += BlobLink.objects.filter(id__in=list(links.values_list("id", flat=True))).update(
        condemned_at=timezone.now()
    )


def _unlink(done: Collected, links: QuerySet[BlobLink]) -> None:
    done.removed_links += BlobLink.objects.filter(id__in=list(links.values_list("id", flat=True))).delete()[0]


def _delete_blob(blob: Blob, done: Collected, origin: Origin) -> None:
    """Marks the blob in one transaction and deletes it in the next.

    Were the process killed after the bytes are gone but before the row is, the mark tells everyone that they may be.
    """
    free = Blob.objects.filter(pk=blob.pk, links=None, uses=None)
    with transaction.atomic():
        Blob.objects.select_for_update().filter(pk=blob.pk).first()
        if not Blob.objects.filter(id__in=list(free.values_list("id", flat=True))).update(deleting=True):
            return
    with transaction.atomic():
        locked = Blob.objects.select_for_update().filter(pk=blob.pk, deleting=True).first()
        if locked is None or not free.exists():
            return
        store().delete(paths.blob_path(blob.digest))
        locked.delete()
        record(origin, "blob.collect", target=blob.digest, before={"size": blob.size})
    done.blobs += 1
    done.bytes += blob.size


def _orphans(cutoff: datetime) -> Iterator[tuple[str, int]]:
    """Blobs in the store that have no row, as (digest, size)."""
    found = ((digest, stat) for stat in store().walk(paths.BLOBS) if (digest := paths.blob_digest(stat.path)))
    old = ((digest, stat.size) for digest, stat in found if stat.modified <= cutoff)
    for batch in batches(old):
        known = set(Blob.objects.filter(digest__in=[digest for digest, _ in batch]).values_list("digest", flat=True))
        yield from ((digest, size) for digest, size in batch if digest not in known)


def _delete_orphan(digest: str, size: int, done: Collected, origin: Origin) -> None:
    """Deletes bytes without a row, holding the place of the row so that an upload of the same digest waits."""
    with transaction.atomic():
        Blob.objects.bulk_create([Blob(digest=digest, size=size, deleting=True)], ignore_conflicts=True)
        placeholder = Blob.objects.select_for_update().get(digest=digest)
        if not placeholder.deleting:
            return
        store().delete(paths.blob_path(digest))
        placeholder.delete()
        record(origin, "blob.collect", target=digest, before={"size": size, "orphan": True})
    done.orphans += 1
    done.orphan_bytes += size


def _estimate(cutoff: datetime, progress: Progress) -> Collected:
    """What a run would find now; links that it would condemn free their blobs only in a later run."""
    blobs = _unlinked_blobs(cutoff)
    done = Collected(
        condemned_links=_unused_links(cutoff).count(),
        removed_links=_condemned_links(cutoff).count(),
        blobs=blobs.count(),
        bytes=blobs.aggregate(total=Sum("size"))["total"] or 0,
    )
    for _, size in _orphans(cutoff):
        done.orphans += 1
        done.orphan_bytes += size
        progress(done, "looking for files without a row")
    return done
