import json

import pytest

from audit.models import Entry
from jobs.models import Job, Schedule
from jobs.runner import work
from jobs.services import declare_schedules

DAILY = {"schedule": {"type": "Daily"}, "parameters": {"delete_untagged": True}}


def test_garbage_is_collected_by_hand(admin):
    started = admin.post("/system/gc/schedule", {"schedule": {"type": "Manual"}, "parameters": {"dry_run": True}})
    assert started.status_code == 201
    location = started["Location"].removeprefix("/api/v2.0")
    run = admin.get(location).json()
    assert run["job_name"] == "GARBAGE_COLLECTION"
    assert run["job_kind"] == "MANUAL"
    assert run["job_status"] == "Running"  # As a run; its job may wait for a worker.
    assert json.loads(run["job_parameters"])["dry_run"] is True
    for q in ("", "job_status=Running"):
        assert [found["id"] for found in admin.get("/system/gc", q=q).json()] == [run["id"]]
    assert admin.get("/system/gc", q="job_status=Pending").json() == []
    assert Entry.objects.filter(action="job.enqueue").exists()

    assert admin.put(location).status_code == 200
    assert admin.get(location).json()["job_status"] == "Stopped"
    assert Entry.objects.filter(action="job.stop", actor="admin").exists()
    assert admin.get(f"{location}/log")["Content-Type"].startswith("text/plain")


@pytest.mark.django_db(transaction=True)
def test_a_run_tells_what_it_freed(admin, settings, tmp_path):
    location = admin.post("/system/gc/schedule", {"schedule": {"type": "Manual"}})["Location"]
    work()
    run = admin.get(location.removeprefix("/api/v2.0")).json()
    assert run["job_status"] == "Success"
    assert {"freed_space", "purged_blobs", "purged_manifests"} <= set(json.loads(run["job_parameters"]))
    assert b"freed" in admin.get(location.removeprefix("/api/v2.0") + "/log").content


def test_each_run_by_hand_has_the_parameters_it_was_given(admin):
    trial, earnest = [
        admin.post("/system/gc/schedule", {"schedule": {"type": "Manual"}, "parameters": {"dry_run": dry_run}})
        for dry_run in (True, False)
    ]
    runs = [admin.get(answer["Location"].removeprefix("/api/v2.0")).json() for answer in (trial, earnest)]
    assert runs[0]["id"] != runs[1]["id"]
    assert [json.loads(run["job_parameters"])["dry_run"] for run in runs] == [True, False]
    assert [job.args["dry_run"] for job in Job.objects.order_by("pk")] == [True, False]


def test_the_schedule_that_comes_with_the_system_may_be_sent_back(admin):
    declare_schedules()
    shown = admin.get("/system/gc/schedule").json()["schedule"]
    assert (shown["type"], shown["cron"]) == ("Custom", "0 0 */6 * * *")
    assert admin.put("/system/gc/schedule", {"schedule": {"type": "Custom", "cron": shown["cron"]}}).status_code == 200
    assert admin.get("/system/gc/schedule").json()["schedule"]["cron"] == "0 0 */6 * * *"


def test_a_schedule_takes_the_place_of_the_one_there_was(admin):
    admin.post("/system/gc/schedule", {"schedule": {"type": "Weekly"}})
    assert admin.post("/system/gc/schedule", DAILY).status_code == 201
    entry = Entry.objects.filter(action="schedule.set").last()
    assert (entry.before["when"], entry.after["when"]) == ("0 0 0 * * 0", "0 0 0 * * *")
    shown = admin.get("/system/gc/schedule").json()
    assert shown["schedule"]["type"] == "Daily"
    assert shown["schedule"]["cron"] == "0 0 0 * * *"
    assert json.loads(shown["job_parameters"]) == {
        "delete_untagged": True,
        "delete_tag": False,
        "dry_run": False,
        "workers": 1,
    }


@pytest.mark.parametrize(
    ("kind", "cron", "shown"),
    [
        ("Hourly", "", ("Hourly", "0 0 * * * *")),
        ("Daily", "0 30 4 * * *", ("Daily", "0 30 4 * * *")),
        ("Custom", "0 0 0 * * *", ("Custom", "0 0 0 * * *")),
        ("Schedule", "0 0 5 * * *", ("Custom", "0 0 5 * * *")),
    ],
)
def test_type_and_cron_are_shown_as_they_were_set(admin, kind, cron, shown):
    assert admin.put("/system/gc/schedule", {"schedule": {"type": kind, "cron": cron}}).status_code == 200
    schedule = admin.get("/system/gc/schedule").json()["schedule"]
    assert (schedule["type"], schedule["cron"]) == shown
    assert Schedule.objects.get().cron == shown[1]


def test_a_schedule_without_a_type_changes_nothing(admin):
    admin.post("/system/gc/schedule", DAILY)
    for send in (admin.post, admin.put):
        assert send("/system/gc/schedule", {"schedule": {}}).status_code == 400
    assert admin.get("/system/gc/schedule").json()["schedule"]["type"] == "Daily"


def test_a_schedule_changes_and_ends(admin):
    admin.post("/system/gc/schedule", DAILY)
    custom = {"schedule": {"type": "Custom", "cron": "0 30 4 * * *"}, "parameters": {}}
    assert admin.put("/system/gc/schedule", custom).status_code == 200
    assert admin.get("/system/gc/schedule").json()["schedule"]["cron"] == "0 30 4 * * *"
    assert admin.put("/system/gc/schedule", {"schedule": {"type": "None"}}).status_code == 200
    assert admin.get("/system/gc/schedule").json() == {"schedule": {"type": "None"}}
    assert Entry.objects.filter(action="schedule.set").count() == 3


def test_what_is_no_schedule_is_refused(admin, somebody, nobody):
    for body, status in [
        ({"schedule": {"type": "Custom", "cron": "whenever"}}, 400),
        ({"schedule": {"type": "Custom", "cron": f"0 {','.join(map(str, range(60)))} * * * *"}}, 400),
        ({"schedule": {"type": "Custom"}}, 400),
        ({"schedule": {"type": "Schedule"}}, 400),
        ({"schedule": {"type": "Daily", "cron": "whenever"}}, 400),
        ({"schedule": {"type": "Sometimes"}}, 422),
        ({"schedule": "Daily"}, 422),
        ({}, 422),
        ({"schedule": {"type": "Daily"}, "parameters": {"dry_run": "yes"}}, 400),
    ]:
        assert admin.post("/system/gc/schedule", body).status_code == status, body
    assert somebody.get("/system/gc").status_code == 403
    assert somebody.post("/system/gc/schedule", DAILY).status_code == 403
    assert nobody.get("/system/gc/schedule").status_code == 401
    assert admin.get("/system/gc/999999").status_code == 404
    assert not Schedule.objects.exists()
    assert not Job.objects.exists()
