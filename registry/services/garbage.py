"""Online garbage collection: frees the bytes no manifest uses, beside running pushes and pulls.

Garbage is found by query, and goes in two steps with a grace period before each:

1. A link of a blob to a repository that no manifest there uses is *condemned*: readers no longer see the blob there, so
   clients upload it again instead of relying on it. A manifest that does use it meanwhile takes the condemnation back.
2. A link condemned long enough is removed. A blob without any link or use is marked *deleting*, then its bytes and its
   row go while its row is locked.

Each step is a small transaction under the lock of what it changes, so a push either comes first and keeps its blob or
comes after and is told to upload it. The work may be cut off anywhere; the rows remember how far it came. Several runs
at once only share the work.
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
from registry.selectors import batches, each
from registry.services import untagged, usage
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
    manifests: int = 0

    @property
    def steps(self) -> int:
        """How many rows and files it has dealt with."""
        return self.manifests + self.condemned_links + self.removed_links + self.blobs + self.orphans

    @property
    def freed(self) -> int:
        """How many bytes of the store are free again."""
        return self.bytes + self.orphan_bytes

    def __str__(self) -> str:
        return (
            f"{self.freed:,} bytes freed: {self.blobs} blobs, {self.orphans} files without a row; "
            f"unused blobs hidden: {self.condemned_links}, let go: {self.removed_links}; "
            f"manifests without a tag deleted: {self.manifests}"
        )


Progress = Callable[[Collected, str], None]


def collect_garbage(
    *,
    origin: Origin = SYSTEM,
    grace: timedelta = GRACE,
    delete_untagged: bool = False,
    dry_run: bool = False,
    progress: Progress = lambda *_: None,
) -> Collected:
    """Frees what can be freed. `progress` is called between the steps and may raise to end the run.

    Without a grace period one run does both steps: whoever asks for that knows that nobody is pushing.
    delete_untagged: first deletes manifests older than the grace period that nothing names.
    """
    done = Collected()
    cutoff = timezone.now() - grace
    if dry_run:
        return _estimate(cutoff, progress, delete_untagged=delete_untagged)

    def condemn(links: QuerySet[BlobLink]) -> None:
        done.condemned_links += _settled(links).update(condemned_at=timezone.now() if grace else cutoff)

    def unlink(links: QuerySet[BlobLink]) -> None:
        settled = _settled(links)
        gone = list(settled.values_list("repository__namespace", "blob__digest"))
        done.removed_links += settled.delete()[0]
        if gone:
            usage.release(gone[0][0], [digest for _, digest in gone], unlinked=True)

    def deleted(manifests: int) -> None:
        done.manifests = manifests
        progress(done, "deleting manifests without a tag")

    if delete_untagged:
        untagged.delete_untagged(cutoff, origin=origin, progress=deleted)
    _in_repositories(_unused_links(cutoff), condemn, done, progress, "condemning unused links")
    _in_repositories(_condemned_links(cutoff), unlink, done, progress, "removing links")
    for blob in each(_unlinked_blobs(cutoff), _BATCH):
        _delete_blob(blob, done, origin)
        progress(done, "deleting blobs")
    for digest, size in orphans(cutoff):
        _delete_orphan(digest, size, done, origin)
        progress(done, "deleting files without a row")
    return done


def used_there() -> Exists:
    """Whether a manifest of the link's repository uses its blob."""
    return Exists(ManifestBlob.objects.filter(blob=OuterRef("blob"), manifest__repository=OuterRef("repository")))


def _unused_links(cutoff: datetime) -> QuerySet[BlobLink]:
    return BlobLink.objects.filter(~used_there(), created_at__lte=cutoff, condemned_at=None)


def _condemned_links(cutoff: datetime) -> QuerySet[BlobLink]:
    return BlobLink.objects.filter(~used_there(), condemned_at__lte=cutoff)


def _unlinked_blobs(cutoff: datetime) -> QuerySet[Blob]:
    return Blob.objects.filter(links=None, uses=None, created_at__lte=cutoff)


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


def _settled(links: QuerySet[BlobLink]) -> QuerySet[BlobLink]:
    """Those of the links that still qualify once no upload or mount is about to rely on them.

    Uploads and mounts link a blob under the lock of its row alone, so the repository's lock does not keep them out. The
    weaker lock taken here lets manifests that use the blobs go on, and so cannot deadlock with them.
    """
    blobs = Blob.objects.select_for_update(no_key=True).filter(pk__in=links.values("blob")).order_by("pk")
    list(blobs.values_list("pk"))
    return BlobLink.objects.filter(pk__in=list(links.values_list("pk", flat=True)))


def _delete_blob(blob: Blob, done: Collected, origin: Origin) -> None:
    """Marks the blob in one transaction and deletes it in the next.

    Were the process killed after the bytes are gone but before the row is, the mark tells everyone that they may be.
    """
    row = Blob.objects.filter(pk=blob.pk)
    with transaction.atomic():
        row.select_for_update().first()
        if not row.filter(links=None, uses=None).exists():
            return
        row.update(deleting=True)
    with transaction.atomic():
        if not _claimed(row):
            return
        store().delete(paths.blob_path(blob.digest))
        row.delete()
        record(origin, "blob.collect", target=blob.digest, before={"size": blob.size})
    done.blobs += 1
    done.bytes += blob.size


def _claimed(row: QuerySet[Blob]) -> bool:
    """Whether the blob is still marked and free, in which case nobody else gets at it until the transaction ends.

    A change rather than a mere lock: an upload of the same digest then waits before it looks whether there is a row,
    instead of finding one that is gone when the lock is.
    """
    return bool(row.filter(deleting=True).update(deleting=True)) and row.filter(links=None, uses=None).exists()


def orphans(cutoff: datetime) -> Iterator[tuple[str, int]]:
    """Blobs in the store that have no row, as (digest, size), last written before the cutoff."""
    found = ((digest, stat) for stat in store().walk(paths.BLOBS) if (digest := paths.blob_digest(stat.path)))
    old = ((digest, stat.size) for digest, stat in found if stat.modified <= cutoff)
    for batch in batches(old):
        known = set(Blob.objects.filter(digest__in=[digest for digest, _ in batch]).values_list("digest", flat=True))
        yield from ((digest, size) for digest, size in batch if digest not in known)


def _delete_orphan(digest: str, size: int, done: Collected, origin: Origin) -> None:
    """Deletes bytes without a row, holding the place of the row so that an upload of the same digest waits."""
    with transaction.atomic():
        Blob.objects.bulk_create([Blob(digest=digest, size=size, deleting=True)], ignore_conflicts=True)
        placeholder = Blob.objects.filter(digest=digest)
        if not _claimed(placeholder):
            return  # An upload of the digest has just ended.
        store().delete(paths.blob_path(digest))
        placeholder.delete()
        record(origin, "blob.collect", target=digest, before={"size": size, "orphan": True})
    done.orphans += 1
    done.orphan_bytes += size


def _estimate(cutoff: datetime, progress: Progress, *, delete_untagged: bool) -> Collected:
    """What a run would find now; what the manifests and links that would go keep alive is not counted."""
    blobs = _unlinked_blobs(cutoff)
    done = Collected(
        condemned_links=_unused_links(cutoff).count(),
        removed_links=_condemned_links(cutoff).count(),
        blobs=blobs.count(),
        bytes=blobs.aggregate(total=Sum("size"))["total"] or 0,
        manifests=untagged.untagged(cutoff).count() if delete_untagged else 0,
    )
    for _, size in orphans(cutoff):
        done.orphans += 1
        done.orphan_bytes += size
        progress(done, "looking for files without a row")
    return done
