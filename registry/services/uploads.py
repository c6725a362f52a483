"""The verbs of blob uploads: begin, append, finish, cancel. Any instance can carry on what another began.

The row keeps the offset, the running digest at that offset and what the storage driver needs to append there. Bytes
beyond the offset were never acknowledged and are written over.
"""

import uuid
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from django.db import transaction
from django.utils import timezone

from audit.journal import record
from audit.origin import Origin
from registry.models import Blob, BlobLink, Repository, Upload
from registry.oci.errors import Code, OCIError
from registry.oci.names import check_digest, namespace_of
from registry.services.repositories import ensure_repository
from registry.storage import paths
from registry.storage.base import UploadWriter
from registry.storage.errors import NotFound, UploadBusy
from registry.storage.hashing import CannotRestore, RunningDigest
from registry.store import store


def begin_upload(*, origin: Origin, repository: str, algorithm: str = "sha256") -> Upload:
    """A new, empty upload. Raises NAME_UNKNOWN when the namespace does not exist."""
    row = ensure_repository(repository, origin=origin)
    with transaction.atomic():
        return Upload.objects.create(repository=row, algorithm=algorithm, started_by=origin.actor)


def find_upload(repository: str, upload_id: str, *, lock: bool = False) -> Upload:
    """The upload of that repository, on demand with its row locked. Raises BLOB_UPLOAD_UNKNOWN."""
    try:
        key = uuid.UUID(upload_id)
    except ValueError:
        key = None
    uploads = Upload.objects.select_for_update(of=("self",)) if lock else Upload.objects.all()
    found = uploads.filter(id=key, repository__name=repository) if key else Upload.objects.none()
    upload = found.select_related("repository").first()
    if upload is None:
        raise OCIError(Code.BLOB_UPLOAD_UNKNOWN, detail={"upload": upload_id[:64]})
    return upload


@dataclass(slots=True)
class Appender:
    """An upload open for writing, by one request at a time. A context manager: leaving it lets go of the upload."""

    upload: Upload
    digest: RunningDigest
    writer: UploadWriter

    def write(self, data: bytes | memoryview) -> None:
        """Appends bytes. Blocks on the store."""
        self.writer.write(data)
        self.digest.update(data)

    def checkpoint(self) -> int:
        """Acknowledges what was written: the next request, wherever it arrives, continues from here. The new offset.

        Raises RANGE_INVALID when another request was faster, which stores without locks notice only here.
        """
        upload = self.upload
        changes = {
            "offset": self.writer.size,
            "digest_state": self.digest.save(),
            "writer_state": self.writer.state(),
            "updated_at": timezone.now(),
        }
        with transaction.atomic():
            if not Upload.objects.filter(pk=upload.pk, offset=upload.offset).update(**changes):
                raise _contested()
        upload.offset = self.writer.size
        return upload.offset

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.writer.close()


def resume_upload(repository: str, upload_id: str) -> Appender:
    """Opens an upload for appending. Raises BLOB_UPLOAD_UNKNOWN, or RANGE_INVALID while another request writes to it.

    The row is locked until the store has opened the upload. Otherwise a request that finishes in between would have
    moved the offset, and opening at the old one would drop bytes that were acknowledged.
    """
    with transaction.atomic():
        upload = find_upload(repository, upload_id, lock=True)
        writer = _writer(upload)
    return _appender(upload, writer)


def open_upload(upload: Upload) -> Appender:
    """Opens an upload that nobody else knows of yet."""
    return _appender(upload, _writer(upload))


def _writer(upload: Upload) -> UploadWriter:
    try:
        return store().upload(paths.upload_path(upload.id), offset=upload.offset, state=upload.writer_state)
    except UploadBusy:
        raise _contested() from None
    except NotFound:
        raise OCIError(Code.BLOB_UPLOAD_UNKNOWN, detail={"upload": str(upload.id)}) from None


def _appender(upload: Upload, writer: UploadWriter) -> Appender:
    """The running digest is read back from the bytes where its saved state is of no use to this process."""
    if not upload.offset:
        return Appender(upload, RunningDigest(upload.algorithm), writer)
    try:
        return Appender(upload, RunningDigest.restore(upload.algorithm, bytes(upload.digest_state)), writer)
    except CannotRestore:
        pass
    try:
        appender = Appender(upload, _digest_of(writer, upload.algorithm), writer)
        appender.checkpoint()  # Reading may have moved the bytes.
    except BaseException:
        writer.close()
        raise
    return appender


def _digest_of(writer: UploadWriter, algorithm: str) -> RunningDigest:
    digest = RunningDigest(algorithm)
    for chunk in writer.read():
        digest.update(chunk)
    return digest


def _contested() -> OCIError:
    return OCIError(Code.RANGE_INVALID, "another request is writing to this upload: ask for its status and retry")


def finish_upload(appender: Appender, *, origin: Origin, digest: str) -> int:
    """Turns the upload into a blob of its repository; the blob's size. Raises DIGEST_INVALID and removes the upload then."""
    writer, upload = appender.writer, appender.upload
    repository = upload.repository
    if _digest_as(appender, check_digest(digest)) != digest:
        discard_upload(appender)
        raise OCIError(Code.DIGEST_INVALID, detail={"digest": digest})
    writer.flush()
    with transaction.atomic():
        Blob.objects.bulk_create([Blob(digest=digest, size=writer.size)], ignore_conflicts=True)
        blob = Blob.objects.select_for_update().get(digest=digest)
        writer.commit(paths.blob_path(digest))
        if blob.deleting:
            Blob.objects.filter(pk=blob.pk).update(deleting=False)
        link_blob(repository, blob)
        Upload.objects.filter(pk=upload.pk).delete()
        record(
            origin,
            "blob.push",
            project=namespace_of(repository.name),
            target=f"{repository.name}@{digest}",
            after={"digest": digest, "size": writer.size},
        )
    return writer.size


def discard_upload(appender: Appender) -> None:
    """Removes an upload with everything written so far."""
    appender.writer.cancel()
    with transaction.atomic():
        Upload.objects.filter(pk=appender.upload.pk).delete()


def link_blob(repository: Repository, blob: Blob) -> None:
    """Makes a locked blob a member of the repository, or takes back its condemnation there."""
    link, created = BlobLink.objects.get_or_create(repository=repository, blob=blob)
    if not created and link.condemned_at:
        link.condemned_at = None
        link.save(update_fields=["condemned_at"])


def _digest_as(appender: Appender, digest: str) -> str:
    """The upload's digest by the algorithm of `digest`, from the running one where that is the same."""
    algorithm = digest.partition(":")[0]
    if algorithm == appender.digest.algorithm:
        return appender.digest.digest()
    return _digest_of(appender.writer, algorithm).digest()
