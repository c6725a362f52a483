"""What the system holds and how it fares, read from the database when somebody scrapes: a fixed number of queries.

What the queries cost grows with the number of artifacts, so their answers are kept for a while, the longer the more
they cost. Where the database does not answer, the last that it said is repeated.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.db.models import Count, Min, Q, Sum
from django.utils import timezone
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from audit.consumers import lag
from audit.models import Consumer, SpoolSegment
from jobs.models import Job, Schedule, State, WorkerPool
from portal import health
from portal.configuration.services import value
from portal.harbor import VERSION, vendor_of
from portal.projects.models import Member, Project
from registry import selectors
from registry.models import Manifest, Repository

log = logging.getLogger(__name__)

_CONTENT_SECONDS = 60  # For which the figures of the projects are kept at least,
_STATE_SECONDS = 5  # and those of the queues and the journal.
_SHARE = 20  # Computing them takes at most a twentieth of the time.

Gauges = list[Metric]


class Kept:
    """An answer that is computed by one thread at a time, and kept."""

    def __init__(self, compute: Callable[[], Gauges], seconds: float) -> None:
        self._compute, self._seconds = compute, seconds
        self._gauges: Gauges = []
        self._until = 0.0
        self._lock = threading.Lock()

    def get(self) -> Gauges:
        """The gauges, newly computed or kept; while another thread computes them, those from before."""
        if not self._lock.acquire(blocking=not self._gauges):
            return self._gauges
        try:
            began = time.monotonic()
            if began >= self._until:
                self._gauges = self._compute()
                now = time.monotonic()
                self._until = now + max(self._seconds, _SHARE * (now - began))
        except (DatabaseError, InterfaceError) as error:
            log.warning("The metrics are old, because the database does not answer: %s", error)
        finally:
            self._lock.release()
        return self._gauges


class Inventory(Collector):
    """Everything that is not counted but looked up."""

    def __init__(self) -> None:
        self._content = Kept(content, _CONTENT_SECONDS)
        self._state = Kept(state, _STATE_SECONDS)
        self._system = Kept(system, _STATE_SECONDS)

    def describe(self) -> Gauges:
        """Nothing: registering must not ask the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """All gauges."""
        yield from components()
        yield from self._system.get()
        yield from self._content.get()
        yield from self._state.get()


def components() -> Gauges:
    """Which parts of the system work; the probes are kept by `portal.health` itself."""
    report = health.report()
    up = _gauge("harbor_up", "Whether a component works.", "component")
    for component in report["components"]:
        up.add_metric([component["name"]], component["status"] == "healthy")
    return [_single("harbor_health", "Whether every component works.", report["status"] == "healthy"), up]


def system() -> Gauges:
    """What clients of the REST API are told of the system. One query at most."""
    info = _gauge("harbor_system_info", "How the system is set up.", "auth_mode", "harbor_version", "self_registration")
    info.add_metric([str(value("auth_mode")), VERSION, _truth(bool(value("self_registration")))], 1)
    return [info]


def content() -> Gauges:
    """Projects with what is in them. Five queries, and one for each 500 projects."""
    projects = {project.pk: project for project in Project.objects.all()}
    living = Repository.objects.filter(deleted_at=None)
    counted = living.order_by().values_list("namespace").annotate(Count("pk"), Sum("pull_count"))
    repositories = {pk: (number, pulls) for pk, number, pulls in counted}
    people = Member.objects.filter(user__isnull=False)
    members = dict(people.order_by().values_list("project").annotate(Count("pk")))
    artifacts = Manifest.objects.filter(repository__deleted_at=None).order_by()
    kinds = artifacts.values_list("repository__namespace", "kind").annotate(Count("pk"))
    usages = selectors.usages(list(projects))

    quota = _gauge("harbor_project_quota_byte", "Bytes that a project may take; -1: any number.", "project_name")
    usage = _gauge("harbor_project_quota_usage_byte", "Bytes that a project takes.", "project_name")
    member = _gauge("harbor_project_member_total", "Users with a role in a project.", "project_name")
    pulled = _gauge("harbor_artifact_pulled", "Pulls from a project.", "project_name")
    repository = _gauge("harbor_project_repo_total", "Repositories of a project.", "project_name", "public")
    artifact = _gauge(
        "harbor_project_artifact_total", "Artifacts of a project.", "project_name", "public", "artifact_type"
    )
    for pk, project in projects.items():
        name, (number, pulls) = project.name, repositories.get(pk, (0, 0))
        quota.add_metric([name], project.storage_limit)
        usage.add_metric([name], usages.get(pk, 0))
        member.add_metric([name], members.get(pk, 0))
        pulled.add_metric([name], pulls)
        repository.add_metric([name, _truth(project.public)], number)
    for pk, kind, number in kinds:
        if pk in projects:
            artifact.add_metric([projects[pk].name, _truth(projects[pk].public), kind], number)
    public = {pk for pk, project in projects.items() if project.public}
    return [quota, usage, member, pulled, repository, artifact, *_statistics(set(projects), public, repositories)]


