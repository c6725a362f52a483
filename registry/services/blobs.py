"""The verbs of blobs that are already there: mount into another repository, remove from one."""

from django.db import transaction

from audit.journal import record
from audit.origin import Origin
from registry import statements
from registry.models import Blob, BlobLink
from registry.oci.errors import Code, OCIError
from registry.oci.names import namespace_of
from registry.services import usage
from registry.services.repositories import ensure_repository, lock_repository


def mount_blob(*, origin: Origin, repository: str, source: str, digest: str) -> bool:
    """Links a blob of `source` into `repository`; False when `source` does not show it, or `repository` has just gone.

    Raises DENIED when the namespace would take up too much.
    """
    repository_id = ensure_repository(repository, origin=origin).pk
    with usage.quota_watched(origin, repository), transaction.atomic():
        if not statements.keep_repository(repository_id):
            return False
        visible = BlobLink.objects.filter(repository__name=source, blob__digest=digest, condemned_at=None)
        blob = Blob.objects.select_for_update().filter(digest=digest, deleting=False).first()
        if blob is None or not visible.exists():
            return False
        statements.link_blob(repository_id, blob.pk)
        usage.count(repository_id, {digest: blob.size})
        record(
            origin,
            "blob.mount",
            project=namespace_of(repository),
            target=f"{repository}@{digest}",
            after={"digest": digest, "from": source},
        )
    return True


def delete_blob(*, origin: Origin, repository: str, digest: str) -> None:
    """Removes a blob from a repository. Raises BLOB_UNKNOWN.

    A manifest there may still refer to it: the specification lets clients remove blobs first. The bytes stay as long
    as any manifest does.
    """
    with transaction.atomic():
        row = lock_repository(repository)
        link = BlobLink.objects.filter(repository=row, blob__digest=digest, condemned_at=None).first()
        if link is None:
            raise OCIError(Code.BLOB_UNKNOWN, detail={"digest": digest})
        link.delete()
        usage.release(row.namespace_id, [digest], unlinked=True)
        record(
            origin,
            "blob.delete",
            project=namespace_of(repository),
            target=f"{repository}@{digest}",
            before={"digest": digest},
        )
