"""Queues and schedules that are held back, stopped, set and looked at; the processes that work."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from audit.models import Entry
from audit.origin import SYSTEM, Origin
from jobs import health, runner, selectors
from jobs.kinds import UnknownKind
from jobs.models import Job, Schedule, State, WorkerPool
from jobs.pools import FORGET, Presence
from jobs.services import (
    declare_schedules,
    enqueue,
    queue_pause,
    queue_resume,
    queue_stop,
    schedule,
    schedule_delete,
    schedule_set,
    schedules_pause,
    schedules_resume,
)
from jobs.sweeper import fire_schedules
from tests.audit.helpers import elsewhere, meanwhile
from tests.support.processes import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

ANNA = Origin("anna", "user")
HOUR = timedelta(hours=1)
NOTE = {"file": "f", "text": "t"}


def queue(kind):
    return next(queue for queue in selectors.queues() if queue.kind == kind)


def journal():
    return list(Entry.objects.order_by("id").values_list("actor", "action", "target"))


def test_a_queue_that_is_held_back_keeps_its_jobs_until_it_may_go_on():
    job = enqueue("test.note", **NOTE)
    other = enqueue("test.urgent", **NOTE)
    queue_pause(kind="test.note", origin=ANNA)
    queue_pause(kind="test.note", origin=ANNA)
    assert list(runner.due()) == [other]
    assert queue("test.note").paused
    queue_resume(kind="test.note", origin=ANNA)
    queue_resume(kind="test.note", origin=ANNA)
    assert set(runner.due()) == {job, other}
    assert journal() == [("anna", "queue.pause", "test.note"), ("anna", "queue.resume", "test.note")]


def test_a_queue_that_is_stopped_ends_what_waits_and_lets_go_on_what_runs(job_that):
    stopped = threading.Event()

    def until_the_queue_is_stopped(attempt):
        wait_until(stopped.is_set, "the queue is stopped")
        attempt.checkpoint()

    running = job_that(until_the_queue_is_stopped)
    worker = meanwhile(runner.work)
    wait_until(lambda: Job.objects.filter(pk=running.pk, state=State.RUNNING).exists(), "the job runs")
    waiting = enqueue("test.do", what="nothing", run_at=timezone.now() + HOUR)
    spared = enqueue("test.note", **NOTE, run_at=timezone.now() + HOUR)
    assert queue_stop(kind="test.do", origin=ANNA) == 1
    stopped.set()
    worker.join()
    states = dict(Job.objects.values_list("pk", "state"))
    assert states == {running.pk: State.SUCCESS, waiting.pk: State.STOPPED, spared.pk: State.PENDING}
    assert Entry.objects.get(action="queue.stop").before == {"pending": 1}


@pytest.mark.parametrize("verb", [queue_pause, queue_resume, queue_stop])
def test_a_queue_that_does_not_exist_is_refused(verb):
    with pytest.raises(UnknownKind):
        verb(kind="test.nothing", origin=ANNA)


def test_queues_tell_how_many_wait_and_for_how_long(django_assert_num_queries):
    for _ in range(3):
        enqueue("test.note", **NOTE)
    enqueue("test.urgent", **NOTE, run_at=timezone.now() + HOUR)
    Job.objects.filter(kind="test.note").update(run_at=Now() - HOUR)
    with django_assert_num_queries(2):
        seen = {queue.kind: queue for queue in selectors.queues()}
    assert (seen["test.note"].count, seen["test.note"].latency // 60) == (3, 60)
    assert (seen["test.urgent"].count, seen["test.urgent"].latency) == (1, 0)
    assert (seen["jobs.prune"].count, seen["jobs.prune"].paused) == (0, False)


def test_schedules_that_are_held_back_do_not_run_and_nobody_calls_that_a_failure():
    schedule("notes", "test.note", every=HOUR, args=NOTE)
    Schedule.objects.update(next_run_at=timezone.now() - HOUR)
    schedules_pause(origin=ANNA)
    assert selectors.schedules_paused()
    assert fire_schedules() == 0
    health.check()
    schedules_resume(origin=ANNA)
    assert fire_schedules() == 1
    assert [action for _, action, _ in journal()] == ["schedules.pause", "schedules.resume"]


def test_the_job_of_a_schedule_says_so():
    assert enqueue("test.note", **NOTE).trigger == "MANUAL"
    schedule("notes", "test.note", every=HOUR, args=NOTE)
    Schedule.objects.update(next_run_at=timezone.now() - HOUR)
    fire_schedules()
    assert Schedule.objects.get().last_job.trigger == "SCHEDULE"


def test_a_schedule_that_is_set_replaces_what_was_declared():
    declare_schedules()
    before = Schedule.objects.get(name="jobs.prune")
    assert not before.chosen
    chosen = schedule_set("jobs.prune", "jobs.prune", cron="0 0 3 * * *", origin=ANNA)
    declare_schedules()
    after = Schedule.objects.get(name="jobs.prune")
    assert (after.pk, after.cron, after.every, after.chosen) == (before.pk, "0 0 3 * * *", None, True)
    assert after.next_run_at == chosen.next_run_at != before.next_run_at
    assert after.updated_at > before.updated_at
    entry = Entry.objects.get(action="schedule.set")
    assert (entry.before["when"], entry.after["when"]) == ("every 6:00:00", "0 0 3 * * *")


def test_a_schedule_that_nobody_has_set_follows_its_kind():
    declare_schedules()
    declared = Schedule.objects.get(name="jobs.prune")
    Schedule.objects.filter(pk=declared.pk).update(every=None, cron="0 0 3 * * *")  # As an older version had it.
    declare_schedules()
    after = Schedule.objects.get(name="jobs.prune")
    assert (after.every, after.cron) == (declared.every, declared.cron)
    assert after.next_run_at > timezone.now()


def test_a_schedule_that_is_off_need_not_say_when():
    schedule_set("notes", "test.note", args=NOTE, enabled=False, origin=ANNA)
    assert fire_schedules() == 0
    assert not Schedule.objects.get().enabled


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
def test_a_schedule_that_could_not_run_is_not_set(kind, when, error):
    with pytest.raises(error):
        schedule_set("notes", kind, args=NOTE, origin=ANNA, **when)
    assert not Schedule.objects.exists()
    assert not Entry.objects.exists()


def test_of_many_who_set_a_new_schedule_at_once_none_fails():
    def set_it(number):
        return elsewhere(lambda: schedule_set("notes", "test.note", every=HOUR * (number + 1), args=NOTE, origin=ANNA))

    with ThreadPoolExecutor(8) as pool:
        assert len({row.pk for row in pool.map(set_it, range(8))}) == 1
    assert Entry.objects.filter(action="schedule.set").count() == 8


def test_a_schedule_is_deleted_once():
    schedule_set("notes", "test.note", every=HOUR, args=NOTE, origin=ANNA)
    assert schedule_delete("notes", origin=ANNA)
    assert not schedule_delete("notes", origin=ANNA)
    assert [action for _, action, _ in journal()] == ["schedule.set", "schedule.delete"]


@pytest.fixture
def pool():
    """This process, as one that works."""
    presence = Presence(4)
    presence.beat()
    return presence


def test_a_process_that_works_is_seen_until_it_leaves(pool):
    (seen,) = selectors.pools()
    assert (seen.pk, seen.concurrency) == (runner.pool_id(), 4)
    assert seen.start_at <= seen.heartbeat_at
    pool.leave()
    assert selectors.pools() == []


def test_a_process_writes_now_and_then_only(pool, django_assert_num_queries):
    with django_assert_num_queries(0):
        pool.beat()


def test_processes_that_vanished_are_not_shown_and_then_forgotten(pool):
    WorkerPool.objects.create(id="gone", host="gone", pid=1, concurrency=1)
    WorkerPool.objects.filter(pk="gone").update(heartbeat_at=Now() - selectors.ALIVE)
    assert [pool.pk for pool in selectors.pools()] == [runner.pool_id()]
    WorkerPool.objects.filter(pk="gone").update(heartbeat_at=Now() - FORGET * 2)
    Presence(4).beat()
    assert not WorkerPool.objects.filter(pk="gone").exists()


def test_workers_are_as_many_as_a_process_runs_jobs_at_a_time(pool):
    job = enqueue("test.note", **NOTE)
    enqueue("test.note", **NOTE)
    assert runner.claim(only=job.pk)
    for asked in (None, runner.pool_id()):
        worker, *idle = selectors.workers(asked)
        assert (worker.job_name, worker.job_id, worker.pool_id) == ("test.note", str(job.number), runner.pool_id())
        assert [(one.job_id, one.pool_id) for one in idle] == [(None, runner.pool_id())] * 3
        assert len({one.id for one in (worker, *idle)}) == 4
    assert selectors.workers("no\0pool") is None


@pytest.mark.parametrize("text", ["", "x", "-1", "1e3", "٣", "\0", "9" * 40, "999999"])
def test_a_job_that_nobody_knows_is_none(text):
    assert selectors.job_named(text) is None


def test_a_job_is_found_by_its_number():
    job = enqueue("test.note", origin=SYSTEM, **NOTE)
    assert selectors.job_named(str(job.number)) == job