def _statistics(projects: set[int], public: set[int], repositories: dict[int, tuple[int, int]]) -> Gauges:
    def inside(chosen: set[int]) -> int:
        return sum(number for pk, (number, _) in repositories.items() if pk in chosen)

    total = _gauge("harbor_project_total", "Projects.", "public")
    total.add_metric(["true"], len(public))
    total.add_metric(["false"], len(projects - public))
    gauges: Gauges = [total]
    for word, chosen in (("total", projects), ("public", public), ("private", projects - public)):
        gauges.append(_single(f"harbor_statistics_{word}_project_amount", f"Projects, {word}.", len(chosen)))
        gauges.append(_single(f"harbor_statistics_{word}_repo_amount", f"Repositories, {word}.", inside(chosen)))
    stored = selectors.stored_bytes()
    gauges.append(_single("harbor_statistics_total_storage_consumption", "Bytes of all blobs, each once.", stored))
    return gauges


def state() -> Gauges:
    """The queues and the journal's readers. Six queries, and two for each reader of the journal."""
    return [*_queues(), *_journal()]


def _queues() -> Gauges:
    now = timezone.now()
    size = _gauge("harbor_task_queue_size", "Jobs that could begin.", "type")
    latency = _gauge("harbor_task_queue_latency", "Seconds that the oldest of them has waited.", "type")
    pending = Job.objects.filter(state=State.PENDING, run_at__lte=now).order_by().values_list("kind")
    for kind, number, oldest in pending.annotate(Count("pk"), Min("run_at")):
        size.add_metric([vendor_of(kind)], number)
        latency.add_metric([vendor_of(kind)], max(0, (now - oldest).total_seconds()))
    running = _gauge("harbor_task_concurrency", "Jobs that run now, by the worker that runs them.", "type", "pool")
    owned: dict[tuple[str, str], int] = {}
    for kind, owner in Job.objects.filter(state=State.RUNNING).values_list("kind", "owner"):
        pool = owner.rpartition(":")[0]
        labels = vendor_of(kind), pool
        owned[labels] = owned.get(labels, 0) + 1
    for labels, number in owned.items():
        running.add_metric(labels, number)
    waiting = Q(state=State.PENDING, run_at__gt=now)
    later = Schedule.objects.filter(enabled=True).count() + Job.objects.filter(waiting).count()
    scheduled = _single("harbor_task_scheduled_total", "Schedules, and jobs that wait for their time.", later)
    workers = _gauge(
        "harbor_jobservice_info", "Workers, with how many jobs each runs at a time.", "node", "pool", "workers"
    )
    for pk, host, concurrency in WorkerPool.objects.values_list("pk", "host", "concurrency"):
        workers.add_metric([host, pk, str(concurrency)], 1)
    return [size, latency, running, scheduled, workers]


def _journal() -> Gauges:
    entries = _gauge("portolan_journal_lag_entries", "Entries that a reader has still to read.", "consumer")
    seconds = _gauge("portolan_journal_lag_seconds", "Age of the oldest of them.", "consumer")
    for name in Consumer.objects.order_by("name").values_list("name", flat=True):
        behind = lag(name)
        entries.add_metric([name], behind.entries)
        seconds.add_metric([name], (timezone.now() - behind.since).total_seconds() if behind.since else 0)
    sizes = {path.name: path.stat().st_size for path in settings.SPOOL_DIR.glob("*.jsonl")}
    taken = SpoolSegment.objects.filter(name__in=sizes).aggregate(sum=Sum("offset"))["sum"] or 0
    spool = _single(
        "portolan_spool_bytes", "Pulls on this machine not yet in the journal.", sum(sizes.values()) - taken
    )
    return [entries, seconds, spool]


def _gauge(name: str, meaning: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, meaning, labels=labels)


def _single(name: str, meaning: str, number: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, meaning, value=number)


def _truth(true: bool) -> str:
    return "true" if true else "false"
