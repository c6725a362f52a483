"""Reads one file out of a tar archive that anybody may have made.

Nothing is unpacked, names are only compared, and however much an archive pretends to hold, little of it is read.
`tarfile` parses single headers here and walks no archive: its patterns for extended headers take time that grows with
the square of their length.
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
_NAMES_LIMIT = 1024 * 1024  # Bytes of all headers that name the entry after them.
_SKIPPED_AT_ONCE = 64 * 1024
_LONGEST_NUMBER = 8  # Digits of the length of a record.
_GZIP = b"\x1f\x8b"


def file_in(pieces: Iterator[bytes], wanted: Callable[[str], bool]) -> bytes | None:
    """The first file whose name is wanted, None when there is none; the archive may be compressed with gzip.

    Raises Invalid when it is no such archive or too large.
    """
    try:
        return _search(pieces, wanted)
    except (tarfile.TarError, zlib.error, EOFError, gzip.BadGzipFile, ValueError):
        raise Invalid("The content of the artifact is no archive that can be read.") from None


def _search(pieces: Iterator[bytes], wanted: Callable[[str], bool]) -> bytes | None:
    packed = io.BufferedReader(cast("io.RawIOBase", _Pieces(pieces)))
    stream = _Bounded(gzip.GzipFile(fileobj=packed) if packed.peek(2)[:2] == _GZIP else packed)
    for name, size in _files(stream):
        if wanted(name):
            if size > FILE_LIMIT:
                raise Invalid(f"The file is larger than {FILE_LIMIT} bytes, too large to be shown.")
            return stream.read(size)
    return None


def _files(stream: "_Bounded") -> Iterator[tuple[str, int]]:
    """Name and size of each file. At that moment the stream stands at its content."""
    told, names_left = "", _NAMES_LIMIT
    for _ in range(_ENTRIES):
        block = stream.read(tarfile.BLOCKSIZE)
        if not any(block):
            return
        header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        if header.size < 0 or header.type == tarfile.GNUTYPE_SPARSE:
            raise tarfile.HeaderError
        end = stream.at + header.size + -header.size % tarfile.BLOCKSIZE
        if header.type in _NAMING:
            names_left -= header.size
            if names_left < 0:
                raise Invalid("The content of the artifact has names that are too long to be shown.")
            told = _NAMING[header.type](stream.read(header.size)) or told
        elif header.type not in _NOTING:
            if header.isreg():
                yield told or header.name, header.size
            told = ""
        stream.skip_to(end)
    raise Invalid("The content of the artifact has too many files to be shown.")


def _long_name(content: bytes) -> str:
    return content.partition(b"\0")[0].decode(errors="replace")


def _path(records: bytes) -> str:
    """The path among the records of an extended header, empty if there is none. Raises ValueError."""
    at, path = 0, b""
    while at < len(records):
        space = records.index(b" ", at, at + _LONGEST_NUMBER)
        length = int(records[at:space])
        if length <= space - at:
            raise ValueError
        keyword, _, value = records[space + 1 : at + length - 1].partition(b"=")
        if keyword == b"path":
            path = value
        at += length
    return path.decode(errors="replace")


# Headers that name the entry after them, and others that say something of entries to come.
_NAMING: dict[bytes, Callable[[bytes], str]] = {tarfile.GNUTYPE_LONGNAME: _long_name, tarfile.XHDTYPE: _path}
_NOTING = {tarfile.GNUTYPE_LONGLINK, tarfile.XGLTYPE}


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
    """A file of which only so much can be read. `at` says how much was."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.at = 0

    def read(self, size: int) -> bytes:
        data: bytes = self._stream.read(size)
        self.at += len(data)
        if self.at > ARCHIVE_LIMIT:
            raise Invalid("The content of the artifact is too large to be shown.")
        return data

    def skip_to(self, end: int) -> None:
        while self.at < end:
            if not self.read(min(end - self.at, _SKIPPED_AT_ONCE)):
                raise EOFError
