"""What a namespace takes up, and what a quota refuses."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from audit.origin import SYSTEM
from registry import selectors
from registry.models import Blob, Manifest, Namespace, NamespaceContent, NamespaceUsage
from registry.oci.errors import OCIError
from registry.services import manifests, uploads, usage
from registry.services.garbage import collect_garbage
from registry.services.recount import compare, recount
from tests.registry.conftest import BASE, NOW, expect, push, upload
from tests.support.images import Content, artifact, image, index, manifest

LAYER = Content("application/octet-stream", b"x" * 1000)


@pytest.fixture
def used(client, namespace):
    """A function that gives the usage, after making sure that it agrees with what is there and with the other selector."""

    def look() -> int:
        told, true = compare(namespace.pk)
        assert told == true == selectors.usage(namespace.pk)
        assert selectors.usages([namespace.pk]) == {namespace.pk: told}
        return told

    return look


def parts_of(content):
    """The content and all it refers to."""
    inner = (part for member in getattr(content, "members", ()) for part in parts_of(member))
    return [content, *getattr(content, "blobs", ()), *inner]


def size_of(*contents) -> int:
    """The bytes of the contents with all they refer to, each counted once."""
    parts = {part.digest: part for content in contents for part in parts_of(content)}
    return sum(len(part.data) for part in parts.values())


def delete(client, content, repository="library/app"):
    expect(client.delete(f"/v2/{repository}/manifests/{content.digest}"), 202)


# --- what counts --------------------------------------------------------------------------------------------------------


def test_an_empty_namespace_takes_up_nothing(used):
    assert used() == 0


def test_an_image_counts_with_all_it_refers_to(client, used):
    content = push(client, image(layers=3), "latest")
    assert used() == size_of(content)


def test_a_blob_counts_from_its_upload_on(client, used):
    upload(client, LAYER.data)
    assert used() == 1000
    upload(client, LAYER.data)
    upload(client, LAYER.data, "library/other")
    assert used() == 1000


def test_what_two_repositories_share_counts_once(client, used):
    content = push(client, image(), "latest")
    push(client, content, "latest", repository="library/other")
    assert used() == size_of(content)


def test_a_mounted_blob_counts_where_it_was_not(client, used):
    other = Namespace.objects.create(name="other")
    upload(client, LAYER.data)
    expect(client.post(f"/v2/other/app/blobs/uploads/?mount={LAYER.digest}&from=library/app"), 201)
    assert selectors.usages([other.pk]) == {other.pk: 1000}
    assert used() == 1000


def test_namespaces_count_for_themselves(client, namespace):
    content = push(client, image(), "latest")
    other = Namespace.objects.create(name="other")
    push(client, content, "latest", repository="other/app")
    both = {namespace.pk: size_of(content), other.pk: size_of(content)}
    assert selectors.usages([namespace.pk, other.pk]) == both


def test_a_deleted_image_counts_no_more(client, used):
    content = push(client, image(), "latest")
    kept = push(client, image("kept"), "kept")
    delete(client, content)
    assert used() == size_of(kept)


def test_what_another_image_uses_counts_on(client, used):
    one, two = (manifest(Content("text/plain", name), [LAYER]) for name in (b"one", b"two"))
    push(client, one, "one")
    push(client, two, "two", repository="library/other")
    delete(client, one)
    assert used() == size_of(two)
    delete(client, two, "library/other")
    assert used() == 0


def test_a_blob_that_stopped_counting_counts_again_with_the_next_manifest(client, used):
    content = push(client, image(), "latest")
    delete(client, content)
    expect(client.put(f"{BASE}/manifests/latest", content.data, content_type=content.media_type), 201)
    assert used() == size_of(content)


def test_deleting_an_index_takes_its_members_out(client, used):
    content = push(client, index([image("one"), image("two")]), "latest")
    delete(client, content)
    assert used() == 0


def test_a_removed_blob_counts_as_long_as_anything_needs_it(client, used):
    content = push(client, manifest(Content("text/plain", b"config"), [LAYER]), "latest")
    upload(client, b"alone")
    blob = Content("", b"alone")
    expect(client.delete(f"{BASE}/blobs/{LAYER.digest}"), 202)
    assert used() == size_of(content) + 5
    expect(client.delete(f"{BASE}/blobs/{blob.digest}"), 202)
    assert used() == size_of(content)


def test_a_blob_that_no_manifest_ever_used_counts_until_it_is_collected(client, used):
    upload(client, LAYER.data)
    upload(client, LAYER.data, "library/other")
    collect_garbage(grace=NOW)
    assert not Blob.objects.exists()
    assert used() == 0


# --- the counter ----------------------------------------------------------------------------------------------------------


def test_folding_changes_nothing_that_is_told(client, namespace, used):
    content = push(client, image(layers=3), "latest")
    other = push(client, image("other"), "other")
    assert usage.fold() == NamespaceContent.objects.count()
    assert NamespaceUsage.objects.get().folded_bytes == used() == size_of(content, other)
    assert usage.fold() == 0
    delete(client, content)
    assert NamespaceUsage.objects.get().folded_bytes == used() == size_of(other)


def test_folding_tells_how_far_it_is_and_may_be_ended(client, used, monkeypatch):
    monkeypatch.setattr(usage, "_BATCH", 1)
    push(client, image(), "latest")

    def end(done):
        if done == 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        usage.fold(end)
    assert NamespaceContent.objects.filter(folded=True).count() == 2
    assert used() == size_of(image())


def test_a_recount_mends_whatever_is_wrong(client, namespace, used):
    content = push(client, image(), "latest")
    usage.fold()
    NamespaceUsage.objects.update(folded_bytes=77)
    NamespaceContent.objects.filter(digest=content.digest).delete()
    NamespaceContent.objects.create(namespace=namespace, digest="sha256:gone", size=5)
    assert recount(namespace_id=namespace.pk, origin=SYSTEM)
    assert used() == size_of(content)
    assert not recount(namespace_id=namespace.pk, origin=SYSTEM)
    assert not recount(namespace_id=0, origin=SYSTEM)


# --- many at once -----------------------------------------------------------------------------------------------------------


def together(*calls):
    """Runs functions at once, in threads that leave no connection behind; what each gave or raised."""

    def run(call):
        try:
            return call()
        except OCIError as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def push_here(repository, content, tag):
    """A push as the services see it."""
    for blob in content.blobs:
        started = uploads.begin_upload(origin=SYSTEM, repository=repository)
        with uploads.open_upload(started) as appender:
            appender.write(blob.data)
            uploads.finish_upload(appender, origin=SYSTEM, repository=repository, digest=blob.digest)
    put = {"digest": "", "payload": content.data, "content_type": content.media_type}
    return manifests.put_manifest(origin=SYSTEM, repository=repository, tags=[tag], **put).digest


def sharing(name: str):
    """An image with a layer of its own and one that all have."""
    return manifest(Content("text/plain", name.encode()), [LAYER, Content("text/plain", b"of " + name.encode())])


def test_pushes_deletions_and_folding_at_once_leave_the_exact_usage(used):
    def push_and_delete(number):
        repository = f"library/{number}"
        for turn in range(4):
            digest = push_here(repository, sharing(f"{number}/{turn}"), "latest")
            push_here(repository, sharing("everybody's"), "shared")
            if turn != 3:
                manifests.delete_manifest(origin=SYSTEM, repository=repository, digest=digest)
            if turn % 2:
                shared = sharing("everybody's").digest
                manifests.delete_manifest(origin=SYSTEM, repository=repository, digest=shared)

    results = together(*(lambda number=number: push_and_delete(number) for number in range(4)), usage.fold, usage.fold)
    assert [result for result in results if isinstance(result, OCIError)] == []
    assert used() == size_of(*(sharing(f"{number}/3") for number in range(4)))
    assert Manifest.objects.count() == 4


def test_pushes_at_once_never_exceed_the_limit(used, gate, namespace):
    room = size_of(sharing("0"), sharing("1"), sharing("2"))
    gate.limits[namespace.pk] = room
    results = together(*(lambda n=n: push_here(f"library/{n}", sharing(str(n)), "latest") for n in range(6)))
    refused = [result for result in results if isinstance(result, OCIError)]
    assert all("will exceed the configured upper limit" in str(error) for error in refused)
    assert len(refused) >= 3
    assert used() <= room


# --- quotas ---------------------------------------------------------------------------------------------------------------


def test_a_push_that_fits_exactly_is_taken(client, gate, namespace, used):
    content = image(layers=2)
    gate.limits[namespace.pk] = size_of(content)
    push(client, content, "latest", "again")
    assert used() == size_of(content)
    assert gate.refused == []


def test_a_blob_that_does_not_fit_is_refused_with_the_numbers(client, gate, namespace, used):
    gate.limits[namespace.pk] = 999
    answer = expect(client.post(f"{BASE}/blobs/uploads/?digest={LAYER.digest}", LAYER.data), 403, "DENIED")
    assert answer.errors[0]["message"].startswith(
        "adding 1000 B of storage resource, which when updated to current usage of 0 B "
        "will exceed the configured upper limit of 999 B."
    )
    assert used() == 0
    assert not Blob.objects.exists()
    (told,) = gate.refused
    assert {name: told[name] for name in ("repository", "digest", "adding", "used", "limit")} == {
        "repository": "library/app",
        "digest": "",
        "adding": 1000,
        "used": 0,
        "limit": 999,
    }


def test_a_refused_upload_is_gone(client, gate, namespace, store_dir):
    location = client.post(f"{BASE}/blobs/uploads/").location
    gate.limits[namespace.pk] = 999
    expect(client.put(f"{location}?digest={LAYER.digest}", LAYER.data), 403, "DENIED")
    expect(client.get(location), 404, "BLOB_UPLOAD_UNKNOWN")
    assert [path for path in store_dir.rglob("*") if path.is_file() and path.stat().st_size] == []


def test_a_manifest_that_does_not_fit_is_refused_and_leaves_nothing(client, gate, namespace, used):
    content = image()
    for blob in content.blobs:
        upload(client, blob.data)
    before = gate.limits[namespace.pk] = used()
    answer = client.put(f"{BASE}/manifests/latest", content.data, content_type=content.media_type)
    expect(answer, 403, "DENIED")
    assert used() == before
    expect(client.head(f"{BASE}/manifests/latest"), 404)


def test_a_mount_that_does_not_fit_is_refused(client, gate, used):
    gate.limits[Namespace.objects.create(name="other").pk] = 999
    upload(client, LAYER.data)
    expect(client.post(f"/v2/other/app/blobs/uploads/?mount={LAYER.digest}&from=library/app"), 403, "DENIED")
    expect(client.head(f"/v2/other/app/blobs/{LAYER.digest}"), 404)


def test_what_is_there_already_is_free(client, gate, namespace, used):
    content = push(client, image(), "latest")
    gate.limits[namespace.pk] = used() + 1
    push(client, content, "again", repository="library/other")


def test_nothing_begins_in_a_full_namespace(client, gate, namespace):
    location = client.post(f"{BASE}/blobs/uploads/").location
    expect(client.patch(location, b"some bytes"), 202)
    gate.limits[namespace.pk] = 0
    expect(client.post(f"{BASE}/blobs/uploads/"), 403, "DENIED")
    expect(client.patch(location, b"more"), 403, "DENIED")
    expect(client.delete(location), 204)
    assert len(gate.refused) == 2


def test_a_tag_may_move_in_a_full_namespace(client, gate, namespace):
    one, two = push(client, image("one"), "one"), push(client, image("two"), "two")
    gate.limits[namespace.pk] = 0
    expect(client.put(f"{BASE}/manifests/two", one.data, content_type=one.media_type), 201)
    delete(client, two)


def test_an_artifact_counts_its_payload(client, used):
    content = push(client, artifact("text/plain", b"sbom", subject=image()))
    assert used() == size_of(content)
