"""The registry's background work, run as a worker runs it."""

import pytest

from audit.origin import SYSTEM, Origin
from jobs.kinds import kind_named
from jobs.models import Job, State
from jobs.runner import claim, execute
from jobs.services import enqueue
from registry import selectors
from registry.models import Manifest, Namespace, NamespaceContent, Repository, Tag
from registry.services.repositories import delete_repository
from tests.support.images import image

ONE = image("one")


def run(job: Job) -> Job:
    """The job after a worker has run it."""
    claimed = claim(only=job.pk)
    assert claimed
    execute(claimed)
    job.refresh_from_db()
    assert job.state == State.SUCCESS
    return job


def test_garbage_collection_tells_what_it_freed_in_numbers(shore):
    shore.push("library/a", ONE)
    Tag.objects.all().delete()
    asked = {"origin": Origin("admin", "user"), "delete_untagged": True, "grace_seconds": 0}
    job = run(enqueue("registry.gc", **asked))
    assert job.result == {
        "freed_space": sum(len(blob.data) for blob in ONE.blobs),
        "purged_blobs": 2,
        "purged_manifests": 1,
    }


def test_a_dry_run_says_so(shore):
    shore.push("library/a", ONE)
    Tag.objects.all().delete()
    job = run(enqueue("registry.gc", delete_untagged=True, dry_run=True, grace_seconds=0))
    assert job.result["purged_manifests"] == 1
    assert Manifest.objects.count() == 1
    assert "A run now would give" in job.log.get().text


def test_usage_is_folded(shore):
    shore.push("library/a", ONE)
    before = selectors.usage(Namespace.objects.get().pk)
    run(enqueue("registry.fold-usage"))
    assert not NamespaceContent.objects.filter(folded=False).exists()
    assert selectors.usage(Namespace.objects.get().pk) == before > 0


@pytest.mark.parametrize("name", ["registry.gc", "registry.fold-usage"])
def test_what_recurs_runs_once_at_a_time(name):
    assert kind_named(name).exclusive
    assert kind_named(name).every or kind_named(name).cron


def test_a_deleted_repository_is_cleared_away_with_progress(shore):
    for number in range(3):
        shore.push("library/a", image(str(number)), str(number))
    delete_repository(origin=SYSTEM, name="library/a")
    job = run(Job.objects.get(kind="registry.delete-repository"))
    assert (job.progress_done, job.progress_total) == (3, 3)
    assert not Repository.objects.exists()
    assert job.log.get().text == "3 manifests deleted"


@pytest.mark.parametrize("state", [State.ERROR, State.STOPPED])
def test_garbage_collection_sees_to_deleted_repositories_that_nobody_clears_away(shore, state):
    shore.push("library/a", ONE)
    delete_repository(origin=SYSTEM, name="library/a")
    Job.objects.filter(kind="registry.delete-repository").update(state=state)
    run(enqueue("registry.gc", dry_run=True))
    assert not Job.objects.filter(kind="registry.delete-repository", state=State.PENDING).exists()
    run(enqueue("registry.gc"))
    run(enqueue("registry.gc"))
    run(Job.objects.get(kind="registry.delete-repository", state=State.PENDING))
    assert not Repository.objects.exists()
    assert selectors.usage(Namespace.objects.get().pk) == 0
