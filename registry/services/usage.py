"""What a namespace takes up, exactly, without a counter that pushes would queue for.

Each distinct blob and manifest of a namespace is a row, its content, that counts once. A push inserts the rows that are
not there yet; a job folds them into the namespace's counter later. So usage is the counter and the sum of what is not
folded in.

- A blob counts from its upload or mount on. It stops when the last manifest of the namespace that uses it is deleted,
  although its bytes stay until garbage collection; a manifest that uses it after all makes it count again. One that no
  manifest ever used counts until garbage collection takes its last link in the namespace.
- Who takes content away, folds or recounts holds the namespace's usage (`statements.hold_usage`), and only then looks what
  is needed. A push of a manifest takes part in that lock while it counts what the manifest uses: it is committed before
  somebody looks, or counts again what they took away. Pushes do not wait for each other.
- A limit is compared under the lock of the quota's row, which is taken last, so no push slips past another.

The lock comes after those of repositories and blobs.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from audit.origin import Origin
from registry import ports, selectors, statements
from registry.models import Blob, BlobLink, Manifest, ManifestBlob, NamespaceContent, NamespaceUsage
from registry.oci.errors import Code, OCIError

_BATCH = 500

_STEP = 1024
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


class QuotaExceeded(OCIError):
    """The namespace may not take up so much."""

    def __init__(self, namespace_id: int, *, adding: int, used: int, limit: int) -> None:
        refused = refusal(adding=adding, used=used, limit=limit)
        super().__init__(Code.DENIED, f"{refused} Delete what is not needed, or ask for a higher limit.")
        self.namespace_id = namespace_id
        self.numbers = {"adding": adding, "used": used, "limit": limit}


@contextmanager
def quota_watched(origin: Origin, repository: str, *, digest: str = "", tags: Collection[str] = ()) -> Iterator[None]:
    """Tells the gate when a quota refused the block, which is to be the whole transaction.

    digest, tags: of the manifest that the block is to store, if it is one.
    """
    try:
        yield
    except QuotaExceeded as error:
        ports.quota().exceeded(
            origin=origin,
            namespace_id=error.namespace_id,
            repository=repository,
            digest=digest,
            tags=tags,
            **error.numbers,
        )
        raise


def count(repository_id: int, contents: Mapping[str, int], *, guarded: bool = False) -> None:
    """Makes digests with their sizes content of the repository's namespace. Raises QuotaExceeded.

    The last step before the journal entry. `guarded` where a manifest uses them: then nobody takes them away again.
    """
    added: list[tuple[int, int]] = []
    for batch in selectors.batches(sorted(contents)):
        part = {digest: contents[digest] for digest in batch}
        added += statements.count_content(repository_id, part, guarded=guarded)
    if not added:
        return
    namespace_id, size = added[0][0], sum(size for _, size in added)
    limit = ports.quota().limit(namespace_id)
    if limit is not None and (used := statements.usage(namespace_id)) > limit:
        raise QuotaExceeded(namespace_id, adding=size, used=used - size, limit=limit)


def foresee(namespace_id: int, size: int, *, digest: str = "") -> None:
    """Refuses early, without a lock, what would take up too much as things are now, unless the digest is content already.

    Raises QuotaExceeded.
    """
    limit = ports.quota().peek(namespace_id)
    if limit is None or (used := statements.usage(namespace_id)) + size <= limit:
        return
    if not (digest and NamespaceContent.objects.filter(namespace=namespace_id, digest=digest).exists()):
        raise QuotaExceeded(namespace_id, adding=size, used=used, limit=limit)


def release(namespace_id: int, digests: Iterable[str], *, unlinked: bool = False) -> None:
    """Takes those of the digests out of the usage that no manifest of the namespace is or uses any more.

    unlinked: and that no repository of it links, which is asked where links were removed and not manifests.
    """
    statements.hold_usage(namespace_id)
    folded = 0
    for batch in selectors.batches(sorted(set(digests))):
        unneeded = set(batch) - _needed(namespace_id, batch, linked=unlinked)
        rows = NamespaceContent.objects.filter(namespace=namespace_id, digest__in=unneeded)
        folded += sum(rows.filter(folded=True).values_list("size", flat=True))
        rows.delete()
    if folded:
        NamespaceUsage.objects.filter(pk=namespace_id).update(folded_bytes=F("folded_bytes") - folded)


def _needed(namespace_id: int, digests: Collection[str], *, linked: bool) -> set[str]:
    manifests = Manifest.objects.filter(repository__namespace=namespace_id, digest__in=digests)
    wanted = Q(Exists(ManifestBlob.objects.filter(blob=OuterRef("pk"), manifest__repository__namespace=namespace_id)))
    if linked:
        wanted |= Q(Exists(BlobLink.objects.filter(blob=OuterRef("pk"), repository__namespace=namespace_id)))
    blobs = Blob.objects.filter(wanted, digest__in=digests)
    return {*manifests.values_list("digest", flat=True), *blobs.values_list("digest", flat=True)}


def fold(progress: Callable[[int], None] = lambda _: None) -> int:
    """Adds the content that is not folded in yet to the counters, in small transactions; the number of rows."""
    done = 0
    waiting = NamespaceContent.objects.filter(folded=False)
    for namespace_id in waiting.order_by("namespace").values_list("namespace", flat=True).distinct():
        while folded := _fold(namespace_id):
            done += folded
            progress(done)
    return done


@transaction.atomic
def _fold(namespace_id: int) -> int:
    statements.hold_usage(namespace_id)
    rows = NamespaceContent.objects.filter(namespace=namespace_id, folded=False)
    batch = list(rows.values_list("pk", "size")[:_BATCH])
    if batch:
        # The counter first: whoever deletes the namespace either waits for it or is waited for, holding nothing else.
        NamespaceUsage.objects.get_or_create(namespace_id=namespace_id)
        NamespaceContent.objects.filter(pk__in=[pk for pk, _ in batch]).update(folded=True)
        total = sum(size for _, size in batch)
        NamespaceUsage.objects.filter(pk=namespace_id).update(folded_bytes=F("folded_bytes") + total)
    return len(batch)


def refusal(*, adding: int, used: int, limit: int) -> str:
    """Why so much cannot be added, in Harbor's words, by which clients know it."""
    return (
        f"adding {human(adding)} of storage resource, which when updated to current usage of {human(used)} "
        f"will exceed the configured upper limit of {human(limit)}."
    )


def human(size: int) -> str:
    """A number of bytes for people."""
    amount, unit = float(size), 0
    while amount >= _STEP and unit < len(_UNITS) - 1:
        amount, unit = amount / _STEP, unit + 1
    return f"{amount:.1f} {_UNITS[unit]}" if unit else f"{size} {_UNITS[0]}"
