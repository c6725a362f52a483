"""A private docker engine that needs no bridge, no firewall and no storage driver of the kernel."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.processes import Child, CommandFailed, MissingPeer, is_root, program, run, stopped_after
from tests.support.scratch import scratch


class Engine:
    """A running engine and its command line."""

    def __init__(self, directory: Path) -> None:
        self._docker = program("docker", "docker.io")
        self._directory = directory
        self.socket = directory / "docker.sock"

    def __call__(self, *arguments: str, stdin: str | None = None) -> str:
        """Runs `docker …`; gives what it printed. Raises CalledProcessError with its words."""
        env = os.environ | {"DOCKER_HOST": f"unix://{self.socket}", "DOCKER_CONFIG": str(self._directory / "config")}
        return run([self._docker, *arguments], env=env, stdin=stdin)

    def ready(self) -> bool:
        try:
            return bool(self("version", "--format", "{{.Server.Version}}"))
        except CommandFailed:
            return False


@contextmanager
def engine() -> Iterator[Engine]:
    """An engine without images, in a directory of its own. Raises MissingPeer when not root."""
    if not is_root():
        raise MissingPeer("a docker engine starts only as root")
    binary = program("dockerd", "docker.io")
    with scratch("dockerd") as directory:
        (directory / "daemon.json").write_text("{}")
        places = {"data-root": "data", "exec-root": "exec", "pidfile": "pid", "config-file": "daemon.json"}
        flags = [f"--{name}={directory / place}" for name, place in places.items()]
        flags += ["--iptables=false", "--ip6tables=false", "--bridge=none", "--storage-driver=vfs"]
        docker = Engine(directory)
        with stopped_after(Child([binary, *flags, f"--host=unix://{docker.socket}"], log=directory / "log")) as child:
            child.start(lambda: docker.socket.exists() and docker.ready())
            yield docker
