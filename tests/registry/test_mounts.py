"""Mounting blobs across repositories."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError, connection, transaction

from audit.origin import SYSTEM
from registry import statements
from registry.models import BlobLink, Repository
from registry.oci.names import digest_of
from registry.services.repositories import delete_repository, ensure_repository, lock_repository
from tests.registry.conftest import PULL, PUSH, Someone, entries, expect, upload

DATA = b"shared by many"
DIGEST = digest_of(DATA)
TARGET = "/v2/library/target/blobs"


def mount(client, digest=DIGEST, source="library/source"):
    query = f"mount={digest}" + (f"&from={source}" if source else "")
    return client.post(f"{TARGET}/uploads/?{query}")


@pytest.fixture
def source(client):
    upload(client, DATA, repository="library/source")


def test_a_mounted_blob_is_there_at_once(client, source):
    answer = expect(mount(client), 201)
    assert answer.location == f"{TARGET}/{DIGEST}"
    assert answer.headers["docker-content-digest"] == DIGEST
    assert client.get(answer.location).body == DATA


def test_it_outlives_the_one_it_came_from(client, source):
    mount(client)
    client.delete(f"/v2/library/source/blobs/{DIGEST}")
    assert client.get(f"{TARGET}/{DIGEST}").body == DATA


def test_mounting_twice_is_no_error(client, source):
    expect(mount(client), 201)
    expect(mount(client), 201)


@pytest.mark.parametrize("repository", ["library/other", "library/source", ""])
def test_what_cannot_be_mounted_is_to_be_uploaded(client, source, repository):
    unknown = digest_of(b"never pushed")
    answer = expect(mount(client, unknown, repository), 202)
    expect(client.head(f"{TARGET}/{unknown}"), 404)
    expect(client.put(f"{answer.location}?digest={unknown}", b"never pushed"), 201)


def test_a_blob_that_the_source_does_not_show_is_not_mounted(client, source):
    upload(client, b"other", repository="library/other")
    expect(mount(client, source="library/other"), 202)
    client.delete(f"/v2/library/source/blobs/{DIGEST}")
    expect(mount(client), 202)


def test_without_a_source_only_what_is_here_already(client, source):
    expect(mount(client, source=""), 202)
    mount(client)
    expect(mount(client, source=""), 201)


def test_the_source_must_be_readable(client, new_instance, doorkeeper, source):
    doorkeeper.people[b"Bearer writer"] = Someone(
        "writer", {"library/target": (PULL, PUSH), "library/source": (PUSH,), "library/nowhere": (PULL,)}
    )
    writer = new_instance("writer")
    expect(mount(writer), 202)
    expect(mount(writer, source="library/nowhere"), 202)
    expect(client.head(f"{TARGET}/{DIGEST}"), 404)


def test_a_token_that_says_nothing_of_the_source_is_asked_to_be_better(new_instance, doorkeeper, source):
    doorkeeper.people[b"Bearer writer"] = Someone("writer", {"library/target": (PULL, PUSH)})
    answer = expect(mount(new_instance("writer")), 401, "UNAUTHORIZED")
    scopes = 'scope="repository:library/target:pull,push repository:library/source:pull"'
    assert scopes in answer.headers["www-authenticate"]


@pytest.mark.parametrize("query", ["mount=", "mount=sha256:abc", "mount=nonsense&from=library/source"])
def test_what_is_no_digest_is_refused(client, query):
    expect(client.post(f"{TARGET}/uploads/?{query}"), 400, "DIGEST_INVALID")


@pytest.mark.parametrize("source", ["UPPER/case", "..", "a//b"])
def test_what_is_no_name_is_refused(client, source):
    expect(client.post(f"{TARGET}/uploads/?mount={DIGEST}&from={source}"), 400, "NAME_INVALID")


def test_the_journal_tells_from_where(client, source):
    mount(client)
    (entry,) = entries("blob.mount")
    assert entry.target == f"library/target@{DIGEST}"
    assert entry.after == {"digest": DIGEST, "from": "library/source"}


def test_a_mount_into_a_repository_that_is_deleted_just_now_does_not_reach_it(client, source, monkeypatch):
    def found_and_then_deleted(name, *, origin):
        row = ensure_repository(name, origin=origin)
        delete_repository(origin=origin, name=name)
        return row

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr("registry.services.blobs.ensure_repository", found_and_then_deleted)
        expect(mount(client), 202)
    assert not BlobLink.objects.filter(repository__deleted_at__isnull=False).exists()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer")
def test_while_a_blob_is_mounted_into_a_repository_nobody_deletes_it_and_pushes_go_on(client, source):
    repository = Repository.objects.get(name="library/source")

    def elsewhere(verb, **options):
        """Does it in a transaction of another connection, which does not wait for locks."""
        try:
            with transaction.atomic():
                connection.cursor().execute("SET LOCAL lock_timeout = '50ms'")
                verb(name=repository.name, **options)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as other, transaction.atomic():
        assert statements.keep_repository(repository.pk)
        other.submit(elsewhere, lock_repository).result()
        with pytest.raises(OperationalError):
            other.submit(elsewhere, delete_repository, origin=SYSTEM).result()
