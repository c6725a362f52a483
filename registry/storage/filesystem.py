"""The driver for a local disk or a shared mount: objects are files, uploads are files renamed into place."""

# ruff: noqa: ARG002, D102  The verbs and their arguments are documented in base.

import os
import stat as modes
import uuid
from collections.abc import Generator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from registry.storage.base import CHUNK, Space, Stat
from registry.storage.directory import StoreDirectory
from registry.storage.errors import NotFound, Unavailable
from registry.storage.filesystem_upload import FilesystemWriter
from registry.storage.paths import upload_path


class FilesystemDriver:
    """Objects below `root`, named by their paths. Several processes and, over NFS, machines may share it."""

    name = "filesystem"

    def __init__(self, root: Path) -> None:
        self._store = StoreDirectory(root)

    def stat(self, path: str) -> Stat:
        try:
            found = self._store.file(path).stat()
        except FileNotFoundError:
            raise self._missing() from None
        if not modes.S_ISREG(found.st_mode):
            raise NotFound("not an object")
        return Stat(path, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))

    def read(self, path: str, start: int = 0, length: int | None = None) -> Generator[bytes, None, None]:
        chunks = self._read(path, start, length)
        next(chunks)  # Opens the file, see there.
        return chunks

    def _read(self, path: str, start: int, length: int | None) -> Generator[bytes, None, None]:
        try:
            descriptor = os.open(self._store.file(path), os.O_RDONLY)
        except FileNotFoundError:
            raise self._missing() from None
        try:
            found = os.fstat(descriptor)
            if not modes.S_ISREG(found.st_mode):
                raise NotFound("not an object")
            end = found.st_size if length is None else min(found.st_size, start + length)
            yield b""  # Taken by `read`: errors come at once, and `finally` runs even if nothing is ever read.
            while start < end and (data := os.pread(descriptor, min(CHUNK, end - start), start)):
                yield data
                start += len(data)
        finally:
            os.close(descriptor)

    def put(self, path: str, data: bytes) -> None:
        # As an upload, so that what a crash leaves behind lies where abandoned uploads are looked for.
        with self.upload(upload_path(uuid.uuid4()), offset=0, state={}) as writer:
            try:
                writer.write(data)
                writer.commit(path)
            except BaseException:
                writer.cancel()
                raise

    def delete(self, path: str) -> None:
        try:
            self._store.file(path).unlink()
        except FileNotFoundError:
            self._store.require()

    def walk(self, prefix: str) -> Iterator[Stat]:
        self._store.require()  # An unmounted disk must not pass for an empty store.
        folders = [self._store.file(prefix)]
        while folders:
            try:
                entries = os.scandir(folders.pop())
            except FileNotFoundError:
                continue
            with entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(Path(entry.path))
                    elif found := self._listed(entry):
                        yield found

    def _listed(self, entry: os.DirEntry[str]) -> Stat | None:
        try:
            found = entry.stat()
        except FileNotFoundError:  # Deleted or renamed since it was listed.
            return None
        path = Path(entry.path).relative_to(self._store.root).as_posix()
        return Stat(path, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))

    def upload(self, path: str, *, offset: int, state: dict[str, Any]) -> FilesystemWriter:
        return FilesystemWriter(self._store, path, offset=offset, durable=state.get("durable"))

    def local_path(self, path: str) -> Path:
        return self._store.file(path)

    def url(self, path: str, *, expires: timedelta, content_type: str = "", filename: str = "") -> str | None:
        return None

    def space(self) -> Space | None:
        self._store.require()
        found = os.statvfs(self._store.root)
        return Space(total=found.f_blocks * found.f_frsize, free=found.f_bavail * found.f_frsize)

    def check(self) -> None:
        self._store.require()
        if os.statvfs(self._store.root).f_flag & os.ST_RDONLY or not os.access(self._store.root, os.W_OK):
            raise Unavailable(f"{self._store.root} cannot be written to")

    def _missing(self) -> NotFound:
        self._store.require()
        return NotFound("no such object")
