"""The interface of storage drivers: ten verbs on paths, and a writer for uploads.

Every call blocks, so the data plane runs them in threads. Paths follow the grammar of `paths`; drivers may rely on it because
`checked.Checked` stands before each of them.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, Self

CHUNK = 1024 * 1024
"""Bytes that `read` yields at a time, at most."""


@dataclass(frozen=True, slots=True)
class Stat:
    """An object in the store: its size in bytes and when it was last written (UTC)."""

    path: str
    size: int
    modified: datetime


@dataclass(frozen=True, slots=True)
class Space:
    """Bytes the store has in all, and bytes it can still take."""

    total: int
    free: int


class UploadWriter(Protocol):
    """An upload open for appending. Leaving its context without `commit` keeps what was written, to be resumed."""

    @property
    def size(self) -> int:
        """Bytes the upload has, those written before it was resumed included."""

    def write(self, data: bytes | memoryview) -> None:
        """Append all of `data`; some of it may be held back until `state` or `commit`.

        After an error close the writer; the upload then resumes from its last checkpoint.
        """

    def read(self) -> Generator[bytes, None, None]:
        """All bytes of the upload so far, in order. Not cheap everywhere: for when a running digest was lost.

        On some stores it moves the bytes, so that checkpoints made before no longer lead to them.
        """

    def state(self) -> dict[str, Any]:
        """Make the bytes so far durable, and return the JSON that with `size` lets any instance resume from here."""

    def commit(self, path: str) -> None:
        """Make the bytes readable at `path`, durably, replacing what is there, and end the upload.

        Several uploads may be committed to one path at once; readers see one or the other, whole.
        May raise NotFound when the upload was deleted meanwhile.
        """

    def cancel(self) -> None:
        """Remove everything of the upload and end it."""

    def close(self) -> None:
        """Let go of the upload, keeping its bytes. Closing twice is harmless."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class ClosedOnExit:
    """A writer as a context that closes it; what each UploadWriter has in common."""

    __slots__ = ()

    def close(self) -> None:
        """See UploadWriter."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class StorageDriver(Protocol):
    """A store of named byte strings. Every verb may raise NoSpace or Unavailable besides what it tells."""

    @property
    def name(self) -> str:
        """What error messages call the driver."""

    def stat(self, path: str) -> Stat:
        """The object's size and age. Raises NotFound."""

    def read(self, path: str, start: int = 0, length: int | None = None) -> Generator[bytes, None, None]:
        """The object's bytes from `start`, `length` of them or as many as there are, in pieces of about 1 MiB.

        Raises NotFound at once, not at the first piece. Closing the generator frees the file or connection.
        """

    def put(self, path: str, data: bytes) -> None:
        """Store a small object, whole or not at all, replacing what is there; durable on return."""

    def delete(self, path: str) -> None:
        """Remove an object, or everything of an unfinished upload. Nothing there is no error."""

    def walk(self, prefix: str) -> Iterator[Stat]:
        """Every object and unfinished upload below the folder `prefix` ("" for all), in any order, in flat memory.

        Objects that come or go meanwhile may be left out; an unfinished upload may appear more than once.
        """

    def upload(self, path: str, *, offset: int, state: dict[str, Any]) -> UploadWriter:
        """Begin an upload (offset 0, state {}), or resume one from its last checkpoint; bytes beyond that are dropped.

        Raises UploadBusy when another live writer has it open, as far as the store can tell: one without locks notices
        only the writers of this process. There a second instance spoils nothing: the checkpoint that is kept decides
        which bytes count. Raises NotFound when bytes before `offset` are missing.
        """

    def local_path(self, path: str) -> Path | None:
        """The file that holds the object, whether it exists or not, for sending with sendfile; None without files."""

    def url(self, path: str, *, expires: timedelta, content_type: str = "", filename: str = "") -> str | None:
        """An address anyone may GET the object from until it expires; None where clients cannot reach the store."""

    def space(self) -> Space | None:
        """How much room there is; None where nobody can tell."""

    def check(self) -> None:
        """Probe cheaply whether the store works. Raises Unavailable."""
