"""Real Portolan servers from this tree: `manage.py serve` with its own port, data and database."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

import requests

from tests.support.processes import Child, Member, free_port, run
from tests.support.registry import Registry
from tests.support.scratch import scratch

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "Harbour-Master-1"
ADMIN = ("admin", PASSWORD)


class Portolan:
    """One instance. `start` it; it keeps port and data from one start to the next.

    `directory` takes its data and its log; `options` are PORTOLAN_* variables without their prefix, in lower case.
    """

    def __init__(self, directory: Path, **options: str) -> None:
        self.directory = directory
        self.address = f"127.0.0.1:{free_port()}"
        self.url = f"http://{self.address}"
        defaults = {"listen": self.address, "data_dir": str(directory), "admin_password": PASSWORD, "workers": "1"}
        self.environment = _environment(defaults | options)
        self._manage = [sys.executable, str(ROOT / "manage.py")]
        self._session = requests.Session()
        self._session.trust_env = False
        self._child = Child([*self._manage, "serve"], log=directory / "serve.log")

    # --- life and death -----------------------------------------------------------------------------------------------
    def start(self) -> Self:
        """Starts all of it and waits until it answers. Raises RuntimeError with its last words."""
        self._child.start(self.ready, env=self.environment)
        return self

    def stop(self) -> int | None:
        """SIGTERM, as a service manager would; gives the exit status."""
        return self._child.stop()

    def kill_9(self) -> None:
        """SIGKILL to every process of the instance."""
        self._child.kill()

    def restart(self) -> None:
        """A clean stop and a start."""
        self.stop()
        self.start()

    def ready(self) -> bool:
        """Whether it answers its ping."""
        try:
            return requests.get(f"{self.url}/api/v2.0/ping", timeout=5).text == "Pong"
        except requests.RequestException:
            return False

    @property
    def alive(self) -> bool:
        return self._child.alive

    @property
    def processes(self) -> list[Member]:
        """The supervisor and all below it."""
        return self._child.family

    @property
    def log(self) -> str:
        """The end of what all its processes wrote."""
        return self._child.log_end(100_000)

    # --- use ----------------------------------------------------------------------------------------------------------
    def http(self, method: str, path: str, **options: Any) -> requests.Response:
        """One plain request without credentials; `options` as in requests. Never raises on a status."""
        return self._session.request(method, self.url + path, timeout=options.pop("timeout", 60), **options)

    def registry(self, credentials: tuple[str, str] | None = ADMIN) -> Registry:
        """A registry client: the administrator, someone else by (name, password), or None for anonymous."""
        return Registry(self.url, credentials)

    def token(self, *scopes: str, credentials: tuple[str, str] | None = ADMIN) -> str:
        """A bearer token for scopes such as `repository:library/hello:pull`."""
        return self.registry(credentials).token(*scopes)

    def manage(self, *arguments: str, stdin: str | None = None, timeout: float = 120) -> str:
        """Runs `manage.py …` on this instance's data; gives what it printed. Raises CommandFailed."""
        return run([*self._manage, *arguments], env=self.environment, stdin=stdin, timeout=timeout)


def _environment(options: Mapping[str, str]) -> dict[str, str]:
    """Our own environment less what would steer Portolan, plus `options`."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PORTOLAN_") and k != "DJANGO_SETTINGS_MODULE"}
    return kept | {f"PORTOLAN_{name.upper()}": value for name, value in options.items() if value}


@contextmanager
def server(**options: str) -> Iterator[Portolan]:
    """A started instance: SQLite and files unless `options` say otherwise (database_url, redis_url, workers, …)."""
    with scratch("server") as directory:
        instance = Portolan(directory, **options)
        try:
            yield instance.start()
        finally:
            instance.stop()


@contextmanager
def cluster(database_url: str, redis_url: str, count: int = 2, **options: str) -> Iterator[list[Portolan]]:
    """Several started instances of one registry: same database, Redis, store and secret; each with its own data directory."""
    with scratch("cluster") as directory, ExitStack() as stack:
        shared = {
            "database_url": database_url,
            "redis_url": redis_url,
            "secret_key": "one secret for all instances " * 2,
        }
        shared |= {"storage_url": f"file://{directory / 'store'}"}
        instances = []
        for number in range(count):
            (directory / str(number)).mkdir()
            instance = Portolan(directory / str(number), **(shared | options))
            stack.callback(instance.stop)
            instances.append(instance.start())
        yield instances
