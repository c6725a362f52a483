"""What the REST API does to artifacts beyond the verbs of the registry, each in one transaction."""

from django.db import transaction

from audit.origin import Origin
from portal.artifacts.selectors import artifact_of
from portal.errors import Forbidden, InUse, Missing
from registry.models import ManifestChild, Repository, Tag
from registry.services.copies import copy_manifest
from registry.services.manifests import delete_manifest
from registry.services.repositories import lock_repository
from registry.services.tags import delete_tag


def artifact_copy(*, source: Repository, reference: str, repository: str, origin: Origin) -> None:
    """Copies an artifact, which a tag or digest names, with its tags and accessories into a repository.

    Raises Missing, Forbidden for an accessory, and what `copy_manifest` raises.
    """
    if artifact_of(source, reference).accessory_of:
        raise Forbidden("It belongs to another artifact: copy that one, and it comes along.")
    copy_manifest(origin=origin, source_repository=source.name, reference=reference, repository=repository)


@transaction.atomic
def artifact_delete(*, repository: str, digest: str, origin: Origin) -> None:
    """Deletes an artifact with its tags and accessories. Raises InUse for a member of an index."""
    row = lock_repository(repository)
    if ManifestChild.objects.filter(digest=digest, parent__repository=row).exists():
        raise InUse("An index of the repository refers to this artifact: delete the index instead.")
    delete_manifest(origin=origin, repository=repository, digest=digest)


@transaction.atomic
def tag_remove(*, repository: str, digest: str, tag: str, origin: Origin) -> None:
    """Takes a tag off an artifact. Raises Missing when the artifact does not have it."""
    row = lock_repository(repository)
    if not Tag.objects.filter(repository=row, name=tag, manifest__digest=digest).exists():
        raise Missing("The artifact does not have this tag.")
    delete_tag(origin=origin, repository=repository, tag=tag)
