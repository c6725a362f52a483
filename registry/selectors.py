"""Reads of the index, each a fixed number of indexed queries, or for what may be long one for each batch."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TypeVar

from django.db.models import Model, OuterRef, QuerySet, Subquery, Sum
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Coalesce

from registry import statements
from registry.models import Blob, Manifest, Namespace, NamespaceContent, Repository, Tag
from registry.oci.names import is_digest, namespace_of
from registry.statements import Linked

T = TypeVar("T")
Row = TypeVar("Row", bound=Model)
_IN_LIMIT = 500  # SQLite takes a limited number of parameters in one statement.


@dataclass(frozen=True, slots=True)
class FoundManifest:
    """A manifest with what is needed to answer for it: its repository's generation and its namespace's age."""

    generation: int
    namespace_created_at: datetime
    digest: str
    media_type: str
    payload: bytes


def batches(values: Iterable[T], size: int = _IN_LIMIT) -> Iterator[list[T]]:
    """The values in lists short enough for one statement."""
    remaining = iter(values)
    while batch := list(islice(remaining, size)):
        yield batch


def each(rows: QuerySet[Row], size: int) -> Iterator[Row]:
    """The rows in the order of their ids, in short queries: a long one would hold back the database's cleaning."""
    last = 0
    while batch := list(rows.filter(pk__gt=last).order_by("pk")[:size]):
        yield from batch
        last = batch[-1].pk


def namespace_created_at(repository: str) -> datetime | None:
    """When the namespace of a repository name was created; None when there is no such namespace."""
    return statements.namespace_created_at(namespace_of(repository))


def repository_exists(name: str) -> bool:
    """Whether a repository has ever been pushed to and not been deleted since."""
    return Repository.objects.filter(name=name).exists()


def find_manifest(repository: str, reference: str) -> FoundManifest | None:
    """The manifest behind a tag or digest."""
    fields = ["generation", "namespace__created_at"]
    if is_digest(reference):
        manifests = Manifest.objects.filter(repository__name=repository, digest=reference)
        row = manifests.values_list(
            *(f"repository__{name}" for name in fields), "digest", "media_type", "payload"
        ).first()
    else:
        tags = Tag.objects.filter(repository__name=repository, name=reference)
        row = tags.values_list(
            *(f"repository__{name}" for name in fields), "manifest__digest", "manifest__media_type", "manifest__payload"
        ).first()
    if row is None:
        return None
    generation, created_at, digest, media_type, payload = row
    return FoundManifest(generation, created_at, digest, media_type, bytes(payload))


def blob_links(repository: Repository, digests: Iterable[str]) -> dict[str, Linked]:
    """Those of the blobs that the repository links, by digest."""
    found: dict[str, Linked] = {}
    for batch in batches(digests):
        found.update(statements.links_to(repository.pk, batch))
    return found


def present_manifests(repository: Repository, digests: Iterable[str]) -> dict[str, int]:
    """Those of the digests that are manifests of the repository, each with the size of all it refers to."""
    found: dict[str, int] = {}
    for batch in batches(digests):
        manifests = Manifest.objects.filter(repository=repository, digest__in=batch)
        found.update(manifests.values_list("digest", "total_size"))
    return found


def tags_after(repository_id: int, last: str, limit: int) -> list[str]:
    """Up to `limit` tag names of the repository that sort after `last`."""
    tags = Tag.objects.filter(repository_id=repository_id, name__gt=last).order_by("name")
    return list(tags.values_list("name", flat=True)[:limit])


def repositories_after(last: str, limit: int) -> list[str]:
    """Up to `limit` repository names that sort after `last`."""
    repositories = Repository.objects.filter(name__gt=last, deleted_at=None).order_by("name")
    return list(repositories.values_list("name", flat=True)[:limit])


def referrers_after(repository_id: int, subject: str, artifact_type: str, last: int) -> Iterator[Manifest]:
    """The manifests that name `subject`, in the order they were pushed, without their payloads and a few at a time."""
    manifests = Manifest.objects.filter(repository_id=repository_id, subject=subject, id__gt=last)
    if artifact_type:
        manifests = manifests.filter(artifact_type=artifact_type)
    return manifests.order_by("id").defer("payload").iterator(chunk_size=20)


def generations(names: Iterable[str]) -> dict[str, int]:
    """The generation of each repository that exists."""
    found: dict[str, int] = {}
    for batch in batches(names):
        found.update(Repository.objects.filter(name__in=batch).values_list("name", "generation"))
    return found


def stored_bytes() -> int:
    """The bytes of all blobs, each counted once, without those that garbage collection is deleting."""
    return Blob.objects.filter(deleting=False).aggregate(bytes=Sum("size"))["bytes"] or 0


def usage(namespace_id: int) -> int:
    """The bytes a namespace takes up: each blob and manifest in it counted once."""
    return statements.usage(namespace_id)


def usages(namespace_ids: Collection[int]) -> dict[int, int]:
    """The bytes each of the namespaces takes up, in one query for each 500 of them."""
    found: dict[int, int] = {}
    for batch in batches(namespace_ids):
        found.update(Namespace.objects.filter(pk__in=batch).annotate(total=used()).values_list("pk", "total"))
    return found


def used(path: str = "") -> CombinedExpression:
    """The same as an expression for a query of namespaces, or of rows with a namespace's primary key at `path`."""
    fresh = NamespaceContent.objects.filter(namespace=OuterRef("pk"), folded=False).values("namespace")
    counted = Coalesce(Subquery(fresh.annotate(sum=Sum("size")).values("sum")), 0)
    return Coalesce(f"{path}usage__folded_bytes", 0) + counted
