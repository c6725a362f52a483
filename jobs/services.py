"""The verbs of the work queue: ask for a job, stop one, hold a queue back, set a schedule."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from audit.journal import record
from audit.origin import SYSTEM, Origin
from jobs.bell import ring
from jobs.cron import next_after
from jobs.kinds import kind_named, kinds
from jobs.models import ACTIVE, SCHEDULES, Job, Pause, Schedule, State, Trigger

PEOPLE = ("user", "robot")
# What `schedule_set` sets.
SET = ("kind", "every", "cron", "label", "args", "enabled", "chosen", "next_run_at", "updated_at")


@transaction.atomic
def enqueue(
    kind: str,
    *,
    origin: Origin = SYSTEM,
    run_at: datetime | None = None,
    key: str = "",
    trigger: str = Trigger.MANUAL,
    **args: Any,
) -> Job:
    """Puts a job into the queue in the caller's transaction; workers hear of it when that commits.

    run_at: not before this time; at once when None.
    key: while a job of this kind and key is pending or running, that one is returned and nothing is added.
    trigger: what made it be asked for.
    args: keyword arguments for the kind's function, which JSON can carry.

    Jobs that people ask for by hand are told to the journal. Raises `UnknownKind`, and `TypeError` for arguments that the
    function does not take.
    """
    values = _values(kind, args, origin, trigger) | ({"run_at": run_at} if run_at else {})
    if key:
        job, created = Job.objects.get_or_create(kind=kind, key=key, state__in=ACTIVE, defaults=values)
    else:
        job, created = Job.objects.create(kind=kind, **values), True
    if created:
        if origin.kind in PEOPLE and trigger == Trigger.MANUAL:
            record(origin, "job.enqueue", target=f"{kind}/{job.number}", after={"args": args, "key": key})
        if run_at is None:
            transaction.on_commit(ring)
    return job


@transaction.atomic
def enqueue_many(kind: str, number: int, *, trigger: str) -> list[Job]:
    """Puts so many jobs of the kind, which takes no arguments, into the queue, in far fewer statements than jobs."""
    values = _values(kind, {}, SYSTEM, trigger)
    jobs = Job.objects.bulk_create(Job(kind=kind, **values) for _ in range(number))
    transaction.on_commit(ring)
    return jobs


def _values(kind: str, args: dict[str, Any], origin: Origin, trigger: str) -> dict[str, Any]:
    """The fields of a new job. Raises `UnknownKind` and `TypeError`."""
    known = kind_named(kind)
    known.check(args)
    return {
        "args": args,
        "exclusive": known.exclusive,
        "priority": known.priority,
        "max_attempts": known.attempts,
        "origin": asdict(origin),
        "trigger": trigger,
    }


@transaction.atomic
def stop(number: int, *, origin: Origin) -> Job:
    """Ends a job: a pending one now, a running one at its next checkpoint, a finished one stays as it is.

    Raises `Job.DoesNotExist`.
    """
    job = Job.objects.select_for_update().get(pk=number)
    if not job.active or job.stop_requested:
        return job
    before = job.state
    job.stop_requested = True
    if job.state == State.PENDING:
        job.state, job.finished_at = State.STOPPED, timezone.now()
    job.save(update_fields=["state", "stop_requested", "finished_at"])
    record(origin, "job.stop", target=f"{job.kind}/{job.number}", before={"state": before})
    return job


@transaction.atomic
def queue_pause(*, kind: str, origin: Origin) -> None:
    """Holds back the jobs of a kind that wait, and those still to come. Raises `UnknownKind`."""
    _pause(kind_named(kind).name, "queue.pause", origin)


@transaction.atomic
def queue_resume(*, kind: str, origin: Origin) -> None:
    """Lets the jobs of a kind go on. Raises `UnknownKind`."""
    _resume(kind_named(kind).name, "queue.resume", origin)


@transaction.atomic
def schedules_pause(*, origin: Origin) -> None:
    """Holds back every schedule; what they would have begun meanwhile is left out."""
    _pause(SCHEDULES, "schedules.pause", origin)


@transaction.atomic
def schedules_resume(*, origin: Origin) -> None:
    """Lets schedules go on: each that came due meanwhile begins one job."""
    _resume(SCHEDULES, "schedules.resume", origin)


def _pause(kind: str, action: str, origin: Origin) -> None:
    if Pause.objects.get_or_create(kind=kind)[1]:
        record(origin, action, target=kind)


def _resume(kind: str, action: str, origin: Origin) -> None:
    if Pause.objects.filter(kind=kind).delete()[0]:
        record(origin, action, target=kind)
        transaction.on_commit(ring)


@transaction.atomic
def queue_stop(*, kind: str, origin: Origin) -> int:
    """Ends the jobs of a kind that wait, and leaves alone those that run. How many there were. Raises `UnknownKind`."""
    waiting = Job.objects.filter(kind=kind_named(kind).name, state=State.PENDING)
    pending = waiting.update(state=State.STOPPED, stop_requested=True, finished_at=Now())
    if pending:
        record(origin, "queue.stop", target=kind, before={"pending": pending})
    return pending


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
    declared = Schedule(name=name, kind=kind, every=every, cron=cron, args=args or {})
    _plan(declared)
    Schedule.objects.bulk_create([declared], ignore_conflicts=True)
    return Schedule.objects.get(name=name)


@transaction.atomic
def schedule_set(
    name: str,
    kind: str,
    *,
    origin: Origin,
    every: timedelta | None = None,
    cron: str = "",
    label: str = "",
    args: dict[str, Any] | None = None,
    enabled: bool = True,
) -> Schedule:
    """Makes the schedule of that name, or replaces what it says. One that is not enabled may leave out when it runs.

    label: what people call how often it runs.

    Raises `UnknownKind`, `TypeError` and `ValueError`.
    """
    wanted = Schedule(name=name, kind=kind, every=every, cron=cron, label=label, args=args or {}, enabled=enabled)
    wanted.chosen = True
    wanted.next_run_at = wanted.updated_at = timezone.now()
    _plan(wanted)
    values = {field: getattr(wanted, field) for field in SET}
    row, created = Schedule.objects.select_for_update().get_or_create(name=name, defaults=values)
    before = None if created else _told(row)
    Schedule.objects.filter(pk=row.pk).update(**values)
    row.refresh_from_db()
    record(origin, "schedule.set", target=name, before=before, after=_told(row))
    return row


@transaction.atomic
def schedule_delete(name: str, *, origin: Origin) -> bool:
    """Removes a schedule; False if there is none. One that its kind brings along would return: disable that instead."""
    row = Schedule.objects.select_for_update().filter(name=name).first()
    if row is None:
        return False
    record(origin, "schedule.delete", target=name, before=_told(row))
    row.delete()
    return True


def following(schedule: Schedule) -> datetime:
    """The first time for it to run that is later than both now and its present `next_run_at`."""
    now = timezone.now()
    after = max(now, schedule.next_run_at or now)
    return after + schedule.every if schedule.every else next_after(schedule.cron, after)


def _plan(schedule: Schedule) -> None:
    """Checks what a schedule says and computes when it first runs."""
    kind_named(schedule.kind).check(schedule.args)
    if schedule.every and schedule.cron:
        raise ValueError(f"Schedule {schedule.name} takes an interval or a cron expression, and not both.")
    if schedule.every or schedule.cron:
        schedule.next_run_at = following(schedule)
    elif schedule.enabled:
        raise ValueError(f"Schedule {schedule.name} needs an interval or a cron expression.")


def _told(schedule: Schedule) -> dict[str, Any]:
    """What a schedule says, for the journal."""
    return {
        "kind": schedule.kind,
        "when": schedule.when,
        "args": schedule.args,
        "enabled": schedule.enabled,
    }


def declare_schedules() -> None:
    """Creates the default schedules that kinds bring with them. One that nobody has set follows what its kind says now."""
    for kind in kinds():
        if kind.every or kind.cron:
            row = schedule(kind.name, kind.name, every=kind.every, cron=kind.cron)
            if (row.every, row.cron) != (kind.every, kind.cron):
                row.every, row.cron = kind.every, kind.cron
                unset = Schedule.objects.filter(pk=row.pk, chosen=False)
                unset.update(every=row.every, cron=row.cron, next_run_at=following(row))
