"""The purge of the journal as a job, in Harbor's parameters."""

from datetime import UTC, datetime

import pytest

from audit.models import Entry
from audit.origin import Origin
from audit.verification import verify
from jobs import runner
from jobs.models import Job, State
from jobs.services import enqueue
from tests.audit.helpers import rows, write

pytestmark = pytest.mark.django_db(transaction=True)

ANNA = Origin("anna", "user")


@pytest.fixture
def old() -> None:
    """Two pushes of 2020 and one of today."""
    rows().filter(pk__in=write("a", "b")).update(at=datetime(2020, 1, 1, tzinfo=UTC))
    write("c")


def purged(**args: object) -> Job:
    job = enqueue("audit.purge", origin=ANNA, **args)
    runner.work()
    job.refresh_from_db()
    return job


def test_old_entries_of_the_types_that_were_named_go(old):
    job = purged(audit_retention_hour=24, include_event_types="Create_Artifact, pull_artifact")
    assert (job.state, job.result) == (State.SUCCESS, {"purged": 2})
    assert list(Entry.objects.filter(action="manifest.push").values_list("target", flat=True)) == ["c"]
    assert Entry.objects.filter(action="audit.purge").last().actor == "anna"
    assert verify().broken is None


def test_older_clients_name_operations(old):
    assert purged(audit_retention_hour=24, include_event_types="create").result == {"purged": 2}


@pytest.mark.parametrize("types", ["", "pull_artifact"])
def test_types_that_were_not_named_stay(old, types):
    assert purged(audit_retention_hour=24, include_event_types=types).result == {"purged": 0}


def test_a_type_that_does_not_exist_is_told_in_the_log(old):
    job = purged(audit_retention_hour=24, include_event_types="create_artefact")
    assert "There is no event type 'create_artefact'" in job.log.first().text


def test_a_dry_run_tells_what_would_go(old):
    job = purged(audit_retention_hour=24, include_event_types="create_artifact", dry_run=True)
    assert job.result == {"purged": 2}
    assert job.log.last().text == "2 entries would be purged"
    assert Entry.objects.filter(action="manifest.push").count() == 3


@pytest.mark.parametrize("hours", [0, -1])
def test_who_keeps_entries_for_ever_purges_nothing(old, hours):
    job = purged(audit_retention_hour=hours, include_event_types="create_artifact,other")
    assert (job.state, job.result) == (State.SUCCESS, {"purged": 0})
    assert job.log.last().text == f"With audit_retention_hour {hours} every entry is kept."
    assert Entry.objects.filter(action="manifest.push").count() == 3


def test_a_retention_that_makes_no_sense_purges_nothing(old, monkeypatch):
    monkeypatch.setattr("jobs.outcomes.BACKOFF", 3600.0)
    assert "takes -1 to 240000 hours" in purged(audit_retention_hour=-2, include_event_types="create").error
    assert Entry.objects.filter(action="manifest.push").count() == 3
