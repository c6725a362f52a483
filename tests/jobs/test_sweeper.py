"""Schedules, leases that ran out, and old history."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from audit.origin import SYSTEM
from jobs import runner
from jobs.kinds import UnknownKind
from jobs.models import Job, JobLog, Schedule, State
from jobs.services import declare_schedules, enqueue, schedule, stop
from jobs.sweeper import HISTORY, fire_schedules, prune, reclaim

HOUR = timedelta(hours=1)
NOTE = {"file": "f", "text": "t"}


@pytest.fixture
def hourly(db: None) -> Schedule:
    """A schedule that is due."""
    declared = schedule("notes", "test.note", every=HOUR, args=NOTE)
    return put_back(declared, timedelta(minutes=1))


def put_back(declared: Schedule, by: timedelta) -> Schedule:
    """Makes the schedule due since `by`."""
    declared.next_run_at = timezone.now() - by
    declared.save()
    return declared


def abandon(job: Job) -> None:
    """Has a worker claim the job and vanish."""
    assert runner.claim(only=job.number)
    Job.objects.filter(pk=job.pk).update(lease_expires_at=Now() - timedelta(seconds=1))


@pytest.fixture
def abandoned(db: None) -> Iterator[Job]:
    """A job whose worker vanished on the first of its three attempts."""
    job = enqueue("test.note", **NOTE)
    abandon(job)
    return job


def test_a_schedule_first_runs_when_its_time_has_come_once(db):
    declared = schedule("notes", "test.note", every=HOUR, args=NOTE)
    assert declared.next_run_at > timezone.now() + HOUR * 0.9
    assert fire_schedules() == 0


def test_a_due_schedule_enqueues_its_job_and_moves_on(hourly):
    assert fire_schedules() == 1
    assert fire_schedules() == 0
    hourly.refresh_from_db()
    assert (hourly.last_job.kind, hourly.last_job.args) == ("test.note", NOTE)
    assert hourly.next_run_at > timezone.now()


def test_many_workers_that_sweep_at_once_fire_a_schedule_once(transactional_db):
    put_back(schedule("notes", "test.note", every=HOUR, args=NOTE), HOUR)

    def fire(_):
        try:
            return fire_schedules()
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(fire, range(16))) == 1
    assert Job.objects.count() == 1


def test_runs_missed_while_nothing_ran_are_not_made_up_one_by_one(hourly):
    put_back(hourly, timedelta(days=3))
    assert fire_schedules() == 1
    assert fire_schedules() == 0


def test_a_schedule_does_not_pile_up_behind_a_slow_job(hourly):
    fire_schedules()
    put_back(hourly, timedelta(minutes=1))
    fire_schedules()
    assert Job.objects.count() == 1


def test_a_schedule_that_is_off_does_not_run(hourly):
    Schedule.objects.update(enabled=False)
    assert fire_schedules() == 0


def test_a_schedule_may_follow_cron(db):
    declared = schedule("nightly", "test.note", cron="0 30 2 * * *", args=NOTE)
    assert (declared.next_run_at.hour, declared.next_run_at.minute) == (2, 30)
    assert declared.next_run_at > timezone.now()


def test_declaring_again_leaves_what_the_operator_changed(hourly):
    Schedule.objects.update(every=None, cron="0 0 4 * * *", enabled=False)
    again = schedule("notes", "test.note", every=HOUR, args=NOTE)
    assert (again.pk, again.cron, again.enabled) == (hourly.pk, "0 0 4 * * *", False)


def test_kinds_bring_their_default_schedules(db):
    declare_schedules()
    declare_schedules()
    assert Schedule.objects.get(name="jobs.prune").every == timedelta(hours=6)


@pytest.mark.parametrize(
    ("kind", "when", "error"),
    [
        ("test.note", {}, ValueError),
        ("test.note", {"every": HOUR, "cron": "0 0 0 * * *"}, ValueError),
        ("test.note", {"cron": "midnight"}, ValueError),
        ("test.nothing", {"every": HOUR}, UnknownKind),
        ("test.alone", {"every": HOUR}, TypeError),
    ],
)
def test_a_schedule_that_could_not_run_is_refused(db, kind, when, error):
    with pytest.raises(error):
        schedule("notes", kind, args=NOTE, **when)


def test_a_schedule_that_no_longer_fits_its_job_is_told_and_does_not_hold_up_the_others(hourly, caplog):
    put_back(schedule("old", "test.note", every=HOUR, args=NOTE), HOUR)
    Schedule.objects.filter(name="old").update(args={"gone": 1})
    assert fire_schedules() == 1
    assert "Schedule old does not fit its job" in caplog.text


def test_the_job_of_a_worker_that_vanished_returns_to_the_queue(abandoned):
    assert reclaim() == 1
    assert reclaim() == 0
    abandoned.refresh_from_db()
    assert (abandoned.status, abandoned.attempts) == ("Pending", 1)
    assert runner.claim(only=abandoned.number)


def test_a_lease_that_has_not_run_out_is_respected(db):
    job = enqueue("test.note", **NOTE)
    assert runner.claim(only=job.number)
    assert reclaim() == 0


def test_a_job_whose_workers_keep_vanishing_is_given_up(abandoned):
    for _ in range(2):
        reclaim()
        abandon(abandoned)
    reclaim()
    abandoned.refresh_from_db()
    assert (abandoned.state, abandoned.error) == (State.ERROR, "Its worker vanished without finishing it.")


def test_a_job_that_was_to_stop_when_its_worker_vanished_is_stopped(abandoned):
    stop(abandoned.number, origin=SYSTEM)
    reclaim()
    abandoned.refresh_from_db()
    assert abandoned.state == State.STOPPED


def test_history_is_kept_for_a_while_and_then_goes_with_its_log(db):
    old, recent, waiting = (enqueue("test.note", **NOTE) for _ in range(3))
    for job, age in ((old, HISTORY + HOUR), (recent, HISTORY - HOUR)):
        Job.objects.filter(pk=job.pk).update(state=State.SUCCESS, finished_at=Now() - age)
    JobLog.objects.create(job=old, at=timezone.now(), text="done")
    assert prune() == 1
    assert set(Job.objects.all()) == {recent, waiting}
    assert not JobLog.objects.exists()
