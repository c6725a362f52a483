"""Repositories come into being with their first push, and their rows are the locks of their content."""

import secrets
from collections.abc import Collection

from django.db import transaction
from django.utils import timezone

from audit.journal import record
from audit.origin import Origin
from jobs.models import Trigger
from jobs.services import enqueue
from registry import generations, ports, statements
from registry.models import Manifest, Namespace, Repository, Tag
from registry.oci.errors import Code, OCIError
from registry.oci.names import namespace_of
from registry.selectors import batches

CLEARING = "registry.delete-repository"

LONGEST_DESCRIPTION = 64 * 1024

# Where generations begin: an answer kept of an earlier repository of the same name must not pass for one of this.
_GENERATION_BITS = 60


def ensure_repository(name: str, *, origin: Origin) -> Repository:
    """The repository; it is created if its namespace exists. Raises NAME_UNKNOWN when it does not."""
    found = statements.repository_named(name)
    if found is not None:
        return found
    with transaction.atomic():
        # Whoever deletes the namespace comes first, and it is not found here, or afterwards, and finds the repository.
        namespace = Namespace.objects.select_for_update(no_key=True).filter(name=namespace_of(name)).first()
        if namespace is None:
            project = namespace_of(name)
            raise OCIError(
                Code.NAME_UNKNOWN, f"project {project!r} does not exist: create it first", detail={"name": name}
            )
        repository, created = Repository.objects.get_or_create(
            name=name, defaults={"namespace": namespace, "generation": secrets.randbits(_GENERATION_BITS)}
        )
        if created:
            record(origin, "repository.create", project=namespace.name, target=name)
    return repository


def lock_repository(name: str, *, create_for: Origin | None = None) -> Repository:
    """Locks a repository until the transaction ends and raises its generation. Raises NAME_UNKNOWN.

    One that does not exist is created if `create_for` says on whose behalf. Every instance learns of the new generation
    before the change is acknowledged.
    """
    repository = statements.raise_generation(name)
    if repository is None and create_for is not None:
        ensure_repository(name, origin=create_for)
        repository = statements.raise_generation(name)
    if repository is None:
        raise OCIError(Code.NAME_UNKNOWN, detail={"name": name})
    transaction.on_commit(lambda: generations.announce(name))
    return repository


def update_repository(*, origin: Origin, name: str, description: str) -> None:
    """Describes a repository. Raises NAME_UNKNOWN, or REQUEST_INVALID for a description that is too long."""
    if len(description) > LONGEST_DESCRIPTION:
        raise OCIError(Code.REQUEST_INVALID, f"a description has at most {LONGEST_DESCRIPTION} characters")
    with transaction.atomic():
        row = Repository.objects.select_for_update().filter(name=name, deleted_at=None).first()
        if row is None:
            raise OCIError(Code.NAME_UNKNOWN, detail={"name": name})
        before, row.description, row.updated_at = row.description, description, timezone.now()
        row.save(update_fields=["description", "updated_at"])
        record(
            origin,
            "repository.update",
            project=namespace_of(name),
            target=name,
            before={"description": before},
            after={"description": description},
        )


def delete_repository(*, origin: Origin, name: str) -> None:
    """Deletes a repository: for everybody it is gone and its name free at once, a job clears away what it held.

    Raises NAME_UNKNOWN, or PRECONDITION when it has a tag that must stay.
    """
    with transaction.atomic():
        row = lock_repository(name)
        tags = Tag.objects.filter(repository=row)
        for batch in batches(tags.values_list("name", flat=True)):
            refuse_protected(row, batch)
        counts = {"manifests": Manifest.objects.filter(repository=row).count(), "tags": tags.count()}
        Repository.objects.filter(pk=row.pk).update(name=f"~{row.pk}", deleted_at=timezone.now())
        record(origin, "repository.delete", project=namespace_of(name), target=name, before=counts)
        enqueue(CLEARING, origin=origin, key=str(row.pk), trigger=Trigger.EVENT, repository_id=row.pk, name=name)


def refuse_protected(row: Repository, tags: Collection[str], *, be: str = "deleted") -> None:
    """Raises PRECONDITION when one of the existing tags must stay. `be` is what would happen to them: deleted or updated."""
    protected = ports.tags().protected(row.namespace_id, row.name, tags) if tags else set()
    if protected:
        names = ", ".join(sorted(protected)[:5])
        # Harbor's clients look for these words.
        message = f"{row.name}: tag {names} is configured as immutable, cannot be {be}: a project administrator can change the rule"
        raise OCIError(Code.PRECONDITION, message, detail={"tags": sorted(protected)[:100]})
