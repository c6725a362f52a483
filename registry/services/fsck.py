"""Compares the index with the store, both ways, and the index with itself. `mend` has the repairs.

Everything is read in short queries and small batches, beside running pushes: what looks wrong is looked at again before
it is told.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from django.db.models import Exists, OuterRef
from django.utils import timezone

from audit.origin import SYSTEM, Origin
from registry.models import Blob, BlobLink, Manifest, Namespace
from registry.oci.errors import OCIError
from registry.oci.manifest import parse
from registry.oci.names import digest_of
from registry.selectors import batches, each
from registry.services import mend
from registry.services.garbage import GRACE, orphans, used_there
from registry.services.recount import compare, recount
from registry.storage import paths
from registry.storage.base import Stat
from registry.storage.errors import NotFound
from registry.storage.hashing import RunningDigest
from registry.store import store

Progress = Callable[[int, str], None]
_BATCH = 200
_PAYLOADS = 8  # Manifests in memory at once, of up to 4 MiB each.


class Problem(Enum):
    """What can be wrong: its name, and what to do about it."""

    MISSING = "missing", "--repair hides it, so that the next push uploads it again"
    CORRUPT = "corrupt", "--quarantine puts it aside, so that the next push uploads it again"
    WRONG_SIZE = "wrong size", "--repair corrects the row"
    ORPHAN = "no row", "gc frees it"
    HIDDEN = "hidden", "--repair shows it again"
    BAD_MANIFEST = "corrupt manifest", "--quarantine puts it aside; then push it again"
    WRONG_USAGE = "wrong usage", "--repair counts anew what the namespace takes up"
    UNGUARDED = "unguarded", "--repair notes the use, without which gc would free the blob"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, and whether it was mended."""

    problem: Problem
    subject: str
    detail: str
    mended: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """One run. `verify` reads and hashes every blob; `repair` and `quarantine` mend what the problems' texts say."""

    verify: bool = False
    repair: bool = False
    quarantine: bool = False
    grace: timedelta = GRACE
    origin: Origin = SYSTEM
    progress: Progress = lambda *_: None

    def findings(self) -> Iterator[Finding]:
        """Everything that is wrong. May raise the store's errors, since a store that is away says nothing."""
        yield from self._blobs()
        yield from self._manifests()
        yield from self._links()
        yield from self._usage()
        yield from self._orphans()

    def _blobs(self) -> Iterator[Finding]:
        # A blob that is marked may have no bytes, as long as no repository shows it.
        shown = Exists(BlobLink.objects.filter(blob=OuterRef("pk"), condemned_at=None))
        rows = Blob.objects.filter(deleting=False) | Blob.objects.filter(shown)
        for done, blob in enumerate(each(rows, _BATCH), 1):
            if finding := self._blob(blob):
                yield finding
            self.progress(done, "blobs compared")

    def _blob(self, blob: Blob) -> Finding | None:
        stat = mend.stat_of(blob)
        if stat is None:
            gone = not Blob.objects.filter(pk=blob.pk, deleting=blob.deleting).exists()
            if gone or mend.stat_of(blob):
                return None  # Garbage collection or a push was faster.
            mended = self.repair and mend.hide_missing(blob, origin=self.origin)
            return Finding(Problem.MISSING, blob.digest, f"the store has no bytes for it; {_users(blob)}", mended)
        if stat.size == blob.size and not self.verify:
            return None
        if not _is_whole(blob.digest):
            return self._corrupt(blob, stat)
        if stat.size == blob.size:
            return None
        mended = self.repair and mend.correct_size(blob, stat.size, origin=self.origin)
        return Finding(Problem.WRONG_SIZE, blob.digest, f"it has {stat.size} bytes, its row says {blob.size}", mended)

    def _corrupt(self, blob: Blob, stat: Stat) -> Finding | None:
        if mend.stat_of(blob) != stat:
            return None  # Deleted or uploaded again while it was read.
        mended = self.quarantine and mend.quarantine_blob(blob, stat, origin=self.origin)
        return Finding(Problem.CORRUPT, blob.digest, f"its bytes have another digest; {_users(blob)}", mended)

    def _manifests(self) -> Iterator[Finding]:
        rows = Manifest.objects.select_related("repository")
        for done, manifest in enumerate(each(rows, _PAYLOADS), 1):
            if finding := self._manifest(manifest):
                yield finding
            self.progress(done, "manifests compared")

    def _manifest(self, manifest: Manifest) -> Finding | None:
        subject = f"{manifest.repository.name}@{manifest.digest}"
        payload = bytes(manifest.payload)
        if digest_of(payload, manifest.digest.partition(":")[0]) != manifest.digest or len(payload) != manifest.size:
            mended = self.quarantine and mend.quarantine_manifest(manifest, origin=self.origin)
            return Finding(Problem.BAD_MANIFEST, subject, "its payload does not match its digest or size", mended)
        unguarded = _unguarded(manifest, payload)
        if not unguarded:
            return None
        mended = self.repair and mend.guard(manifest, unguarded, origin=self.origin)
        return Finding(Problem.UNGUARDED, subject, f"no row tells that it uses {', '.join(unguarded)}", mended)

    def _links(self) -> Iterator[Finding]:
        """Blobs that are there and in use, yet condemned: they were missing once, and came back with another push."""
        links = BlobLink.objects.filter(used_there(), condemned_at__isnull=False, blob__deleting=False)
        for link in each(links.select_related("repository", "blob"), _BATCH):
            subject = f"{link.repository.name}@{link.blob.digest}"
            mended = self.repair and mend.show(link, origin=self.origin)
            yield Finding(
                Problem.HIDDEN, subject, "a manifest uses the blob, yet the repository does not show it", mended
            )

    def _usage(self) -> Iterator[Finding]:
        for done, namespace in enumerate(each(Namespace.objects.all(), _BATCH), 1):
            told, true = compare(namespace.pk)
            if told != true:
                mended = self.repair and recount(namespace_id=namespace.pk, origin=self.origin)
                detail = f"it is said to take up {told} bytes, and takes up {true}"
                yield Finding(Problem.WRONG_USAGE, namespace.name, detail, mended)
            self.progress(done, "namespaces counted")

    def _orphans(self) -> Iterator[Finding]:
        for done, (digest, size) in enumerate(orphans(timezone.now() - self.grace), 1):
            yield Finding(Problem.ORPHAN, digest, f"{size} bytes in the store that no row tells of")
            self.progress(done, "files without a row found")


def _is_whole(digest: str) -> bool:
    running = RunningDigest(digest.partition(":")[0])
    try:
        for chunk in store().read(paths.blob_path(digest)):
            running.update(chunk)
    except NotFound:
        return False
    return running.digest() == digest


def _users(blob: Blob) -> str:
    count = blob.links.filter(condemned_at=None).count()
    return f"{count} {'repository shows' if count == 1 else 'repositories show'} it"


def _unguarded(manifest: Manifest, payload: bytes) -> list[str]:
    """Digests of blobs that the manifest needs and its repository has, without a row of their use."""
    try:
        needed = set(parse(payload, manifest.media_type).blobs)
    except OCIError:
        return []
    found: list[str] = []
    for batch in batches(sorted(needed)):
        used = set(manifest.blob_uses.filter(blob__digest__in=batch).values_list("blob__digest", flat=True))
        linked = BlobLink.objects.filter(repository=manifest.repository_id, blob__digest__in=set(batch) - used)
        found += linked.values_list("blob__digest", flat=True)
    return found if Manifest.objects.filter(pk=manifest.pk).exists() else []
