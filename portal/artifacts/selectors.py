"""Reads of repositories and artifacts, a fixed number of queries for each page of a list."""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.core.cache.backends.locmem import LocMemCache
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from portal.access.identity import Identity
from portal.access.visibility import listing_projects
from portal.errors import Missing
from portal.projects.models import Project
from portal.projects.selectors import repositories_in
from registry.models import Manifest, ManifestChild, Repository, Tag
from registry.oci.names import NAME, NAME_LIMIT, has_digest_form, is_digest

PULL_TIME = Coalesce("pulled_at", Value(datetime(1, 1, 1, tzinfo=UTC)))
"""When something was last pulled, for comparing: the year 1 stands for never, as Harbor's clients know it."""

counts = LocMemCache("artifact counts", {"timeout": 600, "max_entries": 10_000})
"""Numbers of artifacts and tags that this process has counted; see `kept_count`. It needs no Redis to be there."""

_PART = 2**40  # Of a generation, which begins at a large number: the sum of them has to fit into 63 bits.


def repositories_visible_to(identity: Identity) -> QuerySet[Repository]:
    """The repositories that the caller may list, of every project."""
    living = Repository.objects.filter(deleted_at=None)
    if identity.is_admin:
        return living
    return living.filter(namespace__in=listing_projects(identity).values("pk"))


def repository_of(project: Project, name: str) -> Repository:
    """The project's repository called so, without the project's name. Raises Missing."""
    full = f"{project.name}/{name}"
    well_formed = len(full) <= NAME_LIMIT and NAME.fullmatch(full)
    found = repositories_in(project).filter(name=full).first() if well_formed else None
    if found is None:
        raise Missing(f"There is no such repository in the project {project.name}.")
    return found


def artifacts_in(repository: Repository) -> QuerySet[Manifest]:
    """The artifacts of one repository, members of an index included, without signatures and the like."""
    return Manifest.objects.filter(accessory_of="", repository=repository)


def artifacts_of(project: Project) -> QuerySet[Manifest]:
    """The same of all repositories of a project."""
    return Manifest.objects.filter(accessory_of="", namespace=project.pk, repository__deleted_at=None)


def top_level(rows: QuerySet[Manifest]) -> QuerySet[Manifest]:
    """Those that lists show: what has a tag, and what is not only there for the sake of an index."""
    parents = ManifestChild.objects.filter(digest=OuterRef("digest"), parent__repository=OuterRef("repository"))
    return rows.filter(~Exists(parents) | Exists(tags_on()))


def tags_on() -> QuerySet[Tag]:
    """The tags of the artifact of an outer query."""
    return Tag.objects.filter(manifest=OuterRef("pk"))


def latest_of_each(project: Project, rows: QuerySet[Manifest]) -> QuerySet[Manifest]:
    """Of the project's artifacts that are among `rows`, the last one pushed to each repository."""
    there = rows.filter(repository=OuterRef("pk")).order_by("-pushed_at", "-pk")
    latest = repositories_in(project).annotate(latest=Subquery(there.values("pk")[:1]))
    return rows.filter(pk__in=latest.values("latest"))


def artifact_of(repository: Repository, reference: str) -> Manifest:
    """The artifact behind a tag or a digest, without its payload. Raises Missing."""
    rows = Manifest.objects.filter(repository=repository).defer("payload").select_related("repository__namespace")
    if is_digest(reference):
        found = rows.filter(digest=reference).first() if has_digest_form(reference) else None
    else:
        found = rows.filter(pk__in=Tag.objects.filter(repository=repository, name=reference).values("manifest")).first()
    if found is None:
        raise Missing(f"There is no such artifact in {repository.name}.")
    return found


def accessories_of(artifact: Manifest) -> QuerySet[Manifest]:
    """What signs or describes the artifact."""
    return Manifest.objects.filter(repository=artifact.repository_id, accessory_of=artifact.digest)


