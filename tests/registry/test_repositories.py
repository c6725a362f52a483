"""Repositories: described, deleted at once and cleared away later; namespaces that wait for that."""

import pytest

from audit.origin import SYSTEM, Origin
from jobs.models import Job, State
from registry import selectors
from registry.distribution.threads import in_database_thread
from registry.models import Blob, BlobLink, Manifest, Namespace, NamespaceContent, Repository, Tag, Upload
from registry.oci.errors import OCIError
from registry.services import clearing
from registry.services.clearing import clear_repository, resume_clearing
from registry.services.garbage import collect_garbage
from registry.services.namespaces import delete_namespace
from registry.services.recount import compare
from registry.services.repositories import delete_repository, update_repository
from tests.registry.conftest import BASE, NOW, entries, expect, push, upload
from tests.support.images import artifact, digest_of, image, index

ALICE = Origin("alice", "user", request_id="request-1")


def delete(name="library/app") -> int:
    """Deletes a repository; the id of what is left of it."""
    pk = Repository.objects.get(name=name).pk
    delete_repository(origin=SYSTEM, name=name)
    return pk


def clear(repository_id: int, **given) -> int:
    """Clears away what is left of `library/app`; how many manifests it held."""
    return clear_repository(repository_id, origin=ALICE, name="library/app", **given)


def test_a_description_is_kept_and_journalled(client):
    push(client, image(), "latest")
    update_repository(origin=SYSTEM, name="library/app", description="what it is for")
    assert Repository.objects.get().description == "what it is for"
    (entry,) = entries("repository.update")
    assert (entry.target, entry.before, entry.after) == (
        "library/app",
        {"description": ""},
        {"description": "what it is for"},
    )
    with pytest.raises(OCIError):
        update_repository(origin=SYSTEM, name="library/nothing", description="")


def test_a_push_tells_when_the_repository_changed(client):
    push(client, image(), "latest")
    before = Repository.objects.get().updated_at
    push(client, image("other"), "latest")
    assert Repository.objects.get().updated_at > before


def test_a_deleted_repository_is_gone_at_once(client):
    content = push(client, image(), "latest", "v1")
    location = client.post(f"{BASE}/blobs/uploads/").location
    assert client.get(f"{BASE}/manifests/latest").status == 200
    delete()
    for url in (f"manifests/{content.digest}", "manifests/latest", f"blobs/{content.blobs[0].digest}", "tags/list"):
        expect(client.get(f"{BASE}/{url}"), 404, "NAME_UNKNOWN")
    expect(client.get(location), 404, "BLOB_UPLOAD_UNKNOWN")
    assert client.get("/v2/_catalog").json == {"repositories": []}
    (entry,) = entries("repository.delete")
    assert (entry.project, entry.target, entry.before) == ("library", "library/app", {"manifests": 1, "tags": 2})
    with pytest.raises(OCIError):
        delete_repository(origin=SYSTEM, name="library/app")


def test_its_name_is_free_at_once(client):
    push(client, image("old"), "latest")
    pk = delete()
    content = push(client, image("new"), "latest")
    clear(pk)
    assert client.get(f"{BASE}/manifests/latest").body == content.data
    assert client.get(f"{BASE}/tags/list").json["tags"] == ["latest"]


def test_a_job_clears_away_all_it_held(client, namespace):
    push(client, index([image("one"), image("two")]), "latest")
    push(client, artifact("text/plain", subject=image("one")))
    kept = push(client, image("kept"), "latest", repository="library/kept")
    upload(client, b"unused")
    client.post(f"{BASE}/blobs/uploads/")
    pk = delete()
    (job,) = Job.objects.filter(kind="registry.delete-repository")
    assert job.args == {"repository_id": pk, "name": "library/app"}
    assert clear(pk) == 4
    assert clear(pk) == 0
    assert [row.name for row in Repository.objects.all()] == ["library/kept"]
    assert [row.digest for row in Manifest.objects.all()] == [kept.digest]
    assert not Upload.objects.exists()
    assert compare(namespace.pk)[0] == compare(namespace.pk)[1] == len(kept.data) + sum(len(b.data) for b in kept.blobs)
    collect_garbage(grace=NOW)
    assert {blob.digest for blob in Blob.objects.all()} == {blob.digest for blob in kept.blobs}


