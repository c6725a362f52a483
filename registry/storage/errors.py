"""What can go wrong in a store, as types; callers choose their answer by type and show users none of the text."""

import errno
from collections.abc import Callable


class StorageError(Exception):
    """A store could not do what it was asked. `driver` and `path` tell operators where."""

    def __init__(self, reason: str, *, driver: str = "", path: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.driver = driver
        self.path = path

    def __str__(self) -> str:
        return ": ".join(part for part in (self.driver, self.path, self.reason) if part)


class NotFound(StorageError):
    """There is no such object, or bytes that an upload had stored are gone."""


class NoSpace(StorageError):
    """The disk, quota or bucket is full."""


class Unavailable(StorageError):
    """The store cannot be reached or does not work; trying again later may help."""


class UploadBusy(StorageError):
    """Another writer has this upload open."""


class InvalidPath(StorageError):
    """The path is outside the grammar of store paths (see paths)."""


Classify = Callable[[Exception], type[StorageError] | None]
"""Names the storage error that an exception of a driver's libraries stands for; None for a programming error."""


def classify_os_error(error: Exception) -> type[StorageError] | None:
    """The classification of what the operating system raises."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return NotFound
    if isinstance(error, OSError):
        return NoSpace if error.errno in {errno.ENOSPC, errno.EDQUOT} else Unavailable
    return None
