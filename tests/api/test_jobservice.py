from audit.models import Entry
from audit.origin import SYSTEM
from jobs.models import Job, State, WorkerPool
from jobs.services import declare_schedules, enqueue
from portal.retention.services import retention_create


def test_queues_are_stopped_held_back_and_let_go_on(admin, somebody):
    enqueue("registry.gc")
    queues = {queue["job_type"]: queue for queue in admin.get("/jobservice/queues").json()}
    assert queues["GARBAGE_COLLECTION"]["count"] == 1
    assert queues["GARBAGE_COLLECTION"]["paused"] is False

    for action in ("pause", "resume", "stop"):
        assert admin.put("/jobservice/queues/GARBAGE_COLLECTION", {"action": action}).status_code == 200
        if action == "pause":
            assert admin.get("/schedules/GARBAGE_COLLECTION/paused").json() == {"paused": True}
    assert Job.objects.get().state == State.STOPPED
    assert list(Entry.objects.order_by("id").values_list("action", flat=True))[-3:] == [
        "queue.pause",
        "queue.resume",
        "queue.stop",
    ]
    assert admin.put("/jobservice/queues/NONSENSE", {"action": "stop"}).status_code == 404
    assert admin.put("/jobservice/queues/GARBAGE_COLLECTION", {"action": "explode"}).status_code == 422
    assert somebody.get("/jobservice/queues").status_code == 403


def test_a_queue_is_named_in_any_letters(admin):
    enqueue("registry.fold-usage")
    assert admin.put("/jobservice/queues/REGISTRY.FOLD-USAGE", {"action": "pause"}).status_code == 200
    assert admin.get("/schedules/Registry.fold-usage/paused").json() == {"paused": True}
    for everything in ("ALL", "all"):
        assert admin.put(f"/jobservice/queues/{everything}", {"action": "stop"}).status_code == 200
    assert Job.objects.get().state == State.STOPPED
    assert admin.get("/schedules/ALL/paused").json() == {"paused": False}


def test_what_runs_goes_on_when_its_queue_is_stopped(admin):
    enqueue("registry.gc")
    Job.objects.update(state=State.RUNNING)
    assert admin.put("/jobservice/queues/GARBAGE_COLLECTION", {"action": "stop"}).status_code == 200
    assert not Job.objects.get().stop_requested


def test_schedules_tell_whose_they_are_and_when_they_run(admin, project):
    declare_schedules()
    policy = retention_create(project=project, rules=[], cron="0 0 3 * * *", origin=SYSTEM)
    listed = {row["vendor_type"]: row for row in admin.get("/schedules", page_size=100).json()}
    assert (listed["RETENTION"]["vendor_id"], listed["RETENTION"]["cron"]) == (policy.pk, "0 0 3 * * *")
    assert (listed["GARBAGE_COLLECTION"]["vendor_id"], listed["GARBAGE_COLLECTION"]["cron"]) == (-1, "0 0 */6 * * *")
    assert listed["registry.purge-uploads"]["cron"] == ""  # It has an interval.
    assert all(row["update_time"] for row in listed.values())


def test_all_schedules_are_held_back_together(admin):
    declare_schedules()
    assert len(admin.get("/schedules", page_size=100).json()) > 2
    assert admin.put("/jobservice/queues/SCHEDULER", {"action": "pause"}).status_code == 200
    assert admin.get("/schedules/all/paused").json() == {"paused": True}
    assert admin.put("/jobservice/queues/SCHEDULER", {"action": "resume"}).status_code == 200
    assert admin.get("/schedules/all/paused").json() == {"paused": False}


def test_workers_are_shown_with_what_they_do(admin):
    WorkerPool.objects.create(id="host:1:abc", host="host", pid=1, concurrency=4)
    job = enqueue("registry.gc")
    Job.objects.update(state=State.RUNNING, owner="host:1:abc:7")
    assert [pool["worker_pool_id"] for pool in admin.get("/jobservice/pools").json()] == ["host:1:abc"]
    for pool in ("all", "host:1:abc"):
        worker, *idle = admin.get(f"/jobservice/pools/{pool}/workers").json()
        assert (worker["job_name"], worker["job_id"]) == ("GARBAGE_COLLECTION", str(job.pk))
        assert [sorted(one) for one in idle] == [["id", "pool_id"]] * 3
    assert admin.get("/jobservice/pools/nowhere/workers").status_code == 404


def test_a_job_is_stopped_and_its_log_read(admin):
    job = enqueue("registry.gc")
    assert admin.put(f"/jobservice/jobs/{job.pk}").status_code == 200
    assert Job.objects.get().state == State.STOPPED
    assert Entry.objects.filter(action="job.stop", actor="admin").exists()
    assert admin.get(f"/jobservice/jobs/{job.pk}/log").status_code == 200
    for nothing in ("nonsense", "0", "9" * 19, "9" * 4500):
        assert admin.get(f"/jobservice/jobs/{nothing}/log").status_code == 404
