"""How manifests leave the index, with what is only there for their sake."""

from collections.abc import Mapping
from datetime import datetime

from django.db.models import Exists, OuterRef, Q

from audit.journal import record
from audit.origin import Origin
from registry.models import Blob, Manifest, ManifestChild, Repository, Tag
from registry.oci.names import namespace_of
from registry.services import usage
from registry.services.repositories import refuse_protected

_NAMED = 1000  # Dependants that the journal names.


def remove_with_dependants(
    row: Repository, manifest: Manifest, *, origin: Origin, untouched_since: datetime | None = None
) -> int:
    """Deletes a manifest of a locked repository with its tags and dependants; how many manifests.

    untouched_since: members that somebody has touched later stay, since another index may be about to name them.

    Raises PRECONDITION when one of the tags must stay.
    """
    doomed = _with_dependants(row, manifest, Q(touched_at__lte=untouched_since) if untouched_since else Q())
    tags = sorted(Tag.objects.filter(manifest__in=doomed).values_list("name", flat=True))
    refuse_protected(row, tags)
    remove(row.namespace_id, doomed)
    others = sorted(set(doomed.values()) - {manifest.digest})[:_NAMED]
    before = {"digest": manifest.digest, "media_type": manifest.media_type, "tags": tags}
    record(
        origin,
        "manifest.delete",
        project=namespace_of(row.name),
        target=f"{row.name}@{manifest.digest}",
        before=before | ({"with": others} if others else {}),
    )
    return len(doomed)


def _with_dependants(row: Repository, manifest: Manifest, going: Q) -> dict[int, str]:
    """The ids and digests of a manifest, its accessories, and those going of its members that nothing else names."""
    doomed: dict[int, str] = {}
    wave = {manifest.pk: manifest.digest}
    while wave:
        doomed |= wave
        others = Manifest.objects.filter(repository=row).exclude(pk__in=doomed)
        elsewhere = ManifestChild.objects.filter(digest=OuterRef("digest"), parent__repository=row)
        members = others.filter(
            going,
            ~Exists(elsewhere.exclude(parent__in=doomed)),
            digest__in=ManifestChild.objects.filter(parent__in=wave).values("digest"),
            tags=None,
        )
        accessories = others.filter(accessory_of__in=wave.values())
        wave = dict([*members.values_list("pk", "digest"), *accessories.values_list("pk", "digest")])
    return doomed


def remove(namespace_id: int, manifests: Mapping[int, str]) -> None:
    """Deletes manifests, by id and digest, with their tags, and takes what they used out of the namespace's usage."""
    blobs = Blob.objects.filter(uses__manifest__in=manifests).distinct().values_list("digest", flat=True)
    digests = {*blobs, *manifests.values()}
    Manifest.objects.filter(pk__in=manifests).only("pk").delete()
    usage.release(namespace_id, digests)
