"""Operations on blob uploads (OCI Distribution Specification 1.1, "Pushing blobs")."""

import asyncio
import re
from typing import Any

from registry import ports, selectors
from registry.distribution.messages import ClientGone, Request, Response
from registry.distribution.threads import in_database_thread, in_transfer_thread
from registry.models import Upload
from registry.oci.errors import Code, OCIError
from registry.oci.names import DIGEST_LENGTHS, check_digest
from registry.services import blobs, uploads
from registry.services.uploads import Appender

_BUFFER = 1024 * 1024
_CONTENT_RANGE = re.compile(r"(?:bytes[ =])?(\d{1,18})-(\d{1,18})(?:/(?:\d+|\*))?", re.ASCII)


async def start(request: Request) -> Response:
    """POST: begins an upload, mounts a blob from elsewhere, or takes a whole blob at once."""
    if "mount" in request.query:
        mounted = await _mount(request, check_digest(request.query["mount"]))
        if mounted:
            return mounted
    elif "digest" in request.query:
        digest = check_digest(request.query["digest"])
        upload = await in_database_thread(_begin, request, digest.partition(":")[0])
        return await _receive_and_finish(request, await in_transfer_thread(uploads.open_upload, upload), digest)
    algorithm = request.query.get("digest-algorithm", "sha256")
    if algorithm not in DIGEST_LENGTHS:
        raise OCIError(Code.UNSUPPORTED, f"unknown digest algorithm; known: {', '.join(DIGEST_LENGTHS)}", status=400)
    return _progress(202, request.name, await in_database_thread(_begin, request, algorithm))


async def status(request: Request) -> Response:
    """GET: how far the upload has come."""
    upload = await in_database_thread(uploads.find_upload, request.name, request.params["upload"])
    return _progress(204, request.name, upload)


async def append(request: Request) -> Response:
    """PATCH: appends a chunk."""
    appender = await _resume(request)
    try:
        await _take(request, appender)
        await in_database_thread(appender.checkpoint)
    finally:
        await in_transfer_thread(appender.writer.close)
    return _progress(202, request.name, appender.upload)


async def finish(request: Request) -> Response:
    """PUT: appends what the body holds and turns the upload into a blob."""
    if "digest" not in request.query:
        raise OCIError(Code.DIGEST_INVALID, "the digest parameter is missing")
    digest = check_digest(request.query["digest"])
    appender = await _resume(request)
    return await _receive_and_finish(request, appender, digest)


async def cancel(request: Request) -> Response:
    """DELETE: gives the upload up."""
    await in_database_thread(_cancel, request)
    return Response(204)


def _begin(request: Request, algorithm: str) -> Upload:
    return uploads.begin_upload(origin=request.origin, repository=request.name, algorithm=algorithm)


async def _resume(request: Request) -> Appender:
    return await in_database_thread(uploads.resume_upload, request.name, request.params["upload"])


async def _mount(request: Request, digest: str) -> Response | None:
    """The answer when the blob could be mounted; None when the client has to upload it after all."""
    source = request.query.get("from", request.name)  # Without a source: is it here already?
    if not await in_database_thread(_may_pull, request, source):
        return None
    mounted = await in_database_thread(
        blobs.mount_blob, origin=request.origin, repository=request.name, source=source, digest=digest
    )
    return _created(request.name, digest) if mounted else None


def _may_pull(request: Request, source: str) -> bool:
    return request.caller.may(ports.PULL, source, selectors.namespace_created_at(source))


async def _receive_and_finish(request: Request, appender: Appender, digest: str) -> Response:
    try:
        await _take(request, appender)
        await in_database_thread(uploads.finish_upload, appender, origin=request.origin, digest=digest)
    finally:
        await in_transfer_thread(appender.writer.close)
    return _created(request.name, digest)


def _cancel(request: Request) -> None:
    with uploads.resume_upload(request.name, request.params["upload"]) as appender:
        uploads.discard_upload(appender)


async def _take(request: Request, appender: Appender) -> None:
    """Appends the body. What arrived before a broken connection counts; of a body that contradicts its range nothing does."""
    end = _announced_end(request, appender.upload)
    try:
        await _receive(request, appender)
    except ClientGone:
        await in_database_thread(appender.checkpoint)
        raise
    if end is not None and appender.writer.size != end:
        headers = _progress_headers(request.name, appender.upload)
        raise OCIError(Code.SIZE_INVALID, "the body is not as long as its Content-Range says", headers=headers)


async def _receive(request: Request, appender: Appender) -> None:
    """Writes the body as it arrives: while one piece is hashed and written, the next is received, and no more than that."""
    writing: asyncio.Future[Any] | None = None
    parts: list[bytes] = []
    size = 0

    async def write(data: bytes) -> None:
        nonlocal writing
        if writing is not None:
            await writing
        writing = asyncio.gather(
            in_transfer_thread(appender.writer.write, data), in_transfer_thread(appender.digest.update, data)
        )

    try:
        async for chunk in request.body.chunks():
            parts.append(chunk)
            size += len(chunk)
            if size >= _BUFFER:
                await write(b"".join(parts))
                parts, size = [], 0
    finally:
        if parts:
            await write(b"".join(parts))
        if writing is not None:
            await writing


def _announced_end(request: Request, upload: Upload) -> int | None:
    """The size of the upload after this chunk, where the client announces it.

    A chunk must begin where the upload stands. Raises RANGE_INVALID otherwise, and the upload stays usable.
    """
    header = request.header(b"content-range")
    if not header:
        return None
    match = _CONTENT_RANGE.fullmatch(header.strip())
    length = request.content_length
    if not match:
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
