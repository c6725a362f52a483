"""Garbage collection that first deletes manifests which nothing names."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from audit.models import Entry
from audit.origin import SYSTEM
from registry.models import Manifest, Tag
from registry.services.garbage import collect_garbage
from registry.services.tags import delete_tag
from tests.support.images import artifact, image, index

NOW, AN_HOUR = timedelta(0), timedelta(hours=1)
ONE, TWO, LOOSE = image("one"), image("two"), image("loose")


def push(shore, content, tag="1"):
    for member in content.members:
        push(shore, member, "member")
        Tag.objects.filter(name="member").delete()
    shore.push("library/a", content, tag)


def stock(shore) -> None:
    """A tagged index, an accessory of one of its members, and an image that has lost its tag."""
    push(shore, index([ONE, TWO]))
    push(shore, artifact("text/spdx", subject=ONE), "sbom")
    push(shore, LOOSE, "loose")
    Tag.objects.exclude(name="1").delete()


def test_by_itself_it_leaves_them(shore):
    stock(shore)
    assert collect_garbage(grace=NOW).manifests == 0
    assert Manifest.objects.count() == 5


def test_what_nothing_names_goes_and_its_bytes_are_freed(shore):
    stock(shore)
    done = collect_garbage(grace=NOW, delete_untagged=True)
    assert (done.manifests, done.blobs) == (1, 2)
    assert done.freed == sum(len(blob.data) for blob in LOOSE.blobs)
    assert not Manifest.objects.filter(digest=LOOSE.digest).exists()
    assert Manifest.objects.count() == 4
    (entry,) = Entry.objects.filter(action="manifest.delete")
    assert entry.target == f"library/a@{LOOSE.digest}"


def test_with_an_index_go_its_members_and_their_accessories(shore):
    stock(shore)
    Tag.objects.all().delete()
    assert collect_garbage(grace=NOW, delete_untagged=True).manifests == 5
    assert shore.files() == set()


def test_what_was_pushed_of_late_may_still_get_its_tag(shore):
    stock(shore)
    assert collect_garbage(grace=AN_HOUR, delete_untagged=True).manifests == 0


def lost_long_ago(*contents):
    """Makes manifests ones that were pushed two hours ago, and lost their tags then."""
    long_ago = timezone.now() - 2 * AN_HOUR
    rows = Manifest.objects.filter(digest__in=[content.digest for content in contents])
    rows.update(pushed_at=long_ago, touched_at=long_ago)


def untagged_are_deleted(grace=AN_HOUR):
    return collect_garbage(grace=grace, delete_untagged=True).manifests


def test_what_was_pushed_once_more_of_late_is_left_for_its_index_to_come(shore):
    stock(shore)
    lost_long_ago(LOOSE)
    shore.put("library/a", LOOSE)
    assert untagged_are_deleted() == 0
    lost_long_ago(LOOSE)
    assert untagged_are_deleted() == 1


def test_a_member_that_was_pushed_once_more_of_late_does_not_go_with_its_old_index(shore):
    stock(shore)
    Tag.objects.all().delete()
    lost_long_ago(index([ONE, TWO]), ONE, TWO, LOOSE)
    shore.put("library/a", TWO)
    assert untagged_are_deleted() == 4
    assert Manifest.objects.get().digest == TWO.digest


@pytest.mark.parametrize("lose", ["moved", "deleted"])
def test_what_lost_its_last_tag_of_late_may_still_be_pulled(shore, lose):
    push(shore, ONE, "latest")
    lost_long_ago(ONE)
    if lose == "moved":
        push(shore, TWO, "latest")
    else:
        delete_tag(origin=SYSTEM, repository="library/a", tag="latest")
    assert untagged_are_deleted() == 0
    lost_long_ago(ONE)
    assert untagged_are_deleted() == 1


def test_a_dry_run_tells_how_many(shore):
    stock(shore)
    out = StringIO()
    call_command("gc", "--dry-run", "--delete-untagged", "--grace", "0", stdout=out)
    assert "manifests without a tag deleted: 1" in out.getvalue()
    assert Manifest.objects.count() == 5
