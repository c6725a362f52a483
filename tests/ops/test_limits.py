"""How many requests one caller may send."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from audit.origin import SYSTEM
from portal import limits
from portal.configuration.services import configuration_update, forget
from registry.redis_client import connect


@pytest.fixture(autouse=True)
def _ten_a_second(settings):
    """So 100 requests at once of a user, 100 of an address, and 2 logins."""
    settings.RATE_LIMIT = 10


def allowed(kind: str, key: str = "user:ada", tries: int = 300) -> int:
    return sum(limits.check(key, kind) == 0 for _ in range(tries))


def test_a_caller_may_send_a_burst_and_is_then_told_how_long_to_wait():
    assert 100 <= allowed("api") < 150
    assert limits.check("user:ada", "api") == 1


def test_callers_and_kinds_are_counted_apart():
    allowed("api")
    assert limits.check("user:grace", "api") == 0
    assert limits.check("user:ada", "anonymous") == 0


def test_logins_are_few():
    assert allowed("login", "address:192.0.2.1", tries=30) == 2
    assert limits.check("address:192.0.2.1", "login") > 1


def test_waiting_helps(monkeypatch):
    now = 1000.0
    monkeypatch.setattr("portal.limits.time.monotonic", lambda: now)
    allowed("api")
    wait = limits.check("user:ada", "api")
    now += wait
    assert limits.check("user:ada", "api") == 0


def test_zero_means_no_limit(settings):
    settings.RATE_LIMIT = 0
    assert allowed("login", tries=500) == 500


def test_a_person_counts_everywhere_and_a_stranger_by_address():
    assert limits.caller_key("ada", "user", "192.0.2.1") == limits.caller_key("ada", "user", "192.0.2.2")
    assert limits.caller_key("anonymous", "anonymous", "192.0.2.1") == "address:192.0.2.1"
    assert limits.address_key("2001:db8::1") == limits.address_key("2001:db8::2")


def test_a_flood_of_addresses_does_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(limits, "_MOST_KEYS", 50)
    for number in range(1000):
        limits.check(f"address:{number}", "anonymous")
    assert len(limits._own._whole) <= 50


@pytest.fixture
def shared(redis_url, settings):
    settings.REDIS_URL = redis_url
    limits._shared.cache_clear()
    connect(redis).flushdb()
    yield
    limits._shared.cache_clear()


@pytest.mark.usefixtures("shared")
def test_instances_share_their_counts_in_redis():
    one, other = limits.Shared(), limits.Shared()
    results = [instance.check("login:x", 60, 3) for _ in range(3) for instance in (one, other)]
    assert [wait == 0 for wait in results] == [True, True, True, False, False, False]
    assert 59 < results[-1] <= 60


@pytest.mark.usefixtures("shared")
def test_many_at_once_get_exactly_the_burst():
    instance = limits.Shared()
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(lambda _: instance.check("api:x", 600, 25), range(100)))
    assert results.count(0) == 25


@pytest.mark.usefixtures("shared")
def test_what_redis_remembers_goes_away_by_itself():
    limits.check("user:ada", "api")
    (key,) = connect(redis).keys("portolan:limit:*")
    assert 0 < connect(redis).pttl(key) <= 100


def test_without_redis_each_process_counts(settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    limits._shared.cache_clear()
    assert 100 <= allowed("api") < 150
    limits._shared.cache_clear()


def test_whoever_looks_for_names_that_are_taken_is_slowed_down(client, db):
    configuration_update(changes={"self_registration": True}, origin=SYSTEM)
    forget()
    form = {"target": "username", "value": "ada"}
    assert [client.post("/c/userExists", form).status_code for _ in range(3)] == [200, 200, 429]


def test_the_rest_api_tells_who_asks_too_often_when_to_come_back(client, db):
    answers = [client.get("/api/v2.0/systeminfo") for _ in range(120)]
    refused = answers[-1]
    assert (answers[0].status_code, refused.status_code) == (200, 429)
    assert refused.json()["errors"][0]["code"] == "TOO_MANY_REQUEST"
    assert int(refused["Retry-After"]) >= 1
