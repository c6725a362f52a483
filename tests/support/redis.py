"""A private Redis server."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.processes import Child, free_port, listening, program, stopped_after
from tests.support.scratch import scratch


@contextmanager
def server() -> Iterator[str]:
    """The URL of an empty server that keeps nothing on disk."""
    port = free_port()
    argv = [program("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with scratch("redis") as directory:
        argv += ["--dir", str(directory)]
        with stopped_after(Child(argv, log=directory / "log")) as child:
            child.start(lambda: listening(port))
            yield f"redis://127.0.0.1:{port}/0"
