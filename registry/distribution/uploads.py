"""Operations on blob uploads (OCI Distribution Specification 1.1, "Pushing blobs")."""

import asyncio
import re

from registry import ports, selectors
from registry.distribution.messages import ClientGone, Request, Response
from registry.distribution.threads import in_database_thread, in_transfer_thread
from registry.models import Upload
from registry.oci.errors import Code, OCIError
from registry.oci.names import DIGEST_LENGTHS, check_digest
from registry.services import blobs, uploads, usage
from registry.services.uploads import Appender

_PIECE = 1024 * 1024
_CONTENT_RANGE = re.compile(r"(?:bytes[ =])?(\d{1,18})-(\d{1,18})(?:/(?:\d+|\*))?", re.ASCII)


def start(request: Request) -> Response | Appender:
    """POST: begins an upload, mounts a blob from elsewhere, or opens an upload for a whole blob that follows at once."""
    if "mount" in request.query:
        if _mount(request, check_digest(request.query["mount"])):
            return _created(request.name, request.query["mount"])
    elif "digest" in request.query:
        digest = check_digest(request.query["digest"])
        return uploads.open_upload(_begin(request, digest.partition(":")[0]))
    algorithm = request.query.get("digest-algorithm", "sha256")
    if algorithm not in DIGEST_LENGTHS:
        raise OCIError(Code.UNSUPPORTED, f"unknown digest algorithm; known: {', '.join(DIGEST_LENGTHS)}", status=400)
    return _progress(202, request.name, _begin(request, algorithm))


def status(request: Request) -> Response:
    """GET: how far the upload has come."""
    return _progress(204, request.name, uploads.find_upload(request.name, request.params["upload"]))


def cancel(request: Request) -> Response:
    """DELETE: gives the upload up."""
    with uploads.resume_upload(request.name, request.params["upload"]) as appender:
        uploads.discard_upload(appender)
    return Response(204)


def resume(request: Request) -> Appender:
    """Opens the upload a request carries on."""
    with usage.quota_watched(request.origin, request.name):
        return uploads.resume_upload(request.name, request.params["upload"], growing=True)


def resume_last(request: Request) -> Appender:
    """Opens the upload a PUT completes."""
    if "digest" not in request.query:
        raise OCIError(Code.DIGEST_INVALID, "the digest parameter is missing")
    check_digest(request.query["digest"])
    return resume(request)


async def append(request: Request, appender: Appender) -> Response:
    """PATCH: appends a chunk. What arrived before a broken connection counts."""
    try:
        rest = await _receive(request, appender)
        await in_database_thread(_checkpoint, appender, rest)
    finally:
        appender.writer.close()
    return _progress(202, request.name, appender.upload)


async def receive_whole(request: Request, appender: Appender) -> Response:
    """PUT, and POST with a digest: appends what the body holds and turns the upload into a blob."""
    digest = request.query["digest"]
    try:
        rest = await _receive(request, appender)
        await in_database_thread(_finish, request, appender, rest, digest)
    finally:
        appender.writer.close()
    return _created(request.name, digest)


def _begin(request: Request, algorithm: str) -> Upload:
    return uploads.begin_upload(origin=request.origin, repository=request.name, algorithm=algorithm)


def _mount(request: Request, digest: str) -> bool:
    """Mounts the blob if the caller may pull it where it is; otherwise the client has to upload it after all."""
    source = request.query.get("from", request.name)  # Without a source: is it here already?
    if not request.caller.may(ports.PULL, source, selectors.namespace_created_at(source)):
        return False
    return blobs.mount_blob(origin=request.origin, repository=request.name, source=source, digest=digest)


def _write(appender: Appender, parts: list[bytes]) -> None:
    appender.write(b"".join(parts))


def _checkpoint(appender: Appender, rest: bytes) -> None:
    appender.write(rest)
    appender.checkpoint()


def _finish(request: Request, appender: Appender, rest: bytes, digest: str) -> None:
    appender.write(rest)
    uploads.finish_upload(appender, origin=request.origin, repository=request.name, digest=digest)


async def _receive(request: Request, appender: Appender) -> bytes:
    """Appends the body but for its last piece, which is returned: small bodies cost no thread of their own.

    While one piece is hashed and written, the next is received, and no more than that. What arrived before a broken
    connection counts; of a body that contradicts its range nothing does.
    """
    end = _announced_end(request, appender.upload)
    writing: asyncio.Future[None] | None = None
    try:
        while await request.body.has(_PIECE):
            parts = request.body.take()
            if writing is not None:
                await writing
            writing = asyncio.ensure_future(in_transfer_thread(_write, appender, parts))
    except ClientGone:
        if writing is not None:
            await writing
        await in_database_thread(_checkpoint, appender, b"".join(request.body.take()))
        raise
    if writing is not None:
        await writing
    piece = b"".join(request.body.take())
    if end is not None and appender.writer.size + len(piece) != end:
        headers = _progress_headers(request.name, appender.upload)
        raise OCIError(Code.SIZE_INVALID, "the body is not as long as its Content-Range says", headers=headers)
    return piece


def _announced_end(request: Request, upload: Upload) -> int | None:
    """The size of the upload after this chunk, where the client announces it.

    A chunk must begin where the upload stands. Raises RANGE_INVALID otherwise, and the upload stays usable.
    """
    header = request.header(b"content-range")
    if not header:
        return None
    match = _CONTENT_RANGE.fullmatch(header.strip())
    length = request.content_length
    if not match or int(match[2]) < int(match[1]):
        problem = "Content-Range is not of the form <start>-<end>"
    elif int(match[1]) != upload.offset:
        problem = f"the next byte of this upload is {upload.offset}"
    elif length is not None and int(match[2]) - int(match[1]) + 1 != length:
        problem = "Content-Range and Content-Length differ"
    else:
        return int(match[2]) + 1
    raise OCIError(Code.RANGE_INVALID, problem, headers=_progress_headers(request.name, upload))


def _progress(status: int, name: str, upload: Upload) -> Response:
    return Response(status, _progress_headers(name, upload))


def _progress_headers(name: str, upload: Upload) -> dict[str, str]:
    return {
        "Location": f"/v2/{name}/blobs/uploads/{upload.id}",
        # An empty upload has no last byte; clients and the specification's own examples write it so.
        "Range": f"0-{max(upload.offset - 1, 0)}",
        "Docker-Upload-UUID": str(upload.id),
    }


def _created(name: str, digest: str) -> Response:
    return Response(201, {"Location": f"/v2/{name}/blobs/{digest}", "Docker-Content-Digest": digest})
