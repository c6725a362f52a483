"""Appends to a file, large amounts round the page cache.

Bytes of a pushed layer are synced to disk before the push is acknowledged, and on their way through the page cache they
are copied once more and displace what clients pull. Linux's O_DIRECT avoids both. It takes whole blocks from aligned
memory, so what does not fill a piece is held back, and goes the ordinary way when the file has to be complete.
"""

import errno
import mmap
import os
from pathlib import Path

BLOCK = 4096  # No disk asks for a coarser alignment.
PIECE = 2 * 1024 * 1024
LARGE = 512 * 1024  # An append of fewer bytes is not worth the buffer.


class Appender:
    """Appends at the end of an open file, of which it has its own second descriptor where that helps."""

    def __init__(self, descriptor: int, path: Path) -> None:
        self._descriptor = descriptor
        self._path = path
        self._direct = -1
        self._possible = hasattr(os, "O_DIRECT")
        self._buffer: mmap.mmap | None = None  # Anonymous memory begins on a page, which O_DIRECT wants.
        self._held = 0  # Bytes at the beginning of the buffer that are not in the file yet.

    def append(self, data: bytes | memoryview, offset: int) -> None:
        """Appends all of `data` at `offset`, the end so far. When it raises, what was before is still to be had."""
        if not self._held and (len(data) < LARGE or not self._open()):
            _write_all(self._descriptor, data, offset)
            return
        view = memoryview(data)
        if not self._held and offset % BLOCK:
            head = min(BLOCK - offset % BLOCK, len(view))
            _write_all(self._descriptor, view[:head], offset)
            view, offset = view[head:], offset + head
        self._hold(view, offset)

    def _hold(self, view: memoryview, offset: int) -> None:
        assert self._buffer is not None
        held = self._held
        while view:
            taken = min(len(view), PIECE - held)
            self._buffer[held : held + taken] = view[:taken]
            held, offset, view = held + taken, offset + taken, view[taken:]
            if held == PIECE:
                self._write_piece(offset - PIECE)
                held = self._held = 0  # What was held before is in the file now, whatever becomes of the rest.
        self._held = held

    def _write_piece(self, offset: int) -> None:
        assert self._buffer is not None
        try:
            written = os.pwrite(self._direct, self._buffer, offset) if self._possible else 0
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            self._possible, written = False, 0  # Some file systems notice only now that they cannot.
        if written < PIECE:
            _write_all(self._descriptor, memoryview(self._buffer)[written:], offset + written)

    def settle(self, end: int) -> None:
        """Writes what is held back, so that the file ends at `end`."""
        if self._held and self._buffer is not None:
            _write_all(self._descriptor, memoryview(self._buffer)[: self._held], end - self._held)
            self._held = 0

    def close(self) -> None:
        """Lets go of the file and the memory; what is held back is lost."""
        if self._direct >= 0:
            os.close(self._direct)
            self._direct = -1
        self._buffer, self._held = None, 0

    def _open(self) -> bool:
        if self._possible and self._direct < 0:
            try:
                self._direct = os.open(self._path, os.O_WRONLY | os.O_DIRECT | os.O_NOFOLLOW | os.O_CLOEXEC)
                self._buffer = mmap.mmap(-1, PIECE)
            except OSError:
                self._possible = False  # A file system without it, such as tmpfs.
        return self._possible


def _write_all(descriptor: int, data: bytes | memoryview, offset: int) -> None:
    written = os.pwrite(descriptor, data, offset)
    while written < len(data):  # Just before the disk is full; the next write then says so.
        written += os.pwrite(descriptor, memoryview(data)[written:], offset + written)
