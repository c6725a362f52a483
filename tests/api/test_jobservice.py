from audit.models import Entry
from jobs.models import Job, State, WorkerPool
from jobs.services import declare_schedules, enqueue


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
        (worker,) = admin.get(f"/jobservice/pools/{pool}/workers").json()
        assert worker["job_id"] == str(job.pk)
    assert admin.get("/jobservice/pools/nowhere/workers").status_code == 404


def test_a_job_is_stopped_and_its_log_read(admin):
    job = enqueue("registry.gc")
    assert admin.put(f"/jobservice/jobs/{job.pk}").status_code == 200
    assert Job.objects.get().state == State.STOPPED
    assert Entry.objects.filter(action="job.stop", actor="admin").exists()
    assert admin.get(f"/jobservice/jobs/{job.pk}/log").status_code == 200
    assert admin.get("/jobservice/jobs/nonsense/log").status_code == 404
