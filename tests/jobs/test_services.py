"""Asking for jobs and stopping them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from audit.models import Entry
from audit.origin import SYSTEM, Origin
from jobs import runner
from jobs.kinds import UnknownKind, job
from jobs.models import Job, State, Trigger
from jobs.services import enqueue, enqueue_many, stop

ALICE = Origin("alice", "user", address="192.0.2.7")


def test_a_job_exists_only_if_the_transaction_that_asked_for_it_commits(db):
    with transaction.atomic():
        enqueue("test.note", file="f", text="t")
        transaction.set_rollback(True)
    assert not Job.objects.exists()


def test_many_jobs_are_asked_for_in_few_statements(db, django_assert_max_num_queries):
    with django_assert_max_num_queries(8):
        jobs = enqueue_many("registry.purge-uploads", 100, trigger=Trigger.EVENT)
    assert len({job.number for job in jobs}) == 100
    one = enqueue("registry.purge-uploads", trigger=Trigger.EVENT)
    for field in ("args", "state", "exclusive", "priority", "max_attempts", "trigger", "origin"):
        assert list(Job.objects.values_list(field, flat=True).distinct()) == [getattr(one, field)]
    with pytest.raises(TypeError):
        enqueue_many("test.note", 2, trigger=Trigger.EVENT)


def test_while_a_job_with_a_key_is_active_asking_again_gives_the_same_job(db, job_that):
    first = enqueue("test.note", key="library", file="f", text="t")
    assert enqueue("test.note", key="library", file="f", text="t") == first
    assert enqueue("test.note", key="other", file="f", text="t") != first
    assert enqueue("test.urgent", key="library", file="f", text="t") != first


def test_once_it_has_ended_its_key_is_free_again(db):
    first = enqueue("test.note", key="library", file="f", text="t")
    stop(first.number, origin=SYSTEM)
    assert enqueue("test.note", key="library", file="f", text="t") != first


def test_many_who_ask_at_once_with_one_key_get_one_job(transactional_db):
    def ask(_):
        try:
            return enqueue("test.note", key="library", file="f", text="t").number
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(ask, range(32)))) == 1


def test_a_job_nobody_registered_is_refused(db):
    with pytest.raises(UnknownKind, match=r"no job called 'test\.nothing'.*test\.note"):
        enqueue("test.nothing")


@pytest.mark.parametrize("args", [{}, {"file": "f", "text": "t", "more": 1}, {"file": "f", "text": object()}])
def test_arguments_that_the_job_could_not_take_are_refused_at_once(db, args):
    with pytest.raises(TypeError, match=r"Job test\.note cannot take these arguments"):
        enqueue("test.note", **args)


def test_a_name_is_taken_by_one_job_only():
    with pytest.raises(ValueError, match=r"two jobs called test\.note"):
        job("test.note")(lambda run: None)


def test_a_job_for_later_is_scheduled_until_its_time(db):
    later = enqueue("test.note", run_at=timezone.now() + timedelta(hours=1), file="f", text="t")
    assert later.status == "Scheduled"
    assert runner.claim() is None
    Job.objects.update(run_at=datetime(2020, 1, 1, tzinfo=UTC))
    later.refresh_from_db()
    assert later.status == "Pending"
    assert runner.claim().job == later


def test_the_journal_tells_of_jobs_that_people_ask_for(db):
    asked = enqueue("test.note", origin=ALICE, file="f", text="t")
    enqueue("test.note", file="f", text="t")
    entry = Entry.objects.get(action="job.enqueue")
    assert (entry.actor, entry.target) == ("alice", f"test.note/{asked.number}")
    assert asked.asked_by == ALICE


def test_a_waiting_job_is_stopped_at_once(db):
    waiting = enqueue("test.note", file="f", text="t")
    assert stop(waiting.number, origin=ALICE).state == State.STOPPED
    assert runner.claim() is None
    assert Entry.objects.get(action="job.stop").target == f"test.note/{waiting.number}"


def test_stopping_twice_or_too_late_changes_nothing(db):
    waiting = enqueue("test.note", file="f", text="t")
    stop(waiting.number, origin=ALICE)
    ended = stop(waiting.number, origin=ALICE)
    assert ended.state == State.STOPPED
    assert Entry.objects.filter(action="job.stop").count() == 1


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the bell was rung for."""
    rings: list[str] = []
    monkeypatch.setattr("jobs.services.ring", lambda: rings.append("ring"))
    return rings


def test_the_bell_rings_when_the_job_can_be_seen_and_not_before(
    rung: list[str], django_capture_on_commit_callbacks: Callable, db
):
    with django_capture_on_commit_callbacks(execute=True):
        enqueue("test.note", file="f", text="t")
        assert not rung
    assert rung == ["ring"]
