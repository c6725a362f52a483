"""The verbs of the work queue: ask for a job, stop one, declare a schedule."""

import uuid
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from audit.journal import record
from audit.origin import SYSTEM, Origin
from jobs.bell import ring
from jobs.cron import next_after
from jobs.kinds import kind_named, kinds
from jobs.models import ACTIVE, Job, Schedule, State

PEOPLE = ("user", "robot")


@transaction.atomic
def enqueue(kind: str, *, origin: Origin = SYSTEM, run_at: datetime | None = None, key: str = "", **args: Any) -> Job:
    """Puts a job into the queue in the caller's transaction; workers hear of it when that commits.

    run_at: not before this time; at once when None.
    key: while a job of this kind and key is pending or running, that one is returned and nothing is added.
    args: keyword arguments for the kind's function, which JSON can carry.

    Jobs that people ask for are told to the journal. Raises `UnknownKind`, and `TypeError` for arguments that the
    function does not take.
    """
    known = kind_named(kind)
    known.check(args)
    values: dict[str, Any] = {
        "args": args,
        "exclusive": known.exclusive,
        "priority": known.priority,
        "max_attempts": known.attempts,
        "origin": asdict(origin),
        **({"run_at": run_at} if run_at else {}),
    }
    if key:
        job, created = Job.objects.get_or_create(kind=kind, key=key, state__in=ACTIVE, defaults=values)
    else:
        job, created = Job.objects.create(kind=kind, **values), True
    if created:
        if origin.kind in PEOPLE:
            record(origin, "job.enqueue", target=f"{kind}/{job.id}", after={"args": args, "key": key})
        if run_at is None:
            transaction.on_commit(ring)
    return job


@transaction.atomic
def stop(job_id: uuid.UUID | str, *, origin: Origin) -> Job:
    """Ends a job: a pending one now, a running one at its next checkpoint, a finished one stays as it is.

    Raises `Job.DoesNotExist`.
    """
    job = Job.objects.select_for_update().get(pk=job_id)
    if not job.active or job.stop_requested:
        return job
    before = job.state
    job.stop_requested = True
    if job.state == State.PENDING:
        job.state, job.finished_at = State.STOPPED, timezone.now()
    job.save(update_fields=["state", "stop_requested", "finished_at"])
    record(origin, "job.stop", target=f"{job.kind}/{job.id}", before={"state": before})
    return job


def schedule(
    name: str,
    kind: str,
    *,
    every: timedelta | None = None,
    cron: str = "",
    args: dict[str, Any] | None = None,
) -> Schedule:
    """Declares that a job recurs; a schedule of that name that exists already, perhaps changed since, is left alone.

    Exactly one of `every` and `cron` (see jobs.cron) says when; it first runs when that time has come once. While a job
    of the schedule is still active, the next one is skipped. Raises `UnknownKind`, `TypeError` and `ValueError`.
    """
    if bool(every) == bool(cron):
        raise ValueError(f"Schedule {name} needs an interval or a cron expression, and not both.")
    kind_named(kind).check(args or {})
    declared = Schedule(name=name, kind=kind, every=every, cron=cron, args=args or {})
    declared.next_run_at = following(declared)
    Schedule.objects.bulk_create([declared], ignore_conflicts=True)
    return Schedule.objects.get(name=name)


def following(schedule: Schedule) -> datetime:
    """The first time for it to run that is later than both now and its present `next_run_at`."""
    now = timezone.now()
    after = max(now, schedule.next_run_at or now)
    return after + schedule.every if schedule.every else next_after(schedule.cron, after)


def declare_schedules() -> None:
    """Creates the default schedules that kinds bring with them, where they do not exist yet."""
    for kind in kinds():
        if kind.every or kind.cron:
            schedule(kind.name, kind.name, every=kind.every, cron=kind.cron)
