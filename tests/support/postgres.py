"""A private PostgreSQL server."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg

from tests.support.processes import Child, free_port, is_root, listening, program, stopped_after
from tests.support.scratch import scratch

# What makes a throw-away server quick. Nothing in it outlives the tests, so nothing needs to reach the disk.
UNSAFE = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


class Postgres:
    """A running server, reached as its superuser."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._names = (f"portolan_{number}" for number in count(1))

    def url(self, database: str) -> str:
        """What PORTOLAN_DATABASE_URL takes for `database`."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def create(self) -> str:
        """The URL of a new, empty database."""
        name = next(self._names)
        self.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def drop(self, url: str) -> None:
        """Removes a database, whoever is still connected to it."""
        self.execute(f'DROP DATABASE IF EXISTS "{url.rpartition("/")[2]}" WITH (FORCE)')

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def server(*, durable: bool = False) -> Iterator[Postgres]:
    """A server that is empty at the start and gone at the end; `durable` makes commits wait for the disk."""
    # PostgreSQL refuses to run as root.
    owner = "postgres" if is_root() else ""
    port = free_port()
    with scratch("postgres", owner=owner) as directory, stopped_after(_child(directory, port, owner, durable)) as child:
        child.start(lambda: _accepts(port))
        yield Postgres(port)


def _child(directory: Path, port: int, owner: str, durable: bool) -> Child:
    initdb = [program("initdb", "postgresql"), "-D", str(directory / "data"), "--no-sync", "-U", "postgres"]
    initdb += ["-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
    subprocess.run([*_as(owner), *initdb], check=True, stdout=subprocess.DEVNULL, cwd=directory)
    settings = {
        "port": str(port),
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "max_connections": "200",
    }
    flags = [f"--{key}={value}" for key, value in (settings if durable else settings | UNSAFE).items()]
    argv = [program("postgres", "postgresql"), "-D", str(directory / "data"), *flags]
    # SIGINT is its fast shutdown: clients are disconnected instead of waited for.
    return Child(argv, log=directory / "log", stop=signal.SIGINT, user=owner)


def _as(owner: str) -> list[str]:
    return [program("setpriv", "util-linux"), "--reuid", owner, "--regid", owner, "--init-groups"] if owner else []


def _accepts(port: int) -> bool:
    if not listening(port):
        return False
    try:
        psycopg.connect(f"postgresql://postgres@127.0.0.1:{port}/postgres").close()
    except psycopg.OperationalError:
        return False  # It listens before it is done with starting up.
    return True
