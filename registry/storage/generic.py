"""The driver for any backend of django-storages, through nothing but Django's own storage interface.

Such a backend can neither append nor resume, so uploads live as files in a local spool directory, and a commit sends the
file. They resume wherever that directory is reachable. Reads go through the backend's file object, which for some
backends downloads all of an object first; prefer a native driver where there is one.
"""

# ruff: noqa: ARG002, D102  The verbs and their arguments are documented in base.

from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage

from registry.storage.base import CHUNK, ClosedOnExit, Space, Stat
from registry.storage.errors import NotFound, StorageError, Unavailable, classify_os_error
from registry.storage.filesystem import FilesystemDriver
from registry.storage.filesystem_upload import FilesystemWriter
from registry.storage.paths import UPLOADS


def classify_any(error: Exception) -> type[StorageError]:
    """The classification of errors of unknown libraries: what is no better known makes the store unavailable."""
    return classify_os_error(error) or Unavailable


class GenericDriver:
    """Objects in `storage`, uploads in `spool`."""

    name = "django-storages"

    def __init__(self, storage: Storage, spool: Path) -> None:
        self._storage = storage
        self._spool = FilesystemDriver(spool)

    def stat(self, path: str) -> Stat:
        if not self._storage.exists(path):
            raise NotFound("no such object")
        return self._stat(path)

    def _stat(self, path: str) -> Stat:
        return Stat(path, self._storage.size(path), self._storage.get_modified_time(path))

    def read(self, path: str, start: int = 0, length: int | None = None) -> Generator[bytes, None, None]:
        chunks = self._read(path, start, length)
        next(chunks)
        return chunks

    def _read(self, path: str, start: int, length: int | None) -> Generator[bytes, None, None]:
        size = self.stat(path).size
        end = size if length is None else min(size, start + length)
        with self._storage.open(path, "rb") as file:
            yield b""  # Taken by `read`: errors come at once, and closing the generator closes the file.
            file.seek(min(start, size))
            while start < end and (data := file.read(min(CHUNK, end - start))):
                yield data
                start += len(data)

    def put(self, path: str, data: bytes) -> None:
        self._save(path, ContentFile(data))

    def _save(self, path: str, content: "File[bytes]") -> None:
        """Store under exactly this name: backends that do not overwrite would choose another one."""
        if self._is_taken(path):
            self._storage.delete(path)
        saved = self._storage.save(path, content)
        if saved != path:
            # Another writer stored the same path just now; its object stands, content-addressed as ours is.
            self._storage.delete(saved)

    def _is_taken(self, path: str) -> bool:
        return self._storage.get_available_name(path) != path

    def _commit(self, path: str, content: "File[bytes]") -> None:
        """Store an upload. Paths of uploads tell their content, so one that is there in full need not make way."""
        if not (self._is_taken(path) and self._storage.size(path) == content.size):
            self._save(path, content)

    def delete(self, path: str) -> None:
        if path.startswith(f"{UPLOADS}/"):
            self._spool.delete(path)
        else:
            with suppress(FileNotFoundError):
                self._storage.delete(path)

    def walk(self, prefix: str) -> Iterator[Stat]:
        if not prefix or prefix.partition("/")[0] == UPLOADS:
            yield from self._spool.walk(prefix or UPLOADS)
        folders = [prefix]
        while folders:
            folder = folders.pop()
            try:
                subfolders, files = self._storage.listdir(folder)
            except FileNotFoundError:
                continue
            start = f"{folder}/" if folder else ""
            folders += [start + name for name in subfolders]
            for name in files:
                with suppress(FileNotFoundError):  # Deleted since it was listed.
                    yield self._stat(start + name)

    def upload(self, path: str, *, offset: int, state: dict[str, Any]) -> "GenericWriter":
        return GenericWriter(
            self._spool.upload(path, offset=offset, state=state), self._spool.local_path(path), self._commit
        )

    def local_path(self, path: str) -> Path | None:
        return None

    def url(self, path: str, *, expires: timedelta, content_type: str = "", filename: str = "") -> str | None:
        return None

    def space(self) -> Space | None:
        return None

    def check(self) -> None:
        self._spool.check()
        self._storage.exists("blobs")


class GenericWriter(ClosedOnExit):
    """The upload in the spool, which a commit sends to the backend."""

    def __init__(self, spooled: FilesystemWriter, file: Path, save: "Callable[[str, File[bytes]], None]") -> None:
        self._spooled = spooled
        self._file = file
        self._save = save

    @property
    def size(self) -> int:
        return self._spooled.size

    def write(self, data: bytes | memoryview) -> None:
        self._spooled.write(data)

    def read(self) -> Generator[bytes, None, None]:
        return self._spooled.read()

    def state(self) -> dict[str, Any]:
        return self._spooled.state()

    def commit(self, path: str) -> None:
        self._spooled.sync()
        with self._file.open("rb") as file:
            self._save(path, File(file))
        self._spooled.cancel()

    def cancel(self) -> None:
        self._spooled.cancel()

    def close(self) -> None:
        self._spooled.close()
