"""`manage.py fsck`: what it finds, what it mends."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from audit.models import Entry
from registry.models import Blob, BlobLink, Manifest, ManifestBlob, NamespaceContent, Repository, Tag
from registry.oci.errors import OCIError
from registry.storage import paths
from tests.support.images import Content, image

ONE = image("one")
CONFIG, LAYER = ONE.blobs


def fsck(*arguments: str) -> tuple[int, str]:
    """Its exit code and its output."""
    out = StringIO()
    try:
        call_command("fsck", *arguments, stdout=out, no_color=True)
    except CommandError as error:
        return error.returncode, out.getvalue() + str(error)
    return 0, out.getvalue()


@pytest.fixture
def pushed(shore):
    """A registry with one image in two repositories."""
    shore.push("library/a", ONE)
    shore.push("library/b", ONE)
    return shore


def lose(shore, blob: Content) -> None:
    shore.store.delete(paths.blob_path(blob.digest))


def spoil(shore, blob: Content) -> None:
    """Other bytes of the same length."""
    shore.store.put(paths.blob_path(blob.digest), bytes(len(blob.data)))


def test_a_sound_registry(pushed):
    assert fsck("--verify") == (0, "The database and the store agree.\n")


def test_a_blob_without_bytes_is_found_and_told_what_to_do_about(pushed):
    lose(pushed, LAYER)
    status, told = fsck()
    assert status == 1
    assert f"missing: {LAYER.digest}: the store has no bytes for it; 2 repositories show it" in told
    assert "--repair" in told
    assert pushed.shows("library/a", LAYER), "looking changes nothing"


def test_a_missing_blob_is_hidden_so_that_the_next_push_brings_it_back(pushed):
    lose(pushed, LAYER)
    generations = dict(Repository.objects.values_list("name", "generation"))
    status, told = fsck("--repair")
    assert (status, "[mended]" in told) == (1, True)
    assert not pushed.shows("library/a", LAYER)
    assert not pushed.mount("library/b", "library/c", LAYER)
    assert all(row.generation > generations[row.name] for row in Repository.objects.filter(name__in=generations))
    assert Entry.objects.get(action="blob.repair").target == LAYER.digest
    pushed.push("library/a", ONE)
    assert pushed.is_whole("library/a", ONE)


def test_what_came_back_with_one_push_is_shown_again_everywhere(pushed):
    lose(pushed, LAYER)
    fsck("--repair")
    pushed.push("library/a", ONE)
    status, told = fsck("--repair")
    assert (status, told.count("hidden: library/b@")) == (1, 1)
    assert pushed.is_whole("library/b", ONE)
    assert fsck("--verify")[0] == 0


def test_a_hidden_blob_that_never_came_back_is_no_finding(pushed):
    lose(pushed, LAYER)
    fsck("--repair")
    assert fsck("--verify")[0] == 0


def test_other_bytes_are_found_by_reading_them(pushed):
    spoil(pushed, LAYER)
    assert fsck()[0] == 0
    status, told = fsck("--verify")
    assert status == 1
    assert f"corrupt: {LAYER.digest}" in told


def test_bytes_of_another_length_are_found_without_reading_everything(pushed):
    pushed.store.put(paths.blob_path(LAYER.digest), LAYER.data[:-1])
    status, told = fsck()
    assert (status, f"corrupt: {LAYER.digest}" in told) == (1, True)


def test_corrupt_bytes_are_kept_in_quarantine_and_the_next_push_replaces_them(pushed):
    spoil(pushed, LAYER)
    assert "[mended]" in fsck("--verify", "--quarantine")[1]
    kept = pushed.store.read(paths.quarantine_path(LAYER.digest))
    assert b"".join(kept) == bytes(len(LAYER.data))
    assert pushed.bytes_of(LAYER) is None
    assert not pushed.shows("library/b", LAYER)
    entry = Entry.objects.get(action="blob.quarantine")
    assert (entry.target, entry.after["kept_at"]) == (LAYER.digest, paths.quarantine_path(LAYER.digest))
    pushed.push("library/b", ONE)
    assert pushed.is_whole("library/b", ONE)


def test_a_wrong_size_in_the_database_is_corrected_when_the_bytes_are_right(pushed):
    Blob.objects.filter(digest=LAYER.digest).update(size=1)
    status, told = fsck()
    assert (status, "wrong size" in told) == (1, True)
    fsck("--repair")
    assert Blob.objects.get(digest=LAYER.digest).size == len(LAYER.data)
    assert fsck()[0] == 0


def test_files_without_a_row_are_left_to_gc(shore):
    stray = Content("", b"stray")
    shore.store.put(paths.blob_path(stray.digest), stray.data)
    assert fsck()[0] == 0, "it may belong to a push that is not done"
    status, told = fsck("--grace", "0", "--repair", "--quarantine")
    assert (status, f"no row: {stray.digest}" in told, "gc frees it" in told) == (1, True, True)
    assert shore.bytes_of(stray) == stray.data


def test_a_manifest_that_is_not_what_its_digest_says_is_put_aside_with_its_tags(pushed):
    Manifest.objects.filter(repository__name="library/a").update(payload=b"{}", size=2)
    status, told = fsck()
    assert (status, f"corrupt manifest: library/a@{ONE.digest}" in told) == (1, True)
    assert Tag.objects.count() == 2
    fsck("--quarantine")
    assert b"".join(pushed.store.read(paths.quarantine_path(ONE.digest))) == b"{}"
    assert Entry.objects.get(action="manifest.quarantine").before["tags"] == ["1"]
    pushed.push("library/a", ONE)
    assert pushed.is_whole("library/a", ONE)
    assert fsck()[0] == 0


def test_a_use_that_no_row_tells_of_is_noted_before_gc_frees_the_blob(pushed):
    ManifestBlob.objects.filter(manifest__repository__name="library/a", blob__digest=LAYER.digest).delete()
    status, told = fsck()
    assert (status, f"unguarded: library/a@{ONE.digest}" in told) == (1, True)
    fsck("--repair")
    call_command("gc", "--grace", "0", stdout=StringIO())
    assert pushed.is_whole("library/a", ONE)
    assert fsck()[0] == 0


def test_a_link_condemned_in_spite_of_its_use_is_shown_again(pushed):
    BlobLink.objects.filter(repository__name="library/a").update(condemned_at=timezone.now())
    assert fsck("--repair")[1].count("hidden: library/a@") == 2
    assert pushed.is_whole("library/a", ONE)


def test_a_store_that_is_away_is_not_taken_for_an_empty_one(pushed, tmp_path):
    (tmp_path / "store").rename(tmp_path / "elsewhere")
    status, told = fsck("--repair", "--quarantine")
    assert (status, "The store does not work" in told) == (1, True)
    (tmp_path / "elsewhere").rename(tmp_path / "store")
    assert pushed.is_whole("library/a", ONE)


def test_a_repair_does_nothing_when_a_push_was_faster(pushed, monkeypatch):
    """The blob comes back between the finding and the repair."""
    from registry.services import mend

    lose(pushed, LAYER)
    lock = mend._lock

    def push_then_lock(blob: Blob) -> None:
        pushed.store.put(paths.blob_path(LAYER.digest), LAYER.data)
        lock(blob)

    monkeypatch.setattr(mend, "_lock", push_then_lock)
    assert "[mended]" not in fsck("--repair")[1]
    assert pushed.is_whole("library/a", ONE)


def test_what_a_client_deleted_is_no_inconsistency(pushed):
    """The specification lets clients delete a blob before the manifest that uses it."""
    from audit.origin import SYSTEM
    from registry.services.blobs import delete_blob

    delete_blob(origin=SYSTEM, repository="library/a", digest=LAYER.digest)
    assert fsck("--verify")[0] == 0
    with pytest.raises(OCIError):
        delete_blob(origin=SYSTEM, repository="library/a", digest=LAYER.digest)


def test_usage_that_is_not_what_is_there_is_found_and_counted_anew(pushed):
    true = len(ONE.data) + sum(len(blob.data) for blob in ONE.blobs)
    NamespaceContent.objects.filter(digest=LAYER.digest).delete()
    status, told = fsck()
    assert status == 1
    assert f"wrong usage: library: it is said to take up {true - len(LAYER.data)} bytes, and takes up {true}" in told
    assert "[mended]" in fsck("--repair")[1]
    assert fsck()[0] == 0
    entry = Entry.objects.get(action="usage.recount")
    assert (entry.project, entry.after) == ("library", {"bytes": true})
