"""Whether the job service is well."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from jobs import runner
from jobs.models import Job, Schedule
from jobs.selectors import workers_alive
from jobs.services import enqueue, schedule

pytestmark = pytest.mark.django_db
NOTE = {"file": "f", "text": "t"}
LONG = timedelta(minutes=5)


def test_a_queue_without_work_that_is_due_is_well():
    schedule("notes", "test.note", every=LONG, args=NOTE)
    enqueue("test.note", **NOTE)
    assert workers_alive()


def test_work_that_nobody_begins_means_that_no_worker_is_there():
    enqueue("test.note", **NOTE)
    Job.objects.update(run_at=Now() - LONG)
    assert not workers_alive()


def test_a_schedule_that_nobody_fires_means_the_same():
    schedule("notes", "test.note", every=LONG, args=NOTE)
    Schedule.objects.update(next_run_at=Now() - LONG)
    assert not workers_alive()


def test_a_long_queue_before_busy_workers_is_well():
    for _ in range(2):
        enqueue("test.note", **NOTE)
    Job.objects.update(run_at=Now() - LONG)
    runner.claim()
    assert workers_alive()