def artifact_counts(repositories: Collection[Repository]) -> dict[int, int]:
    """How many artifacts each of the repositories shows, in at most one query; see `kept_count`."""
    keys = {_key(state_of(row), ""): row.pk for row in repositories}
    kept: Mapping[str, int] = counts.get_many(keys)
    missing = {key: pk for key, pk in keys.items() if key not in kept}
    if missing:
        rows = top_level(Manifest.objects.filter(accessory_of="", repository__in=missing.values())).order_by()
        found = dict(rows.values("repository").annotate(count=Count("pk")).values_list("repository", "count"))
        counted = {key: found.get(pk, 0) for key, pk in missing.items()}
        counts.set_many(counted)
        kept = {**kept, **counted}
    return {pk: kept[key] for key, pk in keys.items()}


def kept_count(state: str, what: str, count: Callable[[], int]) -> int:
    """A number of artifacts or tags, kept for as long as the repositories they are in have not changed.

    Counting a hundred thousand takes a while. `state` is that of the repositories, and `what` says which are counted.
    """
    return int(counts.get_or_set(_key(state, what), count) or 0)


def _key(state: str, what: str) -> str:
    return f"artifacts:{state}:{hashlib.sha256(what.encode()).hexdigest()}"


def state_of(repository: Repository) -> str:
    """What is another text after every change of the repository's manifests and tags."""
    return f"{repository.pk}:{repository.generation}"


def state_of_all(project: Project) -> str:
    """What is another text after every change of manifests and tags in the project."""
    state = repositories_in(project).aggregate(there=Count("pk"), changes=Sum(F("generation") % _PART))
    return f"project:{project.pk}:{state['there']}:{state['changes']}"


def members_of(indexes: Sequence[Manifest]) -> dict[tuple[int, str], int]:
    """The ids of the manifests that the indexes name, by repository and digest."""
    named = ManifestChild.objects.filter(parent__in=[row.pk for row in indexes]).values("digest")
    there = Manifest.objects.filter(repository__in={row.repository_id for row in indexes}, digest__in=named)
    return {(repository, digest): pk for repository, digest, pk in there.values_list("repository", "digest", "pk")}


def signatures_of_parents(artifacts: Sequence[Manifest]) -> dict[int, list[Any]]:
    """The signatures of the indexes that name the artifacts, by the artifact's id; each with its `subject_row`."""
    by_digest = {(row.repository_id, row.digest): row for row in artifacts}
    uses = ManifestChild.objects.filter(
        digest__in={row.digest for row in artifacts}, parent__repository__in={row.repository_id for row in artifacts}
    ).select_related("parent__repository")
    children: dict[int, list[int]] = {}
    parents: dict[int, Manifest] = {}
    for use in uses.defer("parent__payload"):
        if child := by_digest.get((use.parent.repository_id, use.digest)):
            parents[use.parent_id] = use.parent
            children.setdefault(use.parent_id, []).append(child.pk)
    found: dict[int, list[Any]] = {}
    for parent, signatures in accessories_by_subject(list(parents.values()), signatures=True).items():
        for artifact_id in children[parent]:
            found.setdefault(artifact_id, []).extend(signatures)
    return found


def accessories_by_subject(subjects: Sequence[Manifest], *, signatures: bool = False) -> dict[int, list[Any]]:
    """The accessories of the artifacts by the artifact's id, oldest first; each with its `subject_row`."""
    by_digest = {(row.repository_id, row.digest): row for row in subjects}
    rows = Manifest.objects.filter(
        ~Q(accessory_of=""),
        repository__in={row.repository_id for row in subjects},
        accessory_of__in={row.digest for row in subjects},
    )
    if signatures:
        rows = rows.filter(accessory_kind__startswith="signature.")
    found: dict[int, list[Any]] = {row.pk: [] for row in subjects}
    row: Any
    for row in rows.defer("payload").order_by("pk"):
        if subject := by_digest.get((row.repository_id, row.accessory_of)):
            row.subject_row = subject
            found[subject.pk].append(row)
    return found
