"""A push acknowledged by one instance is what the next pull from the other returns, with caches hot and Redis unwell."""

import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import redis

from tests.robustness.clients import client, digest_on
from tests.support.images import Content, digest_of, image
from tests.support.registry import Registry

IMAGES = [image(f"version {number}") for number in range(8)]


class Tag:
    """A tag that is pushed to one instance and read from the other."""

    def __init__(self, instances, repository: str) -> None:
        self.repository = repository
        self.clients = [client(instance, repository) for instance in instances]
        self._others = [client(instance, repository) for instance in instances]
        for content in IMAGES:
            self.clients[0].push(repository, content)

    def alternate(self, times: int) -> None:
        for number in range(times):
            self.move(number % 2, number)

    def move(self, writer: int, number: int) -> None:
        content = IMAGES[number % len(IMAGES)]
        self.clients[writer].put_manifest(self.repository, content, "moving")
        assert digest_on(self.clients[1 - writer], self.repository, "moving") == content.digest

    @contextmanager
    def kept_hot(self) -> Iterator[None]:
        """While others read the tag from both instances all the time."""
        stopped = threading.Event()

        def read(registry: Registry) -> None:
            while not stopped.is_set():
                digest_on(registry, self.repository, "moving")

        self.move(0, 0)
        with ThreadPoolExecutor(2) as pool:
            readers = [pool.submit(read, registry) for registry in self._others]
            try:
                yield
            finally:
                stopped.set()
            for reader in readers:
                reader.result()


@pytest.fixture
def redis_client(cluster):
    with redis.Redis(port=cluster.redis.port) as found:
        yield found


def test_hundreds_of_alternations_under_readers(cluster):
    tag = Tag(cluster.instances, "library/alternating")
    with tag.kept_hot():
        tag.alternate(200)


def test_a_deleted_tag_is_gone_everywhere(cluster):
    tag = Tag(cluster.instances, "library/deleted")
    for number in range(20):
        tag.move(number % 2, number)
        tag.clients[number % 2].delete("library/deleted", "moving")
        answer = tag.clients[1 - number % 2].request("GET", "/v2/library/deleted/manifests/moving")
        assert answer.status_code == 404


def test_without_redis_the_promise_is_kept_and_with_it_again(cluster):
    tag = Tag(cluster.instances, "library/without-redis")
    with tag.kept_hot():
        tag.alternate(20)
        cluster.redis.stop()
        try:
            tag.alternate(3)
        finally:
            cluster.redis.start()
        tag.alternate(20)


def test_a_redis_that_comes_back_with_old_data_does_not_bring_back_old_tags(cluster, redis_client):
    tag = Tag(cluster.instances, "library/old-data")
    tag.alternate(4)
    for _ in range(3):  # The other instance now believes what Redis says of the tag.
        digest_on(tag.clients[1], tag.repository, "moving")
    redis_client.save()
    cluster.redis.stop()
    try:
        tag.clients[0].put_manifest(tag.repository, IMAGES[5], "moving")
    finally:
        cluster.redis.start()
    assert digest_on(tag.clients[1], tag.repository, "moving") == IMAGES[5].digest


def test_a_redis_that_forgets_everything_changes_nothing(cluster, redis_client):
    tag = Tag(cluster.instances, "library/forgotten")
    with tag.kept_hot():
        for number in range(20):
            tag.move(number % 2, number)
            redis_client.flushall()


def test_every_chunk_may_go_to_another_instance(cluster):
    clients = [client(instance, "library/chunks") for instance in cluster.instances]
    data = random.randbytes(300_000)
    location = clients[0].start_upload("library/chunks").removeprefix(clients[0].url)
    for number in range(6):
        chunk = data[number * 50_000 : (number + 1) * 50_000]
        answer = clients[number % 2].request("PATCH", location, data=chunk)
        assert answer.status_code == 202, answer.text
        location = answer.headers["Location"].removeprefix(clients[number % 2].url)
    digest = digest_of(data)
    assert clients[1].request("PUT", f"{location}?digest={digest}").status_code == 201
    for registry in clients:
        assert registry.pull_blob("library/chunks", Content("", data).descriptor()).data == data
