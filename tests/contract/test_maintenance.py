"""gc, purge, schedule and jobservice."""

from typing import Any

import pytest

from tests.contract.bodies import GC, PURGE, at
from tests.contract.conftest import Person
from tests.contract.walk import REFUSED, Caller
from tests.support.api import id_of
from tests.support.processes import wait_until

NIGHTLY = "0 0 3 * * *"


def test_garbage_is_collected_now_and_leaves_a_log(admin: Caller):
    run = {"gc_id": id_of(admin("createGCSchedule", 201, body=at("Manual", GC)))}
    wait_until(lambda: admin("getGC", 200, **run).json()["job_status"] == "Success", "garbage was collected")
    found = admin("getGC", 200, **run).json()
    assert (found["id"], found["job_kind"], found["schedule"]["type"]) == (run["gc_id"], "MANUAL", "Manual")
    assert '"dry_run"' in found["job_parameters"]
    history = admin("getGCHistory", 200, sort="-id", page_size=100).json()
    assert run["gc_id"] in [row["id"] for row in history]
    assert admin("getGCLog", 200, **run).text
    admin("stopGC", 200, **run)


def test_the_journal_is_purged_now_and_leaves_a_log(admin: Caller):
    run = {"purge_id": id_of(admin("createPurgeSchedule", 201, body=at("Manual", PURGE)))}
    wait_until(lambda: admin("getPurgeJob", 200, **run).json()["job_status"] == "Success", "the journal was purged")
    found = admin("getPurgeJob", 200, **run).json()
    assert (found["id"], found["job_kind"]) == (run["purge_id"], "MANUAL")
    assert '"audit_retention_hour"' in found["job_parameters"]
    assert run["purge_id"] in [row["id"] for row in admin("getPurgeHistory", 200, page_size=100).json()]
    assert admin("getPurgeJobLog", 200, **run).text
    admin("stopPurge", 200, **run)


def test_garbage_is_collected_at_night(admin: Caller):
    admin("createGCSchedule", 201, body=at("Custom", GC, NIGHTLY))
    found = admin("getGCSchedule", 200).json()
    assert (found["schedule"]["type"], found["schedule"]["cron"]) == ("Custom", NIGHTLY)
    assert found["schedule"]["next_scheduled_time"]
    listed = admin("listSchedules", 200, page_size=100).json()
    assert "GARBAGE_COLLECTION" in {row["vendor_type"] for row in listed}
    admin("updateGCSchedule", 200, body=at("Daily", GC, "0 0 0 * * *"))
    assert admin("getGCSchedule", 200).json()["schedule"]["type"] == "Daily"
    admin("updateGCSchedule", 200, body=at("None", GC))
    assert admin("getGCSchedule", 200).json()["schedule"]["type"] == "None"


def test_the_journal_is_purged_at_night(admin: Caller):
    admin("createPurgeSchedule", 201, body=at("Custom", PURGE, NIGHTLY))
    found = admin("getPurgeSchedule", 200).json()
    assert (found["schedule"]["type"], found["schedule"]["cron"]) == ("Custom", NIGHTLY)
    assert '"audit_retention_hour"' in found["job_parameters"]
    admin("updatePurgeSchedule", 200, body=at("Daily", PURGE, "0 0 0 * * *"))
    assert admin("getPurgeSchedule", 200).json()["schedule"]["type"] == "Daily"
    admin("updatePurgeSchedule", 200, body=at("None", PURGE))
    assert admin("getPurgeSchedule", 200).json()["schedule"]["type"] == "None"


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("createGCSchedule", at("Custom", GC, "whenever")),
        ("createGCSchedule", at("Manual", GC | {"workers": 99})),
        ("updateGCSchedule", at("Custom", GC, "* * * * * *")),
        ("createPurgeSchedule", at("Custom", PURGE, "whenever")),
        ("createPurgeSchedule", at("Manual", {})),
        ("createPurgeSchedule", at("Manual", PURGE | {"audit_retention_hour": 10**9})),
        ("updatePurgeSchedule", at("Custom", PURGE, "")),
    ],
)
def test_schedules_that_make_no_sense_are_refused(admin: Caller, operation: str, body: dict[str, Any]):
    admin(operation, REFUSED, body=body)


def test_maintenance_is_for_administrators(admin: Caller, someone: Person, anonymous: Caller):
    for missing in ("getGC", "getGCLog", "stopGC"):
        admin(missing, 404, gc_id=10**9)
    for missing in ("getPurgeJob", "getPurgeJobLog", "stopPurge"):
        admin(missing, 404, purge_id=10**9)
    reads = ("getGCHistory", "getGCSchedule", "getPurgeHistory", "getPurgeSchedule", "listSchedules", "listJobQueues")
    for operation in (*reads, "getWorkerPools"):
        someone.call(operation, 403)
        anonymous(operation, 401)
    someone.call("createGCSchedule", 403, body=at("Manual", GC))
    someone.call("createPurgeSchedule", 403, body=at("Manual", PURGE))


def test_queues_are_paused_and_resumed(admin: Caller):
    queue = {"job_type": "GARBAGE_COLLECTION"}

    def paused() -> bool:
        return next(row for row in admin("listJobQueues", 200).json() if row["job_type"] == queue["job_type"])["paused"]

    assert paused() is False
    admin("actionPendingJobs", 200, **queue, body={"action": "pause"})
    try:
        assert paused() is True
        waiting = {"gc_id": id_of(admin("createGCSchedule", 201, body=at("Manual", GC)))}
        assert admin("getGC", 200, **waiting).json()["job_status"] == "Running"
        admin("actionPendingJobs", 200, **queue, body={"action": "stop"})
        assert admin("getGC", 200, **waiting).json()["job_status"] == "Stopped"
    finally:
        admin("actionPendingJobs", 200, **queue, body={"action": "resume"})
    assert paused() is False
    admin("actionPendingJobs", REFUSED, **queue, body={"action": "dance"})
    admin("actionPendingJobs", 404, job_type="NO_SUCH_QUEUE", body={"action": "pause"})


def test_all_schedules_can_be_found_paused(admin: Caller, someone: Person, anonymous: Caller):
    assert admin("getSchedulePaused", 200, job_type="all").json() == {"paused": False}
    someone.call("getSchedulePaused", 200, job_type="all")
    anonymous("getSchedulePaused", 401, job_type="all")
    admin("getSchedulePaused", (400, 404), job_type="none")


def test_workers_are_seen_in_their_pools(admin: Caller, someone: Person):
    def pools() -> list[dict[str, Any]]:
        return admin("getWorkerPools", 200).json()

    wait_until(pools, "a worker has shown itself")
    assert pools()[0]["concurrency"] >= 1
    admin("getWorkers", 200, pool_id=pools()[0]["worker_pool_id"])
    admin("getWorkers", 200, pool_id="all")
    someone.call("getWorkers", 403, pool_id="all")


def test_a_job_is_stopped_and_its_log_read(admin: Caller, someone: Person):
    admin("stopRunningJob", 404, job_id="0" * 24)
    admin("actionGetJobLog", 404, job_id="0" * 24)
    someone.call("stopRunningJob", 403, job_id="0" * 24)
    someone.call("actionGetJobLog", 403, job_id="0" * 24)
    admin("stopRunningJob", 200, job_id="all")