def test_clearing_that_was_cut_off_goes_on_where_it_was(client, namespace, monkeypatch):
    monkeypatch.setattr(clearing, "_MANIFESTS", 2)
    for number in range(5):
        push(client, image(str(number)), str(number))
    pk = delete()
    seen = []

    def cut_off(done, total):
        seen.append((done, total))
        if done == 4:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        clear(pk, progress=cut_off)
    assert seen == [(2, 5), (4, 5)]
    assert Manifest.objects.count() == 1
    assert len(set(compare(namespace.pk))) == 1
    assert clear(pk) == 1
    assert [model.objects.count() for model in (Repository, Manifest, BlobLink, Tag, NamespaceContent)] == [0] * 5
    assert selectors.usage(namespace.pk) == 0


def test_what_is_cleared_away_is_journalled_for_whoever_deleted_it(client, monkeypatch):
    monkeypatch.setattr(clearing, "_MANIFESTS", 2)
    one, two = image("one"), image("two")
    whole = push(client, index([one, two]), "latest")
    signature = push(client, artifact("text/plain", subject=one))
    push(client, two, "two", "zwei")
    delete_repository(origin=ALICE, name="library/app")
    (job,) = Job.objects.filter(kind="registry.delete-repository")
    assert job.asked_by == ALICE
    clear_repository(**job.args, origin=job.asked_by)
    told = entries("repository.clear")
    assert {(entry.actor, entry.project, entry.target) for entry in told} == {("alice", "library", "library/app")}
    assert [entry.before for entry in told] == [
        {"artifacts": [{"digest": two.digest, "tags": ["two", "zwei"]}], "with": [one.digest]},
        {"artifacts": [{"digest": whole.digest, "tags": ["latest"]}], "with": [signature.digest]},
    ]
    assert not entries("job.enqueue")


def test_the_journal_holds_what_is_cleared_away_however_many_tags_there_were(client):
    for number in range(30):
        push(client, image(str(number)), *(f"{number:0>3}-{tag:x>124}" for tag in range(20)))
    delete_repository(origin=ALICE, name="library/app")
    (job,) = Job.objects.filter(kind="registry.delete-repository")
    clear_repository(**job.args, origin=job.asked_by)
    (entry,) = entries("repository.clear")
    assert len(entry.before["artifacts"]) == 30
    assert sum(len(artifact["tags"]) for artifact in entry.before["artifacts"]) == 200


def test_what_is_cleared_away_later_is_still_told_by_name(client):
    content = push(client, image(), "latest")
    delete_repository(origin=ALICE, name="library/app")
    Job.objects.update(state=State.ERROR)
    assert resume_clearing() == 1
    again = Job.objects.latest("number")
    clear_repository(**again.args, origin=again.asked_by)
    (entry,) = entries("repository.clear")
    assert (entry.actor, entry.target) == ("alice", "library/app")
    assert entry.before["artifacts"] == [{"digest": content.digest, "tags": ["latest"]}]


def test_a_living_repository_is_not_cleared(client):
    push(client, image(), "latest")
    assert clear(Repository.objects.get().pk) == 0
    assert client.get(f"{BASE}/manifests/latest").status == 200


def test_a_blob_whose_repository_was_deleted_while_it_came_is_refused(client):
    def body():
        yield b"some bytes "
        yield in_database_thread(lambda: clear(delete()))
        yield b"and more"

    location = client.post(f"{BASE}/blobs/uploads/").location
    url = f"{location}?digest={digest_of(b'some bytes and more')}"
    expect(client.put(url, body()), 404, "BLOB_UPLOAD_UNKNOWN")
    assert not Blob.objects.exists()


# --- namespaces -------------------------------------------------------------------------------------------------------------


def test_a_namespace_with_a_repository_stays(client, namespace):
    push(client, image(), "latest")
    assert not delete_namespace(namespace)
    assert client.get(f"{BASE}/manifests/latest").status == 200


def test_an_empty_namespace_goes(namespace):
    assert delete_namespace(namespace)
    assert not Namespace.objects.exists()
    assert delete_namespace(namespace)


def test_a_namespace_goes_with_the_last_deleted_repository(client, namespace):
    push(client, image(), "latest")
    push(client, image(), "latest", repository="library/other")
    first, second = delete(), delete("library/other")
    assert delete_namespace(namespace)
    expect(client.post(f"{BASE}/blobs/uploads/"), 403, "DENIED")
    again = Namespace.objects.create(name="library")
    push(client, image(), "latest")
    clear(first)
    assert Namespace.objects.count() == 2
    clear(second)
    assert list(Namespace.objects.all()) == [again]
    assert client.get(f"{BASE}/manifests/latest").status == 200
