"""Reads one file out of a tar archive that anybody may have made.

Nothing is unpacked, names are only compared, and however much an archive pretends to hold, little of it is read.
"""

import gzip
import io
import tarfile
import zlib
from collections.abc import Callable, Iterator
from typing import Any, cast

from portal.errors import Invalid

ARCHIVE_LIMIT = 64 * 1024 * 1024
"""Bytes of an archive, unpacked, in which a file is looked for."""
FILE_LIMIT = 4 * 1024 * 1024
"""Bytes of a file that is shown."""
_ENTRIES = 20_000
_GZIP = b"\x1f\x8b"


def file_in(pieces: Iterator[bytes], wanted: Callable[[str], bool]) -> bytes | None:
    """The first file whose name is wanted, None when there is none; the archive may be compressed with gzip.

    Raises Invalid when it is no such archive or too large.
    """
    try:
        return _search(pieces, wanted)
    except (tarfile.TarError, zlib.error, EOFError, gzip.BadGzipFile, ValueError, ArithmeticError, RecursionError):
        raise Invalid("The content of the artifact is no archive that can be read.") from None


def _search(pieces: Iterator[bytes], wanted: Callable[[str], bool]) -> bytes | None:
    packed = io.BufferedReader(cast("io.RawIOBase", _Pieces(pieces)))
    stream: Any = gzip.GzipFile(fileobj=packed) if packed.peek(2)[:2] == _GZIP else packed
    with tarfile.open(fileobj=cast("Any", _Bounded(stream)), mode="r|") as archive:
        for number, entry in enumerate(archive):
            if number > _ENTRIES:
                raise Invalid("The content of the artifact has too many files to be shown.")
            if entry.isreg() and wanted(entry.name):
                if entry.size > FILE_LIMIT:
                    raise Invalid(f"The file is larger than {FILE_LIMIT} bytes, too large to be shown.")
                content = archive.extractfile(entry)
                return content.read() if content else None
    return None


class _Pieces(io.RawIOBase):
    """Pieces of bytes as a file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = piece
        length = min(len(buffer), len(self._rest))
        buffer[:length], self._rest = self._rest[:length], self._rest[length:]
        return length


class _Bounded:
    """A file of which only so much can be read."""

    def __init__(self, stream: io.BufferedIOBase) -> None:
        self._stream = stream
        self._left = ARCHIVE_LIMIT

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise Invalid("The content of the artifact is too large to be shown.")
        return data
