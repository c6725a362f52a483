"""Whether the job service is well."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from jobs.health import NoWorker, check
from jobs.models import Schedule
from jobs.services import schedule
from jobs.sweeper import sweep

NOTE = {"file": "f", "text": "t"}


@pytest.fixture
def forgotten(db: None) -> None:
    """A schedule that has been due for minutes."""
    schedule("notes", "test.note", every=timedelta(hours=1), args=NOTE)
    Schedule.objects.update(next_run_at=Now() - timedelta(minutes=5))


def test_a_schedule_that_nobody_fires_means_that_no_worker_is_there(forgotten):
    with pytest.raises(NoWorker, match="schedule notes has been due since"):
        check()


def test_a_worker_that_sweeps_makes_it_well_however_long_the_queue(forgotten):
    sweep()
    check()


def test_what_no_worker_of_this_version_would_fire_says_nothing_of_workers(forgotten):
    Schedule.objects.update(kind="test.of-the-future")
    check()
