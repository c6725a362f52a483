"""A bucket seen through store paths: what the S3 driver and its upload writer both ask of the service."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from registry.storage.s3_errors import is_gone

TAIL = ".tail."
"""Between an upload's path and a random word: the object that holds the end of an upload, too short for a part."""

COPY = TransferConfig(multipart_threshold=512 * 1024**2, multipart_chunksize=256 * 1024**2, max_concurrency=8)
"""Objects above the threshold are copied in parts at once: one copy request takes no more than 5 GiB."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A boto3 S3 client, a bucket's name, and the prefix (with its final slash) of all our keys."""

    client: Any
    name: str
    prefix: str

    def at(self, path: str) -> dict[str, str]:
        """The arguments that name an object to the client."""
        return {"Bucket": self.name, "Key": self.prefix + path}

    def objects(self, prefix: str) -> Iterator[dict[str, Any]]:
        """Objects whose paths start with `prefix`: Path, Size, LastModified."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=self.prefix + prefix)
        return self._listed(pages, "Contents")

    def unfinished(self, prefix: str) -> Iterator[dict[str, Any]]:
        """Multipart uploads in progress whose paths start with `prefix`: Path, UploadId, Initiated."""
        pages = self.client.get_paginator("list_multipart_uploads").paginate(
            Bucket=self.name, Prefix=self.prefix + prefix
        )
        return self._listed(pages, "Uploads")

    def _listed(self, pages: Iterator[dict[str, Any]], kind: str) -> Iterator[dict[str, Any]]:
        for page in pages:
            for found in page.get(kind, ()):
                yield {"Path": found["Key"].removeprefix(self.prefix), **found}

    def part_sizes(self, path: str, upload: str) -> dict[str, int]:
        """Bytes of each stored part of a multipart upload, by `<number> <ETag>`."""
        pages = self.client.get_paginator("list_parts").paginate(**self.at(path), UploadId=upload)
        return {
            f"{part['PartNumber']} {part['ETag']}": part["Size"] for page in pages for part in page.get("Parts", ())
        }

    def move(self, source: str, target: str) -> None:
        """Copy an object inside the service, replacing the target, and remove the source."""
        self.client.copy(self.at(source), **self.at(target), Config=COPY)
        self.client.delete_object(**self.at(source))

    def clear(self, path: str) -> None:
        """Remove an upload in every form it may have: multipart in progress, completed object, tails."""
        for upload in self.unfinished(path):
            if upload["Path"] == path:
                self._abort(path, upload["UploadId"])
        for found in self.objects(path):
            if found["Path"].partition(TAIL)[0] == path:
                self.client.delete_object(**self.at(found["Path"]))

    def _abort(self, path: str, upload: str) -> None:
        try:
            self.client.abort_multipart_upload(**self.at(path), UploadId=upload)
        except ClientError as error:
            if not is_gone(error):
                raise
