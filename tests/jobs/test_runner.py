"""One attempt at a job: how it reports, and every way in which it can end."""

import logging
from collections import deque
from contextlib import suppress
from datetime import timedelta
from unittest.mock import Mock

import pytest
from django.db import OperationalError
from django.db.models.functions import Now

from audit.origin import SYSTEM
from jobs import outcomes, run, runner
from jobs.models import Job, JobLog, State
from jobs.services import enqueue, stop
from jobs.sweeper import reclaim
from tests.support.processes import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def until_interrupted(attempt):
    """A job that goes on for ever unless a checkpoint ends it."""
    wait_until(attempt.checkpoint, "the run is interrupted")


def fail(attempt):
    raise ConnectionError("the peer is away")


def make_due():
    Job.objects.update(run_at=Now() - timedelta(seconds=1))


def test_a_job_runs_once_and_succeeds(job_that):
    seen = []
    job = job_that(lambda attempt: seen.append(attempt.job.number))
    runner.work()
    runner.work()
    job.refresh_from_db()
    assert seen == [job.number]
    assert (job.state, job.attempts, job.owner) == (State.SUCCESS, 1, "")
    assert job.started_at <= job.finished_at


def test_progress_is_seen_while_the_job_runs(job_that):
    def work(attempt):
        attempt.progress(3, 10, "third manifest")
        attempt.log("copied sha256:1")
        wait_until(lambda: Job.objects.filter(progress_done=3, progress_total=10).exists(), "progress is visible")
        wait_until(lambda: JobLog.objects.filter(text="copied sha256:1").exists(), "the log is visible")
        attempt.progress(10, 10)

    job = job_that(work)
    runner.work()
    job.refresh_from_db()
    assert (job.state, job.progress_done, job.progress_message) == (State.SUCCESS, 10, "")


def test_a_failed_attempt_is_tried_again_later_and_given_up_in_the_end(job_that):
    job = job_that(fail)
    runner.work()
    job.refresh_from_db()
    assert (job.status, job.error) == ("Scheduled", "ConnectionError: the peer is away")
    make_due()
    runner.work()
    job.refresh_from_db()
    assert (job.state, job.attempts, job.error) == (State.ERROR, 2, "ConnectionError: the peer is away")


def test_an_error_of_an_earlier_attempt_is_forgotten_by_success(job_that):
    def work(attempt):
        if attempt.job.attempts == 1:
            fail(attempt)

    job = job_that(work)
    runner.work()
    make_due()
    runner.work()
    job.refresh_from_db()
    assert (job.state, job.error) == (State.SUCCESS, "")


def test_waits_between_attempts_grow_up_to_a_limit():
    assert 5 <= outcomes.backoff(1) <= 10
    assert 20 <= outcomes.backoff(3) <= 40
    assert 450 <= outcomes.backoff(50) <= 900


def test_a_running_job_that_is_stopped_ends_at_its_next_checkpoint(job_that):
    def work(attempt):
        stop(attempt.job.number, origin=SYSTEM)
        with suppress(Exception):  # A job that forgives its own errors does not swallow this.
            until_interrupted(attempt)

    job = job_that(work)
    runner.work()
    job.refresh_from_db()
    assert job.state == State.STOPPED


def test_a_job_that_nobody_wants_any_more_ends_as_stopped(job_that):
    job = job_that(lambda attempt: attempt.abandon("The target is gone."))
    runner.work()
    job.refresh_from_db()
    assert (job.state, job.error, job.log.get().text) == (State.STOPPED, "", "The target is gone.")


def test_a_job_that_fails_after_it_was_told_to_stop_is_not_tried_again(job_that):
    def work(attempt):
        stop(attempt.job.number, origin=SYSTEM)
        fail(attempt)

    job = job_that(work)
    runner.work()
    job.refresh_from_db()
    assert job.state == State.STOPPED
    assert job.finished_at


def test_a_run_that_was_taken_over_ends_at_its_next_checkpoint_and_cannot_record_a_result(job_that, caplog):
    def work(attempt):
        Job.objects.update(owner="another worker", progress_done=7)
        attempt.progress(1)
        until_interrupted(attempt)

    job = job_that(work)
    runner.work()
    job.refresh_from_db()
    assert (job.state, job.owner, job.progress_done) == (State.RUNNING, "another worker", 7)
    assert "lost its lease" in caplog.text


def test_a_run_that_was_taken_over_cannot_finish_even_without_a_checkpoint(job_that):
    def work(attempt):
        Job.objects.update(owner="another worker")

    job = job_that(work)
    runner.work()
    job.refresh_from_db()
    assert (job.state, job.owner) == (State.RUNNING, "another worker")


def test_the_lease_is_kept_however_long_the_job_takes(job_that):
    def work(attempt):
        first = Job.objects.get().lease_expires_at
        wait_until(lambda: Job.objects.filter(lease_expires_at__gt=first + attempt.lease).exists(), "it is renewed")
        assert reclaim() == 0
        attempt.checkpoint()

    job = job_that(work)
    runner.work()
    job.refresh_from_db()
    assert job.state == State.SUCCESS


def test_a_run_that_cannot_renew_its_lease_ends_by_its_own_clock(job_that, monkeypatch):
    monkeypatch.setattr(run.JobRun, "beat", lambda self: None)
    job = job_that(until_interrupted)
    runner.execute(runner.claim())
    job.refresh_from_db()
    assert (job.state, job.error) == (State.PENDING, "The lease was lost.")


