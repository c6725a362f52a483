"""What garbage collection frees, and what it leaves alone."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from audit.models import Entry
from jobs.models import Job
from registry.models import Blob, BlobLink, Repository
from registry.oci.errors import OCIError
from registry.services import garbage
from registry.services.garbage import collect_garbage
from registry.storage import paths
from tests.support.images import Content, image

ONE = image("one", layers=2)
NOW = timedelta(0)
A_WHILE = timedelta(hours=1)


def gc(*arguments: str) -> str:
    out = StringIO()
    call_command("gc", *arguments, stdout=out, no_color=True)
    return out.getvalue()


def a_while_passes() -> None:
    """Makes everything older than the grace period."""
    past = timezone.now() - 2 * A_WHILE
    BlobLink.objects.update(created_at=past)
    BlobLink.objects.filter(condemned_at__isnull=False).update(condemned_at=past)
    Blob.objects.update(created_at=past)


def test_what_a_manifest_uses_stays(shore):
    shore.push("library/a", ONE)
    collect_garbage(grace=NOW)
    assert shore.is_whole("library/a", ONE)


def test_deleting_the_manifest_frees_its_bytes(shore):
    shore.push("library/a", ONE)
    shore.delete("library/a", ONE)
    done = collect_garbage(grace=NOW)
    assert (done.blobs, done.bytes) == (3, sum(len(blob.data) for blob in ONE.blobs))
    assert shore.files() == set()
    assert not Blob.objects.exists()
    freed = Entry.objects.filter(action="blob.collect").values_list("target", flat=True)
    assert set(freed) == {blob.digest for blob in ONE.blobs}


def test_bytes_stay_as_long_as_another_repository_uses_them(shore):
    shore.push("library/a", ONE)
    shore.push("library/b", ONE)
    shore.delete("library/a", ONE)
    collect_garbage(grace=NOW)
    assert not shore.shows("library/a", ONE.blobs[0])
    assert shore.is_whole("library/b", ONE)


def test_an_upload_whose_manifest_is_still_to_come_is_kept_for_the_grace_period(shore):
    for blob in ONE.blobs:
        shore.push_blob("library/a", blob)
    collect_garbage(grace=A_WHILE)
    shore.put("library/a", ONE, "1")
    assert shore.is_whole("library/a", ONE)


def test_an_unused_blob_is_first_hidden_and_a_grace_period_later_deleted(shore):
    blob = ONE.blobs[0]
    shore.push_blob("library/a", blob)
    a_while_passes()
    collect_garbage(grace=A_WHILE)
    assert not shore.shows("library/a", blob)
    assert shore.bytes_of(blob) == blob.data
    a_while_passes()
    assert collect_garbage(grace=A_WHILE).blobs == 1
    assert shore.bytes_of(blob) is None


def test_a_manifest_that_comes_after_the_verdict_takes_it_back(shore):
    for blob in ONE.blobs:
        shore.push_blob("library/a", blob)
    a_while_passes()
    collect_garbage(grace=A_WHILE)
    shore.put("library/a", ONE, "1")
    a_while_passes()
    collect_garbage(grace=A_WHILE)
    assert shore.is_whole("library/a", ONE)


def test_hiding_a_blob_reaches_the_caches_of_every_instance(shore):
    shore.push_blob("library/a", ONE.blobs[0])
    before = Repository.objects.get().generation
    collect_garbage(grace=NOW)
    assert Repository.objects.get().generation > before


@pytest.mark.parametrize("step", ["condemning unused links", "removing links", "deleting blobs"])
def test_a_blob_uploaded_again_during_a_run_survives_it(shore, step):
    blob, other = ONE.blobs[:2]
    shore.push_blob("library/a", other)
    shore.push_blob("library/a", blob)
    again = []

    def progress(_done, message):
        if message == step and not again:
            again.append(shore.push_blob("library/a", blob))

    collect_garbage(grace=NOW, progress=progress)
    assert again
    assert shore.shows("library/a", blob) == (shore.bytes_of(blob) == blob.data)
    shore.push("library/a", ONE)
    assert shore.is_whole("library/a", ONE)


def test_killed_after_the_bytes_went_and_before_the_row_did(shore, monkeypatch):
    blob = ONE.blobs[0]
    shore.push_blob("library/a", blob)

    def killed(*_args, **_options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(garbage, "record", killed)
        with pytest.raises(KeyboardInterrupt):
            collect_garbage(grace=NOW)
    assert shore.bytes_of(blob) is None
    assert Blob.objects.get().deleting
    assert not shore.mount("library/a", "library/b", blob), "nobody may rely on what is gone"
    shore.push_blob("library/b", blob)
    assert shore.shows("library/b", blob)
    assert shore.bytes_of(blob) == blob.data


def test_the_next_run_finishes_what_a_killed_one_left(shore, monkeypatch):
    shore.push_blob("library/a", ONE.blobs[0])
    with monkeypatch.context() as patch:
        patch.setattr(garbage, "record", lambda *_args, **_options: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            collect_garbage(grace=NOW)
    assert collect_garbage(grace=NOW).blobs == 1
    assert not Blob.objects.exists()


def test_files_without_a_row_are_freed_once_they_are_old(shore):
    stray = Content("", b"a push that died before its row was written")
    shore.store.put(paths.blob_path(stray.digest), stray.data)
    assert collect_garbage(grace=A_WHILE).orphans == 0
    done = collect_garbage(grace=NOW)
    assert (done.orphans, done.orphan_bytes) == (1, len(stray.data))
    assert shore.files() == set()
    assert not Blob.objects.exists()


def test_a_dry_run_tells_and_changes_nothing(shore):
    shore.push("library/a", ONE)
    shore.delete("library/a", ONE)
    stray = Content("", b"stray")
    shore.store.put(paths.blob_path(stray.digest), stray.data)
    before = shore.files(), list(BlobLink.objects.values()), list(Blob.objects.values()), Entry.objects.count()
    told = gc("--dry-run", "--grace", "0")
    assert "unused blobs hidden: 3" in told
    assert "5 bytes freed: 0 blobs, 1 files without a row" in told
    after = shore.files(), list(BlobLink.objects.values()), list(Blob.objects.values()), Entry.objects.count()
    assert after == before


def test_the_command_frees_everything_at_once_when_no_grace_is_asked_for(shore):
    shore.push("library/a", ONE)
    shore.delete("library/a", ONE)
    assert gc("--grace", "0").startswith("550 bytes freed: 3 blobs,")
    assert gc("--grace", "0").startswith("0 bytes freed: 0 blobs,")


def test_the_command_leaves_it_to_the_workers_when_told(shore):
    assert "is in the queue" in gc("--background", "--grace", "60", "--dry-run")
    job = Job.objects.get()
    assert (job.kind, job.args) == ("registry.gc", {"dry_run": True, "delete_untagged": False, "grace_seconds": 60})


def test_a_negative_grace_is_refused(shore):
    with pytest.raises(CommandError, match="0 or more"):
        gc("--grace", "-1")


def test_a_blob_removed_by_hand_is_no_longer_taken_for_a_push(shore):
    shore.push("library/a", ONE)
    shore.delete("library/a", ONE)
    collect_garbage(grace=NOW)
    with pytest.raises(OCIError, match="not in library/a"):
        shore.put("library/a", ONE, "1")


@pytest.mark.usefixtures("shore")
def test_an_empty_registry_costs_a_handful_of_queries(django_assert_max_num_queries):
    with django_assert_max_num_queries(6):
        collect_garbage(grace=NOW)
    assert connection.in_atomic_block is False
