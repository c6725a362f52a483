"""Repositories come into being with their first push, and their rows are the locks of their content."""

from django.db import transaction
from django.db.models import F

from audit.journal import record
from audit.origin import Origin
from registry import generations
from registry.models import Namespace, Repository
from registry.oci.errors import Code, OCIError
from registry.oci.names import namespace_of


def ensure_repository(name: str, *, origin: Origin) -> Repository:
    """The repository, created if its namespace exists. Raises NAME_UNKNOWN when it does not."""
    found = Repository.objects.filter(name=name).first()
    if found:
        return found
    with transaction.atomic():
        namespace = Namespace.objects.filter(name=namespace_of(name)).first()
        if namespace is None:
            project = namespace_of(name)
            raise OCIError(
                Code.NAME_UNKNOWN, f"project {project!r} does not exist: create it first", detail={"name": name}
            )
        repository, created = Repository.objects.get_or_create(name=name, defaults={"namespace": namespace})
        if created:
            record(origin, "repository.create", project=namespace.name, target=name)
    return repository


def lock_repository(name: str) -> Repository:
    """Locks a repository until the transaction ends and raises its generation. Raises NAME_UNKNOWN.

    Every instance learns of the new generation before the change is acknowledged.
    """
    repository = Repository.objects.filter(name=name)
    if not repository.update(generation=F("generation") + 1):
        raise OCIError(Code.NAME_UNKNOWN, detail={"name": name})
    transaction.on_commit(lambda: generations.announce(name))
    return repository.get()
