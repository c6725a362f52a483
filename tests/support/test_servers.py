"""The harness itself: servers come up, images are what they say, the small client agrees with an independent registry."""

import psycopg
import pytest
import redis

from tests.support import images
from tests.support.processes import MissingPeer
from tests.support.registry import Registry


def test_each_database_is_empty_and_of_one_test_alone(postgres_server):
    first, second = postgres_server.create(), postgres_server.create()
    with psycopg.connect(first) as connection:
        connection.execute("CREATE TABLE only_here ()")
    with psycopg.connect(second) as connection:
        assert connection.execute("SELECT to_regclass('only_here')").fetchone() == (None,)


def test_redis_answers(redis_url):
    with redis.Redis.from_url(redis_url) as client:
        assert client.ping()


@pytest.mark.parametrize("docker", [False, True])
def test_what_was_pushed_is_pulled_byte_identical(docker_registry, docker):
    registry = Registry(f"http://{docker_registry}")
    members = [images.image("multi", docker=docker, architecture=name) for name in ("amd64", "arm64")]
    pushed = images.index(members, docker=docker)
    assert registry.push("harness/multi", pushed, "1") == pushed.digest
    assert registry.pull("harness/multi", "1") == pushed
    assert registry.tags("harness/multi") == ["1"]


def test_docker_engine_answers(docker_engine):
    assert docker_engine("info", "--format", "{{.Driver}}").strip() == "vfs"


def test_a_missing_program_names_its_package():
    from tests.support.processes import program

    with pytest.raises(MissingPeer, match="apt-get install some-package"):
        program("no-such-program", "some-package")
