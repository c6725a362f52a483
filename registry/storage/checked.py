"""What every driver shares: paths are checked, and errors become the types of `errors`, naming driver and path."""

# ruff: noqa: D102  The verbs are documented in base.

from collections.abc import Generator, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

from registry.storage.base import ClosedOnExit, Space, Stat, StorageDriver, UploadWriter
from registry.storage.errors import Classify, StorageError
from registry.storage.paths import check_path, is_path


class _Naming:
    """A context that translates and names the errors raised in it. It may be entered many times."""

    __slots__ = ("classify", "driver", "path")

    def __init__(self, driver: str, path: str, classify: Classify) -> None:
        self.driver = driver
        self.path = path
        self.classify = classify

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, StorageError):
            error.driver = self.driver
            error.path = error.path or self.path
        elif isinstance(error, Exception) and (known := self.classify(error)):
            raise known(f"{type(error).__name__}: {error}", driver=self.driver, path=self.path) from error


class Checked:
    """A driver behind the shared checks; a StorageDriver itself. `classify` knows the errors of the driver's libraries."""

    def __init__(self, driver: StorageDriver, classify: Classify) -> None:
        self.driver = driver
        self.name = driver.name
        self._classify = classify

    def stat(self, path: str) -> Stat:
        with self._at(path):
            return self.driver.stat(path)

    def read(self, path: str, start: int = 0, length: int | None = None) -> Generator[bytes, None, None]:
        with self._at(path):
            chunks = self._read(path, start, length)
            next(chunks)
        return chunks

    def _read(self, path: str, start: int, length: int | None) -> Generator[bytes, None, None]:
        # The first, empty piece opens the object, so that NotFound comes at once and closing the generator always has
        # a `finally` to run.
        with self._at(path), closing(self.driver.read(path, start, length)) as chunks:
            yield b""
            yield from chunks

    def put(self, path: str, data: bytes) -> None:
        with self._at(path):
            self.driver.put(path, data)

    def delete(self, path: str) -> None:
        with self._at(path):
            self.driver.delete(path)

    def walk(self, prefix: str) -> Iterator[Stat]:
        with self._at(prefix) if prefix else self._anywhere():
            for found in self.driver.walk(prefix):
                if is_path(found.path):  # Files that others put into the store are none of ours.
                    yield found

    def upload(self, path: str, *, offset: int, state: dict[str, Any]) -> UploadWriter:
        naming = self._at(path)
        with naming:
            return _CheckedWriter(self.driver.upload(path, offset=offset, state=state), naming)

    def local_path(self, path: str) -> Path | None:
        with self._at(path):
            return self.driver.local_path(path)

    def url(self, path: str, *, expires: timedelta, content_type: str = "", filename: str = "") -> str | None:
        with self._at(path):
            return self.driver.url(path, expires=expires, content_type=content_type, filename=filename)

    def space(self) -> Space | None:
        with self._anywhere():
            return self.driver.space()

    def check(self) -> None:
        with self._anywhere():
            self.driver.check()

    def _at(self, path: str) -> _Naming:
        return _Naming(self.name, check_path(path), self._classify)

    def _anywhere(self) -> _Naming:
        return _Naming(self.name, "", self._classify)


class _CheckedWriter(ClosedOnExit):
    """An UploadWriter whose errors are translated and named like its driver's."""

    __slots__ = ("_naming", "_writer")

    def __init__(self, writer: UploadWriter, naming: _Naming) -> None:
        self._writer = writer
        self._naming = naming

    @property
    def size(self) -> int:
        return self._writer.size

    def write(self, data: bytes | memoryview) -> None:
        with self._naming:
            self._writer.write(data)

    def read(self) -> Generator[bytes, None, None]:
        with self._naming:
            yield from self._writer.read()

    def state(self) -> dict[str, Any]:
        with self._naming:
            return self._writer.state()

    def commit(self, path: str) -> None:
        check_path(path)
        with self._naming:
            self._writer.commit(path)

    def cancel(self) -> None:
        with self._naming:
            self._writer.cancel()

    def close(self) -> None:
        with self._naming:
            self._writer.close()
