"""The files in which the processes of one machine keep their metrics, so that any of them can tell of all."""

import os
import shutil
import tempfile
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
# The processes map their files, and one that writes to a mapped file of a full disk is killed: these are in memory.
_MEMORY = Path("/dev/shm")  # noqa: S108 - folders in it are made by mkdtemp.


def share_metrics(link: Path) -> None:
    """Makes the processes that are started from here keep their metrics together, in a new folder that `link` leads to."""
    forget_metrics(link)
    folder = tempfile.mkdtemp(prefix="portolan-", dir=_MEMORY if os.access(_MEMORY, os.W_OK) else link.parent)
    link.symlink_to(folder)
    os.environ[VARIABLE] = folder


def forget_metrics(link: Path) -> None:
    """Removes the folder that `link` leads to, if there is one, of this run or of one that was killed."""
    if link.is_symlink():
        shutil.rmtree(link.readlink(), ignore_errors=True)
        link.unlink()


def shared_metrics() -> Path | None:
    """Where the metrics of this machine are, None when each process keeps its own."""
    directory = os.environ.get(VARIABLE, "")
    return Path(directory) if directory else None


def forget_the_dead(directory: Path) -> None:
    """Removes what ended processes were in the middle of; what they had counted stays counted."""
    for path in directory.glob("gauge_live*_*.db"):
        pid = path.stem.rpartition("_")[2]
        if not _lives(int(pid)):
            path.unlink(missing_ok=True)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
