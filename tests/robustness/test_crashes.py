"""kill -9 in the middle of hundreds of pushes: what was acknowledged is there, what is there is whole."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.robustness.clients import assert_sound, client
from tests.support.images import Manifest, image
from tests.support.portolan import Portolan
from tests.support.processes import Member, wait_until

CLIENTS = 8
KILLS = 6


class Traffic:
    """Clients that push image after image until told to stop, whatever happens to the server."""

    def __init__(self, instance: Portolan) -> None:
        self.acknowledged: dict[tuple[str, str], Manifest] = {}
        self.attempts = 0
        self._instance = instance
        self._stopped = threading.Event()

    def stop(self) -> None:
        self._stopped.set()

    def run(self, number: int) -> None:
        """One client: a repository of its own, and a tag in a common one that all of them move."""
        repository, sent = f"library/crash{number}", 0
        while not self._stopped.is_set():
            try:
                registry = client(self._instance, repository, "library/common")
                while not self._stopped.is_set():
                    sent += 1
                    content = image(f"{number}/{sent}", layers=2)
                    self.attempts += 1
                    registry.push(repository, content, f"t{sent}")
                    self.acknowledged[repository, f"t{sent}"] = content
                    registry.push("library/common", content, "latest")
            except requests.RequestException:
                wait_until(lambda: self._stopped.is_set() or self._instance.ready(), "the server is back")


def server_workers(instance: Portolan) -> list[Member]:
    """The processes that answer requests: granian's, less the first, which only looks after the others."""
    return [member for member in instance.processes if "granian" in _command(member)][1:]


def _command(member: Member) -> str:
    try:
        return Path(f"/proc/{member.pid}/cmdline").read_text()
    except OSError:
        return ""


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_pushes_survive_kill_9_at_random_points(database, start_portolan, request):
    options = {"workers": "2"}
    if database == "postgresql":
        options["database_url"] = request.getfixturevalue("postgres_database")
    instance = start_portolan(**options)
    traffic = Traffic(instance)
    with ThreadPoolExecutor(CLIENTS) as pool:
        running = [pool.submit(traffic.run, number) for number in range(CLIENTS)]
        try:
            for kill in range(KILLS):
                goal = traffic.attempts + random.randint(15, 45)
                wait_until(lambda goal=goal: traffic.attempts >= goal, "more pushes have begun")
                if kill % 3 == 2:
                    instance.kill_9()
                    instance.start()
                else:
                    wait_until(lambda: server_workers(instance), "a dead worker is replaced")
                    random.choice(server_workers(instance)).kill()
        finally:
            traffic.stop()
        for client_run in running:
            client_run.result()
    instance.kill_9()
    instance.start()
    assert len(traffic.acknowledged) > KILLS
    repositories = {repository for repository, _ in traffic.acknowledged}
    for repository in repositories:
        registry = client(instance, repository)
        for (where, tag), content in traffic.acknowledged.items():
            if where == repository:
                found = registry.pull(repository, tag)
                assert (found.data, [blob.data for blob in found.blobs]) == (
                    content.data,
                    [b.data for b in content.blobs],
                )
    assert_sound(instance, [*repositories, "library/common"])
