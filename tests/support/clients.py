"""Command-line registry clients of the containers family, each with storage and logins of its own."""

import os
from pathlib import Path

from tests.support.processes import program, run


class Client:
    """A client program with flags that go before every command: `podman("pull", …)` gives what it printed."""

    def __init__(self, name: str, directory: Path, *flags: str) -> None:
        self._argv = [program(name), *flags]
        # Podman's locks otherwise lie in shared memory, together with those of the machine's own containers.
        config = directory / "containers.conf"
        config.write_text('[engine]\nlock_type = "file"\n')
        self._env = os.environ | {
            "HOME": str(directory),
            "REGISTRY_AUTH_FILE": str(directory / "auth.json"),
            "CONTAINERS_CONF": str(config),
        }

    def __call__(self, *arguments: str, stdin: str | None = None) -> str:
        """Runs one command to its end. Raises CommandFailed with all it said."""
        return run([*self._argv, *arguments], env=self._env, stdin=stdin).strip()


def podman(directory: Path) -> Client:
    """Podman as it runs without systemd and without an overlay file system."""
    return Client("podman", directory, *_storage(directory), "--cgroup-manager=cgroupfs", "--events-backend=file")


def buildah(directory: Path) -> Client:
    return Client("buildah", directory, *_storage(directory))


def skopeo(directory: Path) -> Client:
    return Client("skopeo", directory)


def _storage(directory: Path) -> list[str]:
    return [f"--root={directory / 'root'}", f"--runroot={directory / 'run'}", "--storage-driver=vfs"]
