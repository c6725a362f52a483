"""An upload to S3: a multipart upload, and between requests a small object for the end that is too short for a part.

The checkpoint lists the ETag of each part and names the end's object, so it stays true to its bytes even when a second
instance, which S3 cannot lock out, writes to the same upload: parts it replaced have other ETags and are not taken.
"""

# ruff: noqa: D102  The verbs are documented in base.

import secrets
from collections.abc import Callable, Generator
from typing import Any

from registry.storage.base import CHUNK, ClosedOnExit
from registry.storage.errors import NotFound
from registry.storage.s3_bucket import TAIL, Bucket

PART = 8 * 1024**2
"""Bytes of a part. S3 wants 5 MiB at least, and this much memory is held for each upload."""

PARTS_OF_A_SIZE = 1000
"""After this many parts they grow by PART, so that the 10,000 that S3 allows hold more than 400 GB."""


class S3Writer(ClosedOnExit):
    """The UploadWriter of S3. Uploads of less than one part never become multipart: they are stored by one request."""

    def __init__(
        self, bucket: Bucket, path: str, *, offset: int, state: dict[str, Any], release: Callable[[], None]
    ) -> None:
        self._bucket = bucket
        self._path = path
        self._release = release
        self._upload: str = state.get("upload", "")
        self._etags: list[str] = list(state.get("etags", ()))
        self._tail: str = state.get("tail", "")
        self._stale: list[str] = []
        self._buffer = self._stored_tail()
        self.size = self._saved = offset
        stored = self._stored_parts() + len(self._buffer)
        if stored != offset:
            raise NotFound(f"of {offset} bytes {stored} are left")
        # The checkpoint we resume from is the one that counts, so the ends that it replaced can go.
        for stale in state.get("stale", ()):
            self._delete(stale)

    def _stored_tail(self) -> bytearray:
        if not self._tail:
            return bytearray()
        return bytearray(self._bucket.client.get_object(**self._bucket.at(self._tail))["Body"].read())

    def _stored_parts(self) -> int:
        if not self._etags:
            return 0
        sizes = self._bucket.part_sizes(self._path, self._upload)
        return sum(sizes.get(f"{number} {etag}", 0) for number, etag in enumerate(self._etags, 1))

    def write(self, data: bytes | memoryview) -> None:
        self._buffer += data
        while len(self._buffer) >= (part := PART * (1 + len(self._etags) // PARTS_OF_A_SIZE)):
            self._ship(bytes(memoryview(self._buffer)[:part]))
            del self._buffer[:part]
        self.size += len(data)

    def _ship(self, part: bytes) -> None:
        client, at = self._bucket.client, self._bucket.at(self._path)
        if not self._upload:
            self._upload = client.create_multipart_upload(**at)["UploadId"]
        number = len(self._etags) + 1
        stored = client.upload_part(**at, UploadId=self._upload, PartNumber=number, Body=part)
        self._etags.append(stored["ETag"])

    def read(self) -> Generator[bytes, None, None]:
        # Parts can be read only once they are an object; a new multipart upload of copies then takes their place.
        if self._etags:
            sizes = self._bucket.part_sizes(self._path, self._upload)
            self._complete()
            self._copy_parts([sizes[f"{number} {etag}"] for number, etag in enumerate(self._etags, 1)])
            try:
                yield from self._bucket.client.get_object(**self._bucket.at(self._path))["Body"].iter_chunks(CHUNK)
            finally:
                self._delete(self._path)
        yield bytes(self._buffer)

    def _copy_parts(self, sizes: list[int]) -> None:
        """Begin anew with parts of these sizes, copied from the object that the parts so far were made into."""
        client, at = self._bucket.client, self._bucket.at(self._path)
        self._upload = client.create_multipart_upload(**at)["UploadId"]
        self._etags.clear()
        start = 0
        for number, size in enumerate(sizes, 1):
            copied = client.upload_part_copy(
                **at,
                UploadId=self._upload,
                PartNumber=number,
                CopySource=at,
                CopySourceRange=f"bytes={start}-{start + size - 1}",
            )
            self._etags.append(copied["CopyPartResult"]["ETag"])
            start += size

    def state(self) -> dict[str, Any]:
        if self.size != self._saved:
            if self._tail:
                self._stale.append(self._tail)
            self._tail = f"{self._path}{TAIL}{secrets.token_hex(8)}" if self._buffer else ""
            if self._tail:
                self._bucket.client.put_object(**self._bucket.at(self._tail), Body=bytes(self._buffer))
            self._saved = self.size
        return {"upload": self._upload, "etags": list(self._etags), "tail": self._tail, "stale": list(self._stale)}

    def commit(self, path: str) -> None:
        if self._upload:
            if self._buffer:
                self._ship(bytes(self._buffer))
                self._buffer.clear()
            self._complete()
            self._bucket.move(self._path, path)
        else:
            self._bucket.client.put_object(**self._bucket.at(path), Body=bytes(self._buffer))
        for tail in [*self._stale, self._tail]:
            if tail:
                self._delete(tail)
        self.close()

    def _complete(self) -> None:
        """Make an object of the parts."""
        parts = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(self._etags, 1)]
        self._bucket.client.complete_multipart_upload(
            **self._bucket.at(self._path), UploadId=self._upload, MultipartUpload={"Parts": parts}
        )

    def cancel(self) -> None:
        self._bucket.clear(self._path)
        self.close()

    def _delete(self, path: str) -> None:
        self._bucket.client.delete_object(**self._bucket.at(path))

    def close(self) -> None:
        self._release()
        self._release = _nothing  # By the next call another writer may have the upload.


def _nothing() -> None:
    """What releasing an upload for the second time does."""