def test_a_shutdown_returns_the_job_without_using_up_an_attempt(job_that, shutdown):
    def work(attempt):
        shutdown.set()
        until_interrupted(attempt)

    job = job_that(work)
    runner.work()
    job.refresh_from_db()
    assert (job.state, job.attempts, job.owner) == (State.PENDING, 0, "")


def test_a_process_that_is_to_end_claims_nothing_more(job_that, shutdown):
    job = job_that(lambda attempt: None)
    shutdown.set()
    runner.work()
    job.refresh_from_db()
    assert job.state == State.PENDING


def test_what_is_urgent_goes_first_and_otherwise_what_came_first(tmp_path):
    file = tmp_path / "notes"
    for text in "ab":
        enqueue("test.note", file=str(file), text=text)
    enqueue("test.urgent", file=str(file), text="!")
    runner.work()
    assert file.read_text().split() == ["!", "a", "b"]


def test_jobs_that_this_version_does_not_know_are_left_to_one_that_does():
    job = Job.objects.create(kind="test.of-the-future")
    runner.work()
    job.refresh_from_db()
    assert job.state == State.PENDING


def test_one_exclusive_job_runs_at_a_time(tmp_path):
    for _ in range(2):
        enqueue("test.alone", file=str(tmp_path / "notes"))
    first = runner.claim()
    assert runner.claim() is None
    runner.execute(first)
    assert runner.claim() is not None


def test_only_the_newest_lines_of_a_log_are_kept(job_that, monkeypatch):
    monkeypatch.setattr(run, "LOG_LINES", 3)

    def work(attempt):
        for number in range(5):
            attempt.log(f"line {number}")
            attempt.beat()

    job = job_that(work)
    runner.work()
    assert [line.text for line in job.log.all()] == ["line 2", "line 3", "line 4"]


class Contended(deque):
    """Lines of which another thread always takes the last one first."""

    def __len__(self):
        return super().__len__() + 1


def test_a_run_ends_well_though_its_heartbeat_writes_the_log_at_the_same_moment(job_that):
    def work(attempt):
        attempt._lines = Contended(maxlen=run.LOG_LINES)
        attempt.log("done")

    job = job_that(work)
    runner.work()
    job.refresh_from_db()
    assert (job.state, job.log.get().text) == (State.SUCCESS, "done")


def test_lines_that_the_database_did_not_take_are_written_when_it_is_back(job_that, monkeypatch):
    def work(attempt):
        with monkeypatch.context() as away:
            away.setattr(JobLog.objects, "bulk_create", Mock(side_effect=OperationalError("the database is away")))
            attempt.log("first")
            attempt.log("second")
            with pytest.raises(OperationalError):
                attempt.beat()
        attempt.log("third")

    job = job_that(work)
    runner.work()
    assert [line.text for line in job.log.all()] == ["first", "second", "third"]


def test_a_failure_is_logged_with_its_traceback_for_the_operator(job_that, caplog):
    def stumble(_run):
        raise LookupError("nothing here")

    job_that(stumble)
    with caplog.at_level(logging.ERROR):
        runner.work()
    assert "Traceback" in caplog.text


def test_a_target_that_is_away_is_logged_in_a_line(job_that, caplog):
    job_that(fail)
    runner.work()
    (record,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert record.levelno == logging.WARNING
    assert record.getMessage().endswith("attempt 1 of 2: the peer is away")
    assert not record.exc_info


def test_what_came_out_is_kept_and_shown_while_the_job_runs(job_that):
    def work(attempt):
        attempt.result(freed=10)
        attempt.progress(1, 2)
        wait_until(lambda: Job.objects.filter(result={"freed": 10}, progress_done=1).exists(), "the result is visible")
        attempt.result(blobs=3, text="a\0b")

    job = job_that(work)
    runner.work()
    job.refresh_from_db()
    assert job.result == {"freed": 10, "blobs": 3, "text": "a\N{REPLACEMENT CHARACTER}b"}


def test_an_attempt_begins_without_the_results_of_the_one_before(job_that):
    seen = []

    def work(attempt):
        seen.append(Job.objects.get(pk=attempt.job.pk).result)
        attempt.result(tries=len(seen))
        if len(seen) == 1:
            fail(attempt)

    job = job_that(work)
    runner.work()
    make_due()
    runner.work()
    job.refresh_from_db()
    assert (seen, job.result) == ([{}, {}], {"tries": 2})


def test_a_result_that_json_cannot_carry_fails_the_attempt(job_that):
    job = job_that(lambda attempt: attempt.result(file=object()))
    runner.work()
    job.refresh_from_db()
    assert "not JSON serializable" in job.error


def test_what_databases_refuse_does_no_harm_in_reports(job_that):
    def work(attempt):
        attempt.progress(1, message="a\0b")
        attempt.log("a\0b")
        raise ConnectionError("a\0b")

    job = job_that(work)
    runner.work()
    job.refresh_from_db()
    assert job.error == "ConnectionError: a\N{REPLACEMENT CHARACTER}b"
    assert job.log.get().text == job.progress_message == "a\N{REPLACEMENT CHARACTER}b"
