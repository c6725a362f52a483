"""Repositories come into being with their first push, and their rows are the locks of their content."""

import secrets

from django.db import transaction

from audit.journal import record
from audit.origin import Origin
from registry import generations, statements
from registry.models import Namespace, Repository
from registry.oci.errors import Code, OCIError
from registry.oci.names import namespace_of

# Where generations begin: an answer kept of an earlier repository of the same name must not pass for one of this.
_GENERATION_BITS = 60


def ensure_repository(name: str, *, origin: Origin) -> int:
    """The repository's id; it is created if its namespace exists. Raises NAME_UNKNOWN when it does not."""
    found = statements.repository_id(name)
    if found is not None:
        return found
    with transaction.atomic():
        namespace = Namespace.objects.filter(name=namespace_of(name)).first()
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
    return repository.pk


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
