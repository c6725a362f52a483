"""Deletes manifests that nothing names any more: the step that garbage collection takes first where people ask for it."""

from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from audit.origin import Origin
from registry.models import Manifest, ManifestChild
from registry.oci.errors import OCIError
from registry.services.removal import remove_with_dependants
from registry.services.repositories import lock_repository

_BATCH = 200


def untagged(cutoff: datetime) -> QuerySet[Manifest]:
    """Manifests that no tag and no index names and nobody has touched since, and that are no accessory of another."""
    named = ManifestChild.objects.filter(digest=OuterRef("digest"), parent__repository=OuterRef("repository"))
    living = Manifest.objects.filter(repository__deleted_at=None, touched_at__lte=cutoff)
    return living.filter(~Exists(named), tags=None, accessory_of="")


def delete_untagged(cutoff: datetime, *, origin: Origin, progress: Callable[[int], None]) -> int:
    """Deletes them with what is only there for their sake; how many, told to `progress` on the way."""
    done = last = 0
    rows = untagged(cutoff).order_by("pk").values_list("pk", "repository__name")
    while batch := list(rows.filter(pk__gt=last)[:_BATCH]):
        for pk, repository in batch:
            done += _delete(pk, repository, cutoff, origin)
            progress(done)
        last = batch[-1][0]
    return done


def _delete(pk: int, repository: str, cutoff: datetime, origin: Origin) -> int:
    """Deletes the manifest if nothing names it once its repository is locked."""
    try:
        with transaction.atomic():
            row = lock_repository(repository)
            manifest = untagged(cutoff).filter(pk=pk).only("digest", "media_type").first()
            return remove_with_dependants(row, manifest, origin=origin, untouched_since=cutoff) if manifest else 0
    except OCIError:
        return 0  # The repository was deleted meanwhile, or an accessory has a tag that must stay.
