"""How long the lists and searches of the REST API take as a site grows: their first page and their page 1000."""

import re
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import requests

from tests.support import portolan, postgres
from tests.support.portolan import ADMIN, Portolan

SCALES = (0.01, 0.1, 1.0)
LATE = 1000  # The page that is far down a list.
SIZE = 10
TARGET = 100  # ms at the median
ROUNDS = 15

# Where a tenth of everything is (see portal.management.seeding).
_BUSY = "/projects/seed-1"
_LARGE = "/projects/seed-2/repositories/app-1"

LISTS = {
    "projects": "/projects",
    "projects by part of the name": "/projects?name=seed-1",
    "members of a project": f"{_BUSY}/members",
    "labels of a project": "/labels?scope=p&project_id={project}",
    "repositories of a project": f"{_BUSY}/repositories",
    "repositories by part of the name": f"{_BUSY}/repositories?q=name=~app-1",
    "repositories of all projects": "/repositories",
    "repositories with a blob": "/repositories?q=blob_digest=sha256:" + "0" * 64,
    "artifacts of a repository": f"{_LARGE}/artifacts?with_tag=true&with_label=true&with_accessory=true",
    "artifacts with some tag": f"{_LARGE}/artifacts?q=tags=*",
    "artifacts without a tag": f"{_LARGE}/artifacts?q=tags=nil",
    "artifacts of a project": f"{_BUSY}/artifacts",
    "tags of an artifact": f"{_LARGE}/artifacts/v20/tags",
    "users": "/users",
    "quotas, the fullest first": "/quotas?sort=-used.storage",
    "robots": "/robots",
    "audit log": "/auditlog-exts",
    "audit log of a user": "/auditlog-exts?q=username=seed-user-5",
    "audit log of an operation": "/auditlog-exts?q=operation=delete",
    "audit log of a resource": "/auditlog-exts?q=resource=seed-2/app-11:v11",
    "audit log by part of a resource": "/auditlog-exts?q=resource=~app-77",
    "audit log of a time": "/auditlog-exts?q=op_time=[2026-01-01~2026-12-31]",
    "audit log, first generation": "/audit-logs",
    "audit log of a project": f"{_BUSY}/auditlog-exts",
    "search": "/search?q=app-77",
    "statistics": "/statistics",
    "queues": "/jobservice/queues",
    "schedules": "/schedules",
    "garbage collections": "/system/gc",
}


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds at the median; None where there is no such page."""

    first: float
    late: float


class Site:
    """A seeded registry."""

    def __init__(self, instance: Portolan) -> None:
        self._session = requests.Session()
        self._session.auth = ADMIN
        self._session.trust_env = False
        self._root = f"{instance.url}/api/v2.0"
        self._project = self._get("/projects/seed-1").json()["project_id"]

    def measure(self, path: str, rounds: int = ROUNDS) -> Timing:
        """The first page, and page 1000 or the last one before it."""
        path = path.format(project=self._project)
        last = _last_page(self._get(_paged(path, 1)))
        return Timing(self._median(_paged(path, 1), rounds), self._median(_paged(path, min(last, LATE)), rounds))

    def hold_back(self, kind: str) -> None:
        """Keeps jobs of the kind from beginning."""
        self._session.put(f"{self._root}/jobservice/queues/{kind}", json={"action": "pause"}).raise_for_status()

    def _median(self, path: str, rounds: int) -> float:
        times = []
        for _ in range(rounds):
            began = time.perf_counter()
            self._get(path)
            times.append((time.perf_counter() - began) * 1000)
        return statistics.median(times)

    def _get(self, path: str) -> requests.Response:
        answer = self._session.get(self._root + path, timeout=60)
        if not answer.ok:
            raise RuntimeError(f"{path}: {answer.status_code} {answer.text[:200]}")
        return answer


def _paged(path: str, page: int) -> str:
    return f"{path}{'&' if '?' in path else '?'}page={page}&page_size={SIZE}"


def _last_page(answer: requests.Response) -> int:
    return max(1, -(-int(answer.headers.get("X-Total-Count", "1")) // SIZE))


@contextmanager
def seeded(scale: float) -> Iterator[Site]:
    """A server on a PostgreSQL with so much in it. Its journal is left unsealed, so that nothing else is going on."""
    with postgres.server() as database, portolan.server(database_url=database.create(), rate_limit="0") as instance:
        instance.stop()
        instance.manage("seed", "--scale", str(scale), timeout=3600)
        instance.start()
        site = Site(instance)
        site.hold_back("audit.seal")
        yield site


def table(scales: tuple[float, ...], only: str) -> None:
    """Prints the figures of every list at each scale."""
    figures: dict[str, list[Timing]] = {name: [] for name in LISTS if only in name}
    for scale in scales:
        sys.stderr.write(f"Seeding {scale:.0%} ...\n")
        with seeded(scale) as site:
            for name, found in figures.items():
                found.append(site.measure(LISTS[name]))
    print("\n### Lists on PostgreSQL: first page / page 1000, milliseconds at the median\n")
    print("| | " + " | ".join(f"{scale:.0%}" for scale in scales) + f" | < {TARGET} ms |")
    print("|---|" + "---:|" * len(scales) + "---|")
    for name, found in figures.items():
        cells = " | ".join(f"{timing.first:.0f} / {timing.late:.0f}" for timing in found)
        short = "" if max(found[-1].first, found[-1].late) < TARGET else "short"
        print(f"| {re.sub('_', ' ', name)} | {cells} | {short} |")
