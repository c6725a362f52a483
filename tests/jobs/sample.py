"""Kinds of work for these tests. They leave their traces in a file, which outlives whatever happens to the process.

Worker processes of the tests import this module too.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

from jobs.kinds import JobRun, job

behaviours: dict[str, Callable[[JobRun], None]] = {}


@job("test.do", lease=1, attempts=2)
def do(run: JobRun, *, what: str) -> None:
    """Does what the test in this process said."""
    behaviours[what](run)


@job("test.note")
def note(run: JobRun, *, file: str, text: str) -> None:
    """Adds a line."""
    _write(file, text)


@job("test.urgent", priority=5)
def urgent(run: JobRun, *, file: str, text: str) -> None:
    """Adds a line, before others do."""
    _write(file, text)


@job("test.hold", lease=2)
def hold(run: JobRun, *, file: str) -> None:
    """Begins, and ends once the test has released it, passing checkpoints all the while."""
    _write(file, f"begin {os.getpid()}")
    run.progress(1, 2, "holding")
    while not Path(file).with_suffix(".released").exists():
        run.checkpoint()
        time.sleep(0.01)
    _write(file, f"end {os.getpid()}")


@job("test.alone", exclusive=True)
def alone(run: JobRun, *, file: str) -> None:
    """Begins and ends in several steps; no other may begin in between."""
    _write(file, "begin")
    for _ in range(3):
        run.checkpoint()
        time.sleep(0.005)
    _write(file, "end")


def release(file: Path) -> None:
    """Lets `test.hold` end."""
    file.with_suffix(".released").touch()


def _write(file: str, line: str) -> None:
    with Path(file).open("a") as stream:
        stream.write(f"{line}\n")
