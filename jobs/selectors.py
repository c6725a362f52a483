"""What people see of the work queue: kinds of work and what waits, processes that work and what they do."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min, Q
from django.db.models.functions import Now
from django.utils import timezone

from jobs.kinds import kinds
from jobs.models import SCHEDULES, Job, Pause, State, WorkerPool

ALIVE = timedelta(seconds=45)  # For which a process counts as working after its last sign of life.
LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class QueueView:
    """The jobs of one kind that wait."""

    kind: str
    count: int
    latency: int  # Seconds for which the oldest of those that could begin has waited.
    paused: bool


@dataclass(frozen=True, slots=True)
class WorkerView:
    """Somebody who works in a pool, with the job that runs there; only the ids where none does."""

    id: str
    pool_id: str
    job_name: str | None = None
    job_id: str | None = None
    start_at: datetime | None = None
    check_in: str | None = None


def queues() -> list[QueueView]:
    """Every kind of work known here, by name, and any other that has jobs waiting. Two queries."""
    now = timezone.now()
    pending = Job.objects.filter(state=State.PENDING).order_by().values_list("kind")
    counted = pending.annotate(count=Count("pk"), oldest=Min("run_at", filter=Q(run_at__lte=now)))
    waiting = {kind: (count, oldest) for kind, count, oldest in counted}
    paused = set(Pause.objects.values_list("kind", flat=True))

    def view(kind: str) -> QueueView:
        count, oldest = waiting.get(kind, (0, None))
        return QueueView(kind, count, int((now - oldest).total_seconds()) if oldest else 0, kind in paused)

    return [view(kind) for kind in sorted({kind.name for kind in kinds()} | set(waiting))]


def schedules_paused() -> bool:
    """Whether all schedules are held back."""
    return Pause.objects.filter(kind=SCHEDULES).exists()


def pools() -> list[WorkerPool]:
    """The processes that work now, on all machines, the one that began first in front."""
    return list(WorkerPool.objects.filter(heartbeat_at__gt=Now() - ALIVE).order_by("start_at", "pk"))


def workers(pool_id: str | None = None) -> list[WorkerView] | None:
    """Those who work in one pool, or in all, as many as it runs jobs at a time; None if there is no such pool."""
    wanted = [pool for pool in pools() if pool_id in {None, pool.pk}]
    if pool_id is not None and not wanted:
        return None
    running: defaultdict[str, list[WorkerView]] = defaultdict(list)
    for job in Job.objects.filter(state=State.RUNNING).order_by("number"):
        running[job.pool_id].append(_worker(job))
    return [worker for pool in wanted for worker in (*running[pool.pk], *_idle(pool, len(running[pool.pk])))]


def log_text(job: Job) -> str:
    """What the job wrote, a line each with its time."""
    return "".join(log_line(at, text) for at, text in job.log.values_list("at", "text"))


def log_line(at: datetime, text: str) -> str:
    """One line of a log."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ} {text}\n"


def job_named(text: str) -> Job | None:
    """The job whose number somebody wrote."""
    if not (text.isascii() and text.isdecimal()) or len(text) > len(str(LARGEST)) or int(text) > LARGEST:
        return None
    return Job.objects.filter(pk=int(text)).first()


def _idle(pool: WorkerPool, busy: int) -> list[WorkerView]:
    return [WorkerView(f"{pool.pk}:idle-{number}", pool.pk) for number in range(busy + 1, pool.concurrency + 1)]


def _worker(job: Job) -> WorkerView:
    return WorkerView(
        id=job.owner,
        pool_id=job.pool_id,
        job_name=job.kind,
        job_id=str(job.number),
        start_at=job.started_at,
        check_in=job.progress_message,
    )
