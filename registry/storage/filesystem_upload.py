"""An upload in a file: appended under a kernel lock, checkpointed with fsync, committed by a rename."""

# ruff: noqa: D102  The verbs are documented in base.

import fcntl
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

from registry.storage.appending import Appender
from registry.storage.base import CHUNK, ClosedOnExit
from registry.storage.directory import StoreDirectory, sync_directory
from registry.storage.errors import NotFound, UploadBusy


class FilesystemWriter(ClosedOnExit):
    """The UploadWriter of files. Its state tells how many bytes are known to be on disk, so that none is synced twice."""

    def __init__(self, store: StoreDirectory, path: str, *, offset: int, durable: int | None) -> None:
        self._store = store
        self._file = store.file(path)
        self._descriptor = self._open_locked(create=offset == 0)
        self._appender = Appender(self._descriptor, self._file)
        self.size = offset
        stored = os.fstat(self._descriptor).st_size
        self._dirty = durable != offset or stored != offset
        self._rewound = stored == offset
        if stored < offset:
            self.close()
            raise NotFound(f"of {offset} bytes {stored} are left")

    def _rewind(self) -> None:
        """Drop what was written after the checkpoint. Only now: who opens an upload may yet find its checkpoint outdated."""
        if not self._rewound:
            os.ftruncate(self._descriptor, self.size)
            self._rewound = True

    def _open_locked(self, *, create: bool) -> int:
        """Open the upload's file and lock it; the kernel lets go when the file is closed or the process dies."""
        while True:
            descriptor = self._open(os.O_RDWR | (os.O_CREAT if create else 0))
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # The writer before may have renamed or removed the file between open and lock. What is locked now would
                # then be a finished blob, and must not be written to.
                if self._is_current(descriptor):
                    return descriptor
            except BlockingIOError:
                os.close(descriptor)
                raise UploadBusy("another writer has this upload open") from None
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)

    def _open(self, flags: int) -> int:
        try:
            return os.open(self._file, flags | os.O_NOFOLLOW, 0o666)
        except FileNotFoundError:
            self._store.require()
            if not flags & os.O_CREAT:
                raise NotFound("no such upload") from None
        self._store.make_folder(self._file.parent)
        return os.open(self._file, flags | os.O_NOFOLLOW, 0o666)

    def _is_current(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), self._file.stat())
        except FileNotFoundError:
            return False

    def write(self, data: bytes | memoryview) -> None:
        self._rewind()
        self._dirty = True
        self._appender.append(data, self.size)
        self.size += len(data)

    def read(self) -> Generator[bytes, None, None]:
        self._appender.settle(self.size)
        for start in range(0, self.size, CHUNK):
            yield os.pread(self._descriptor, min(CHUNK, self.size - start), start)

    def state(self) -> dict[str, Any]:
        self.sync()
        return {"durable": self.size}

    def sync(self) -> None:
        """Make the file what was written and no more, on disk too."""
        self._rewind()
        if self._dirty:
            self._appender.settle(self.size)
            os.fsync(self._descriptor)
            self._dirty = False

    def commit(self, path: str) -> None:
        self.sync()
        os.utime(self._descriptor)  # Garbage collection judges by the time the blob came, not its last byte.
        target = self._store.file(path)
        if not self._is_current(self._descriptor):
            self._store.require()
            raise NotFound("the upload was deleted")
        self._rename(target)
        sync_directory(target.parent)
        self.close()

    def _rename(self, target: Path) -> None:
        try:
            self._file.rename(target)
        except FileNotFoundError:
            self._store.make_folder(target.parent)
            self._file.rename(target)

    def cancel(self) -> None:
        if self._descriptor >= 0 and self._is_current(self._descriptor):
            self._file.unlink()
        self.close()

    def close(self) -> None:
        self._appender.close()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
