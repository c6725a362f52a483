"""The driver for S3 and its like (AWS, Ceph RGW, MinIO, OSS, Swift's s3api), on the client of django-storages' backend.

Only the client is used: the backend's file object would copy every blob through a temporary file.
"""

# ruff: noqa: ARG002, D102  The verbs and their arguments are documented in base.

import threading
from collections.abc import Generator, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError
from django.utils.http import content_disposition_header
from storages.backends.s3 import S3Storage

from registry.storage.base import CHUNK, Space, Stat
from registry.storage.errors import NotFound, Unavailable, UploadBusy
from registry.storage.paths import UPLOADS
from registry.storage.s3_bucket import TAIL, Bucket
from registry.storage.s3_errors import error_code, is_gone
from registry.storage.s3_upload import S3Writer


class S3Driver:
    """Objects in a bucket, named by their paths below an optional prefix. Any number of instances may share it."""

    name = "s3"

    def __init__(
        self, *, bucket_name: str, prefix: str, redirect: bool, addressing_style: str, **settings: Any
    ) -> None:
        self._prefix = f"{prefix}/" if prefix else ""
        self._bucket_name = bucket_name
        self._redirect = redirect
        self._writing: set[str] = set()
        self._lock = threading.Lock()
        self._storage = S3Storage(bucket_name=bucket_name, client_config=_config(addressing_style), **settings)
        self._made: Bucket | None = None

    @property
    def _bucket(self) -> Bucket:
        """The client, made at the first use and shared: clients are thread-safe and costly to make."""
        with self._lock:
            if self._made is None:
                self._made = Bucket(self._storage.connection.meta.client, self._bucket_name, self._prefix)
            return self._made

    def stat(self, path: str) -> Stat:
        bucket = self._bucket
        try:
            found = bucket.client.head_object(**bucket.at(path))
        except ClientError as error:
            if not is_gone(error):
                raise
            self.check()  # An answer to HEAD does not tell a missing object from a missing bucket.
            raise NotFound("no such object") from error
        return Stat(path, found["ContentLength"], found["LastModified"])

    def read(self, path: str, start: int = 0, length: int | None = None) -> Generator[bytes, None, None]:
        chunks = self._read(path, start, length)
        next(chunks)
        return chunks

    def _read(self, path: str, start: int, length: int | None) -> Generator[bytes, None, None]:
        body = self._open(path, start, length)
        try:
            yield b""  # Taken by `read`: errors come at once, and `finally` runs even if nothing is ever read.
            if body:
                yield from body.iter_chunks(CHUNK)
        finally:
            if body:
                body.close()

    def _open(self, path: str, start: int, length: int | None) -> Any:
        """The body of a GET; None when the range holds no bytes."""
        bucket = self._bucket
        if length == 0:
            self.stat(path)
            return None
        whole = start == 0 and length is None
        last = "" if length is None else start + length - 1
        try:
            return bucket.client.get_object(**bucket.at(path), **({} if whole else {"Range": f"bytes={start}-{last}"}))[
                "Body"
            ]
        except ClientError as error:
            if error_code(error) == "InvalidRange":
                return None
            raise

    def put(self, path: str, data: bytes) -> None:
        self._bucket.client.put_object(**self._bucket.at(path), Body=data)

    def delete(self, path: str) -> None:
        if path.startswith(f"{UPLOADS}/"):
            self._bucket.clear(path)
        else:
            self._bucket.client.delete_object(**self._bucket.at(path))

    def walk(self, prefix: str) -> Iterator[Stat]:
        folder = f"{prefix}/" if prefix else ""
        for found in self._bucket.objects(folder):
            yield Stat(found["Path"].partition(TAIL)[0], found["Size"], found["LastModified"])
        if not prefix or prefix.partition("/")[0] == UPLOADS:
            for found in self._bucket.unfinished(folder or f"{UPLOADS}/"):
                yield Stat(found["Path"], 0, found["Initiated"])

    def upload(self, path: str, *, offset: int, state: dict[str, Any]) -> S3Writer:
        bucket = self._bucket
        with self._lock:
            if path in self._writing:
                raise UploadBusy("another writer has this upload open")
            self._writing.add(path)
        release = partial(self._writing.discard, path)
        try:
            return S3Writer(bucket, path, offset=offset, state=state, release=release)
        except BaseException:
            release()
            raise

    def local_path(self, path: str) -> Path | None:
        return None

    def url(self, path: str, *, expires: timedelta, content_type: str = "", filename: str = "") -> str | None:
        if not self._redirect:
            return None
        wanted = self._bucket.at(path)
        if content_type:
            wanted["ResponseContentType"] = content_type
        if filename:
            wanted["ResponseContentDisposition"] = str(
                content_disposition_header(as_attachment=True, filename=filename)
            )
        seconds = int(expires.total_seconds())
        return str(self._bucket.client.generate_presigned_url("get_object", Params=wanted, ExpiresIn=seconds))

    def space(self) -> Space | None:
        return None

    def check(self) -> None:
        try:
            self._bucket.client.head_bucket(Bucket=self._bucket_name)
        except ClientError as error:
            raise Unavailable(f"the bucket cannot be used: {error}") from error


def _config(addressing_style: str) -> Config:
    return Config(
        s3={"addressing_style": addressing_style},
        signature_version="s3v4",
        # Services other than AWS refuse the trailing checksums that botocore sends by default.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        retries={"mode": "standard", "max_attempts": 3},
        connect_timeout=5,
        read_timeout=60,
        max_pool_connections=64,
    )
