"""The verbs of blob uploads: begin, append, finish, cancel. Any instance can carry on what another began.

The row keeps the offset, the running digest at that offset and what the storage driver needs to append there. Bytes
beyond the offset were never acknowledged and are written over.
"""

import uuid
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Self

from django.db import transaction
from django.utils import timezone

from audit.journal import record
from audit.origin import Origin
from registry import statements
from registry.bookkeeping import bookkeeping
from registry.models import Blob, Upload
from registry.oci.errors import Code, OCIError
from registry.oci.names import check_digest, namespace_of
from registry.services import usage
from registry.services.repositories import ensure_repository
from registry.storage import paths
from registry.storage.base import UploadWriter
from registry.storage.errors import NotFound, UploadBusy
from registry.storage.hashing import CannotRestore, RunningDigest
from registry.store import store


def begin_upload(*, origin: Origin, repository: str, algorithm: str = "sha256") -> Upload:
    """A new, empty upload. Raises NAME_UNKNOWN when the namespace does not exist, DENIED when it is full."""
    row = ensure_repository(repository, origin=origin)
    with usage.quota_watched(origin, repository):
        usage.foresee(row.namespace_id, 1)
    upload = Upload(repository_id=row.pk, algorithm=algorithm, started_by=origin.actor)
    upload.namespace_id = row.namespace_id
    with bookkeeping():
        statements.begin_upload(upload)
    return upload


def find_upload(repository: str, upload_id: str) -> Upload:
    """The upload of that repository. Raises BLOB_UPLOAD_UNKNOWN."""
    unknown = OCIError(Code.BLOB_UPLOAD_UNKNOWN, detail={"upload": upload_id[:64]})
    try:
        key = uuid.UUID(upload_id)
    except ValueError:
        raise unknown from None
    upload = statements.find_upload(key.hex, repository)
    if upload is None:
        raise unknown
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

    def checkpoint(self) -> None:
        """Acknowledges what was written: the next request, wherever it arrives, continues from here.

        Raises RANGE_INVALID when another request was faster, which stores without locks notice only here.
        """
        state = self.writer.state()
        with bookkeeping():
            if not statements.advance_upload(
                self.upload, offset=self.writer.size, digest_state=self.digest.save(), writer_state=state
            ):
                raise _contested()
        self.upload.offset = self.writer.size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.writer.close()


def resume_upload(repository: str, upload_id: str, *, growing: bool = False) -> Appender:
    """Opens an upload for appending. Raises BLOB_UPLOAD_UNKNOWN, or RANGE_INVALID while another request writes to it.

    growing: raises DENIED, too, when the namespace has no room for what was received already.
    """
    upload = find_upload(repository, upload_id)
    if growing:
        usage.foresee(upload.namespace_id, upload.offset)
    writer = _writer(upload)
    with ExitStack() as undo:
        undo.callback(writer.close)  # Whatever goes wrong, such as an absent database, must not keep the upload locked.
        # A request that ended before it was locked has moved the offset; nothing is lost as nothing is written yet.
        if not statements.upload_is_at(upload):
            raise _contested()
        appender = _appender(upload, writer)
        undo.pop_all()
    return appender


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
    appender = Appender(upload, _digest_of(writer, upload.algorithm), writer)
    appender.checkpoint()  # Reading may have moved the bytes.
    return appender


def _digest_of(writer: UploadWriter, algorithm: str) -> RunningDigest:
    digest = RunningDigest(algorithm)
    for chunk in writer.read():
        digest.update(chunk)
    return digest


def _contested() -> OCIError:
    return OCIError(Code.RANGE_INVALID, "another request is writing to this upload: ask for its status and retry")


def finish_upload(appender: Appender, *, origin: Origin, repository: str, digest: str) -> None:
    """Turns the upload into a blob of its repository.

    Raises DIGEST_INVALID, or DENIED when the namespace would take up too much, and removes the upload then.
    """
    if _digest_as(appender, check_digest(digest)) != digest:
        discard_upload(appender)
        raise OCIError(Code.DIGEST_INVALID, detail={"digest": digest})
    with usage.quota_watched(origin, repository):
        _refuse_early(appender, digest)
        _revive(digest)
        appender.writer.commit(paths.blob_path(digest))
        try:
            _link(appender, origin=origin, repository=repository, digest=digest)
        except usage.QuotaExceeded:
            # Another push was faster. The bytes are a file without a row now, which garbage collection frees.
            statements.end_upload(appender.upload)
            raise


def _refuse_early(appender: Appender, digest: str) -> None:
    """Removes an upload that the quota has no room for, as long as its bytes are not among the blobs."""
    try:
        usage.foresee(appender.upload.namespace_id, appender.writer.size, digest=digest)
    except usage.QuotaExceeded:
        discard_upload(appender)
        raise


@transaction.atomic
def _link(appender: Appender, *, origin: Origin, repository: str, digest: str) -> None:
    upload, size = appender.upload, appender.writer.size
    if not statements.end_upload(upload):  # It went with its repository.
        raise OCIError(Code.BLOB_UPLOAD_UNKNOWN, detail={"upload": str(upload.id)})
    blob_id = statements.store_blob(digest, size)
    _require_bytes(digest)
    statements.link_blob(upload.repository_id, blob_id)
    usage.count(upload.repository_id, {digest: size})
    record(
        origin,
        "blob.push",
        project=namespace_of(repository),
        target=f"{repository}@{digest}",
        after={"digest": digest, "size": size},
    )


def _revive(digest: str) -> None:
    """Takes the blob back from garbage collection, before the bytes are put where it would delete them."""
    if statements.is_being_deleted(digest):
        with transaction.atomic():
            Blob.objects.filter(digest=digest).update(deleting=False, created_at=timezone.now())


def _require_bytes(digest: str) -> None:
    """Makes sure that garbage collection did not take the bytes after all. Its lock on the row is ours now."""
    try:
        store().stat(paths.blob_path(digest))
    except NotFound:
        raise OCIError(Code.BLOB_UPLOAD_UNKNOWN, "the upload met garbage collection: send the blob again") from None


def discard_upload(appender: Appender) -> None:
    """Removes an upload with everything written so far."""
    appender.writer.cancel()
    with transaction.atomic():
        statements.end_upload(appender.upload)


def _digest_as(appender: Appender, digest: str) -> str:
    """The upload's digest by the algorithm of `digest`, from the running one where that is the same."""
    algorithm = digest.partition(":")[0]
    if algorithm == appender.digest.algorithm:
        return appender.digest.digest()
    return _digest_of(appender.writer, algorithm).digest()
