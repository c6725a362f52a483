"""A store's directory on disk: knowing an unmounted disk from an empty store, and making folders that survive a crash."""

import os
from pathlib import Path

from registry.storage.errors import Unavailable

MARKER = ".portolan-store"
_OF_THE_FILESYSTEM = {"lost+found"}


class StoreDirectory:
    """The root folder of a store, told by a marker file that is written when the store is first used.

    A mount point whose disk is gone is a folder without the marker. Treating it as an empty store would answer that
    every blob is lost, and would fill the wrong disk; so it is Unavailable instead.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._seen = False

    def file(self, path: str) -> Path:
        """The file of a store path, whether it exists or not."""
        if not self._seen:
            self.require()
        return self.root / path

    def require(self) -> None:
        """Raise Unavailable unless the store is here; first use of an empty folder makes it a store.

        To be called whenever something is missing, before believing that it does not exist.
        """
        seen = self._seen  # Read before looking: another thread may establish the store in between.
        if not (self.root / MARKER).exists():
            if seen:
                raise Unavailable(f"{self.root} is no longer the store it was: is its disk mounted?")
            self._establish()
        self._seen = True

    def _establish(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        entries = {entry.name for entry in self.root.iterdir()} - _OF_THE_FILESYSTEM
        if entries and not (self.root / MARKER).exists():  # Another process may have established the store just now.
            raise Unavailable(
                f"{self.root} holds files but is not a store. Choose an empty directory, "
                f"or, if it is a store that lost its marker, create an empty file {MARKER} in it."
            )
        (self.root / MARKER).touch()
        sync_directory(self.root)

    def make_folder(self, folder: Path) -> None:
        """Create a folder of the store with its parents, durably, when the store is here."""
        self.require()
        missing = []
        while folder != self.root and not folder.is_dir():
            missing.append(folder)
            folder = folder.parent
        for each in reversed(missing):
            each.mkdir(exist_ok=True)
            sync_directory(each.parent)


def sync_directory(directory: Path) -> None:
    """Make the names in a directory survive a power failure."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
