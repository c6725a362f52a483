"""Operations on blobs that need more than the hot path: ranges, other ways of sending, removal."""

import re
from datetime import timedelta

from registry.distribution.cache import Answer
from registry.distribution.messages import Request, Response
from registry.distribution.threads import in_transfer_thread
from registry.oci.errors import Code, OCIError
from registry.oci.names import check_digest
from registry.services import blobs
from registry.storage import paths
from registry.store import store

_RANGE = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII | re.IGNORECASE)
_MOST_DIGITS = 19  # Of a position; more are as far beyond the end of any blob.
_REDIRECT_LIFE = timedelta(minutes=20)


def delete(request: Request) -> Response:
    """DELETE: removes the blob from this repository."""
    digest = check_digest(request.params["digest"])
    blobs.delete_blob(origin=request.origin, repository=request.name, digest=digest)
    return Response(202)


async def send_content(request: Request, answer: Answer) -> Response:
    """The answer to a pull that was looked up: the bytes, a range of them, a file, a redirect or a stream."""
    headers = titled(answer.headers)
    # Only GET has ranges (RFC 9110, 14.2), and only of what the client has begun with (13.1.5).
    ranged = request.method == "GET" and request.header(b"if-range") in ("", answer.etag.decode())
    wanted = _range(request.header(b"range"), answer.size) if ranged else None
    if wanted:
        start, end = wanted
        headers |= {"Content-Range": f"bytes {start}-{end}/{answer.size}", "Content-Length": str(end - start + 1)}
        if answer.body is not None:
            return Response(206, headers, answer.body[start : end + 1])
        chunks = await in_transfer_thread(store().read, paths.blob_path(answer.digest), start, end - start + 1)
        return Response(206, headers, chunks=chunks)
    if answer.body is not None:
        return Response(200, headers, answer.body)
    return await _whole(request, answer, headers)


def titled(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Ready headers in the form that Response takes."""
    return {name.decode().title(): value.decode("latin-1") for name, value in headers}


async def _whole(request: Request, answer: Answer, headers: dict[str, str]) -> Response:
    if answer.file is not None:
        if location := _accelerated(request, answer.digest):
            return Response(200, headers | {"X-Accel-Redirect": location})
        if "http.response.pathsend" in request.scope.get("extensions", {}):
            return Response(200, headers, file=answer.file)
    path = paths.blob_path(answer.digest)
    url = await in_transfer_thread(lambda: store().url(path, expires=_REDIRECT_LIFE))
    if url:
        return Response(307, {"Location": url, "Docker-Content-Digest": answer.digest, "Cache-Control": "no-store"})
    return Response(200, headers, chunks=await in_transfer_thread(store().read, path))


def _accelerated(request: Request, digest: str) -> str:
    """Where a trusted nginx in front finds the file: it announces its internal location in X-Accel-Location."""
    location = request.header(b"x-accel-location")
    return f"{location.rstrip('/')}/{paths.blob_path(digest)}" if location and request.client.behind_proxy else ""


def _range(header: str, size: int) -> tuple[int, int] | None:
    """First and last byte asked for (RFC 9110, 14.1.2); None: send all. Raises RANGE_INVALID if nothing of it exists.

    Several ranges at once are answered with the whole, which the standard allows.
    """
    match = _RANGE.fullmatch(header.replace(" ", ""))
    if not match or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if first:
        start, end = _position(first), min(_position(last), size - 1) if last else size - 1
    else:
        start, end = max(size - _position(last), 0), size - 1
    if start > end:
        raise OCIError(Code.RANGE_INVALID, headers={"Content-Range": f"bytes */{size}"})
    return start, end


def _position(digits: str) -> int:
    return int(digits.lstrip("0")[:_MOST_DIGITS] or "0")
