"""Clears away what a deleted repository held, in small steps: it may be cut off anywhere and begun again."""

from collections.abc import Callable, Mapping
from typing import Any

from django.db import transaction

from audit.journal import record
from audit.origin import SYSTEM, Origin
from jobs.models import Job, Trigger
from jobs.services import enqueue
from registry.models import Blob, BlobLink, Manifest, ManifestChild, Namespace, Repository, Tag, Upload
from registry.oci.names import namespace_of
from registry.services import usage
from registry.services.removal import remove
from registry.services.repositories import CLEARING

_MANIFESTS = 100
_LINKS = 500
_TAGS = 20  # Of an artifact, that the journal names,
_TAGS_TOGETHER = 200  # and of all artifacts of a batch: an entry holds no more (`audit.journal.STATE_LIMIT`).


def clear_repository(
    repository_id: int, *, origin: Origin, name: str, progress: Callable[[int, int], None] = lambda *_: None
) -> int:
    """Deletes a deleted repository's content and in the end its row, and its namespace's if that waited for it.

    `origin` deleted it, and `name` was its own. Gives how many manifests it deleted. `progress` hears of them and how many
    there are, and may raise to end the run.
    """
    row = Repository.objects.filter(pk=repository_id, deleted_at__isnull=False).first()
    if row is None:
        return 0
    # An upload that is about to end has taken its row with it, so from here on nobody links a blob any more.
    Upload.objects.filter(repository=row).delete()
    manifests = Manifest.objects.filter(repository=row).order_by("pk").values_list("pk", "digest")
    done, total = 0, manifests.count()
    while batch := dict(manifests[:_MANIFESTS]):
        with transaction.atomic():
            before = _told(row, batch)
            record(origin, "repository.clear", project=_project(row, name), target=name, before=before)
            remove(row.namespace_id, batch)
        done += len(batch)
        progress(done, total)
    while _unlink(row):
        progress(done, total)
    _end(row)
    return done


def resume_clearing() -> int:
    """Asks anew for the clearing of repositories whose job gave up or was stopped; how many are not cleared away yet."""
    left = list(Repository.objects.filter(deleted_at__isnull=False).values_list("pk", flat=True))
    for repository_id in left:
        _resume(str(repository_id), repository_id)
    return len(left)


def _resume(key: str, repository_id: int) -> None:
    """Asks as the last job for it was asked. Once that is forgotten nobody knows the repository's name any more."""
    last = Job.objects.filter(kind=CLEARING, key=key).order_by("-number").first()
    origin, name = (last.asked_by, last.args.get("name", "")) if last else (SYSTEM, "")
    enqueue(CLEARING, origin=origin, key=key, trigger=Trigger.EVENT, repository_id=repository_id, name=name)


def _project(row: Repository, name: str) -> str:
    """The project that the repository was in; none once that is deleted, since another one may have its name by now."""
    project = namespace_of(name)
    return project if Namespace.objects.filter(pk=row.namespace_id, name=project).exists() else ""


def _told(row: Repository, batch: Mapping[int, str]) -> dict[str, list[Any]]:
    """What the journal says of manifests that go: artifacts with their tags, and what was there for others' sake."""
    tags: dict[int, list[str]] = {}
    for manifest_id, tag in Tag.objects.filter(manifest__in=batch).order_by("name").values_list("manifest", "name"):
        tags.setdefault(manifest_id, []).append(tag)
    members = ManifestChild.objects.filter(parent__repository=row, digest__in=batch.values())
    accessories = Manifest.objects.filter(pk__in=batch).exclude(accessory_of="")
    parts = {*members.values_list("digest", flat=True), *accessories.values_list("digest", flat=True)}
    artifacts = []
    left = _TAGS_TOGETHER
    for pk, digest in batch.items():
        if pk in tags or digest not in parts:
            named = tags.get(pk, [])[: min(_TAGS, left)]
            artifacts.append({"digest": digest, "tags": named})
            left -= len(named)
    return {"artifacts": artifacts, "with": sorted({*batch.values()} - {told["digest"] for told in artifacts})}


@transaction.atomic
def _unlink(row: Repository) -> bool:
    links = dict(BlobLink.objects.filter(repository=row).order_by("blob").values_list("pk", "blob")[:_LINKS])
    blobs = Blob.objects.select_for_update(no_key=True).filter(pk__in=links.values()).order_by("pk")
    digests = list(blobs.values_list("digest", flat=True))
    BlobLink.objects.filter(pk__in=links).delete()
    usage.release(row.namespace_id, digests, unlinked=True)
    return bool(links)


@transaction.atomic
def _end(row: Repository) -> None:
    namespace = Namespace.objects.select_for_update().get(pk=row.namespace_id)
    row.delete()
    if namespace.name.startswith("~") and not namespace.repositories.exists():
        namespace.delete()
