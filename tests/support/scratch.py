"""Short-lived directories for servers."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def scratch(name: str, *, owner: str = "") -> Iterator[Path]:
    """An empty directory with a path short enough for Unix sockets, given to `owner`, removed afterwards."""
    directory = Path(tempfile.mkdtemp(prefix=f"portolan-{name}-"))
    if owner:
        shutil.chown(directory, owner, owner)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
