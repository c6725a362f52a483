"""Metrics, logs and readiness of a real server with several processes."""

import json
import os
import re
import signal

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support import portolan
from tests.support.images import image
from tests.support.portolan import Portolan
from tests.support.processes import program, run, wait_until

REPOSITORY = "library/watched"


@pytest.fixture(scope="module")
def instance():
    with portolan.server(workers="2", log_format="json") as started:
        yield started


def value(instance: Portolan, name: str, **labels: str) -> float:
    families = text_string_to_metric_families(instance.http("GET", "/metrics").text)
    samples = [sample for family in families for sample in family.samples]
    return sum(sample.value for sample in samples if sample.name == name and labels.items() <= sample.labels.items())


def test_pulls_and_pushes_add_up_over_all_processes(instance: Portolan):
    client, content = instance.registry(), image("watched")
    client.push(REPOSITORY, content, "1")
    for _ in range(50):
        # Without a kept connection each pull may meet another process.
        client.request("GET", f"/v2/{REPOSITORY}/manifests/1", headers={"Connection": "close"}).raise_for_status()

    def pulls() -> float:
        return value(instance, "portolan_pulls_total", kind="manifest")

    wait_until(lambda: pulls() >= 50, "the pulls are counted")
    assert pulls() == 50
    assert value(instance, "portolan_pulls_total", kind="manifest", path="hot") >= 40
    assert value(instance, "portolan_pushes_total", kind="manifest") == 1
    route = "/v2/<name>/manifests/<reference>"
    assert value(instance, "harbor_core_http_request_total", method="GET", code="200", operation=route) == 50


def test_what_ended_processes_counted_stays_and_what_they_were_doing_goes(instance: Portolan):
    pings = {"operation": "api/v2.0/ping", "code": "200"}
    for _ in range(20):
        instance.http("GET", "/api/v2.0/ping", headers={"Connection": "close"})
    before = value(instance, "harbor_core_http_request_total", **pings)
    counting = processes_with_gauges(instance)
    for member in instance.processes:
        if member.pid in counting:
            member.kill()
    wait_until(lambda: instance.ready() and not counting & processes_with_gauges(instance), "others have taken over")
    assert value(instance, "harbor_core_http_request_total", **pings) >= before
    assert value(instance, "harbor_core_http_inflight_requests") == 1, "this very scrape"


def processes_with_gauges(instance: Portolan) -> set[int]:
    """The processes whose gauges a scrape adds up; it forgets those that have ended."""
    instance.http("GET", "/metrics")
    return {int(path.stem.rpartition("_")[2]) for path in (instance.directory / "metrics").glob("gauge*.db")}


def test_runs_of_jobs_are_counted_by_the_worker(instance: Portolan):
    instance.manage("jobs", "run", "jobs.prune", "--queue")
    done = {"type": "jobs.prune", "status": "Success"}
    wait_until(lambda: value(instance, "harbor_jobservice_task_total", **done), "the run is counted")


def test_every_line_of_the_log_is_an_object_and_tells_its_request(instance: Portolan):
    instance.http("GET", "/v2/", headers={"X-Request-Id": "asked-by-me"})
    instance.http("POST", "/c/login", data={"principal": "x", "password": "hush-hush"})

    def lines() -> list[str]:
        return [line for line in instance.log.splitlines() if line.startswith("{")]

    wait_until(lambda: any("/c/login" in line for line in lines()), "the requests are logged")
    told = [json.loads(line) for line in lines()]
    (asked,) = [line for line in told if line.get("request_id") == "asked-by-me"]
    assert (asked["method"], asked["path"], asked["status"]) == ("GET", "/v2/", 401)
    assert "hush-hush" not in instance.log
    assert not re.search(r"^(\[|Traceback)", instance.log, re.MULTILINE), "a library writes lines of its own"


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/api/v2.0/ping", "/admin/login/", "/v2/"])
def test_head_has_no_body_which_http_2_insists_on(instance: Portolan, path: str):
    # HTTP/2 without TLS, as a client begins it that knows what it speaks to.
    said = run(
        [program("curl"), "--silent", "--noproxy", "*", "--http2-prior-knowledge", "--head", instance.url + path]
    )
    assert said.startswith(("HTTP/2 200", "HTTP/2 401"))


def test_an_instance_that_stops_says_so_first():
    with portolan.server(drain_seconds="60") as instance:
        assert instance.http("GET", "/livez").text == "alive"
        (serve,) = instance.processes[:1]
        os.kill(serve.pid, signal.SIGTERM)
        wait_until(lambda: instance.http("GET", "/readyz").status_code == 503, "load balancers are told")
        assert instance.http("GET", "/livez").status_code == 200
        assert instance.http("GET", "/api/v2.0/ping").text == "Pong"
        assert instance.stop() == 0, "the second signal ends the wait"
        assert not (instance.directory / "metrics").exists()
