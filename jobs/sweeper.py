"""What keeps the queue moving without anybody asking: schedules that are due, leases that ran out, old history.

Every worker process sweeps. Each step is one guarded change, so any number of them may do it at the same moment.
"""

import logging
from datetime import timedelta

from django.db import transaction
from django.db.models import Exists
from django.db.models.functions import Now

from jobs.kinds import kinds
from jobs.models import SCHEDULES, Job, Pause, Schedule, State, Trigger
from jobs.outcomes import failed
from jobs.services import enqueue, following

HISTORY = timedelta(days=30)  # How long finished jobs are kept.
BATCH = 500

logger = logging.getLogger(__name__)


def sweep() -> None:
    """Turns due schedules into jobs and returns the jobs of vanished workers to the queue."""
    fire_schedules()
    reclaim()


def fire_schedules() -> int:
    """Enqueues the job of every schedule that is due; how many this call fired."""
    known = [kind.name for kind in kinds()]
    paused = Pause.objects.filter(kind=SCHEDULES)
    due = Schedule.objects.filter(~Exists(paused), enabled=True, next_run_at__lte=Now(), kind__in=known)
    return sum(_fire(schedule) for schedule in due)


@transaction.atomic
def _fire(schedule: Schedule) -> bool:
    """Moves the schedule on and enqueues its job; False if another worker did, or an operator changed it just now."""
    unchanged = Schedule.objects.filter(pk=schedule.pk, enabled=True, next_run_at=schedule.next_run_at)
    if not unchanged.update(next_run_at=following(schedule)):
        return False
    try:
        job = enqueue(schedule.kind, key=f"schedule:{schedule.name}", trigger=Trigger.SCHEDULE, **schedule.args)
    except TypeError:
        logger.exception("Schedule %s does not fit its job; this run is left out", schedule.name)
        return False
    Schedule.objects.filter(pk=schedule.pk).update(last_job=job)
    return True


def reclaim() -> int:
    """Returns running jobs whose lease ran out to the queue, or ends those without attempts left; how many there were."""
    expired = Job.objects.filter(state=State.RUNNING, lease_expires_at__lt=Now())
    return sum(_take_back(job) for job in expired[:BATCH])


def _take_back(job: Job) -> bool:
    still_expired = Job.objects.filter(pk=job.pk, owner=job.owner, state=State.RUNNING, lease_expires_at__lt=Now())
    outcome = failed(job, "Its worker vanished without finishing it.", wait=0)
    taken = bool(still_expired.update(owner="", lease_expires_at=None, **outcome))
    if taken:
        logger.warning("%s was left by a worker that vanished, attempt %d of %d", job, job.attempts, job.max_attempts)
    return taken


def prune() -> int:
    """Deletes finished jobs older than `HISTORY`, logs included, a batch a transaction; how many went."""
    pruned = 0
    while batch := _prune_batch():
        pruned += batch
    return pruned


@transaction.atomic
def _prune_batch() -> int:
    old = Job.objects.filter(finished_at__lt=Now() - HISTORY).select_for_update(skip_locked=True)
    ids = list(old.values_list("pk", flat=True)[:BATCH])
    if ids:
        Job.objects.filter(pk__in=ids).delete()
    return len(ids)
