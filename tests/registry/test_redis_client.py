"""Redis behind its sentinels, as PORTOLAN_REDIS_URL may name it."""

import asyncio

import pytest
import redis
import redis.asyncio

from registry.redis_client import connect
from tests.support.processes import Child, free_port, listening, program, stopped_after


@pytest.fixture
def sentinel_url(redis_url, tmp_path):
    """A sentinel that watches the private Redis."""
    port = free_port()
    master_port = redis_url.rpartition(":")[2].partition("/")[0]
    configuration = tmp_path / "sentinel.conf"
    configuration.write_text(
        f"port {port}\nbind 127.0.0.1\ndir {tmp_path}\nsentinel monitor main 127.0.0.1 {master_port} 1\n"
    )
    argv = [program("redis-server"), str(configuration), "--sentinel"]
    with stopped_after(Child(argv, log=tmp_path / "log")) as child:
        child.start(lambda: listening(port))
        yield f"sentinel://127.0.0.1:{port}/main/2"


def test_the_master_is_found_through_a_sentinel(sentinel_url, settings):
    settings.REDIS_URL = sentinel_url
    with connect(redis, socket_timeout=2) as client:
        client.set("greeting", "ahoy")
        assert client.get("greeting") == b"ahoy"


def test_the_event_loop_finds_it_too(sentinel_url, settings):
    settings.REDIS_URL = sentinel_url

    async def ask():
        async with connect(redis.asyncio, socket_timeout=2) as client:
            answer = await client.ping()
            for sentinel in client.connection_pool.sentinel_manager.sentinels:
                await sentinel.aclose()
            return answer

    assert asyncio.run(ask())


def test_a_plain_url_names_the_server_itself(redis_url, settings):
    settings.REDIS_URL = redis_url
    with connect(redis) as client:
        assert client.ping()
