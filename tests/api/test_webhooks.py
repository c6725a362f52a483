import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import Entry
from audit.origin import SYSTEM
from jobs.models import Job, State
from portal.projects.models import Role
from portal.projects.services import project_create
from portal.webhooks.models import Delivery
from tests.api.conftest import make_member
from tests.webhooks.conftest import carry_out, pushed, receiver  # noqa: F401 - a fixture

POLICIES = "/projects/apps/webhook/policies"


def body(name="hook", address="http://127.0.0.1:9/hook", events=("PUSH_ARTIFACT",), **change):
    target = {"type": "http", "address": address, "skip_cert_verify": True, "payload_format": "Default"}
    given = {"name": name, "description": "tells", "enabled": True, "event_types": list(events), "targets": [target]}
    return given | change


def target(**change):
    return [{"type": "http", "address": "http://127.0.0.1:9/"} | change]


def location(answer):
    assert answer.status_code == 201, answer.content
    return answer["Location"].removeprefix("/api/v2.0")


def test_a_policy_is_made_changed_and_removed(admin, project):
    given = body(targets=target(auth_header="Bearer s3cret"))
    where = location(admin.post(POLICIES, given))
    found = admin.get(where).json()
    assert where == f"{POLICIES}/{found['id']}"
    assert (found["project_id"], found["creator"], found["enabled"]) == (project.pk, "admin", True)
    assert found["targets"] == [
        {
            "type": "http",
            "address": "http://127.0.0.1:9",
            "auth_header": "Bearer s3cret",
            "skip_cert_verify": False,
            "payload_format": "Default",
        }
    ]
    assert admin.put(where, found | {"enabled": False, "name": "other"}).status_code == 200
    [listed] = admin.get(POLICIES, q="name=~oth,enabled=false").json()
    assert listed["targets"] == found["targets"]
    assert admin.delete(where).status_code == 200
    assert admin.get(where).status_code == 404
    entries = Entry.objects.filter(action__startswith="webhook.").order_by("id")
    assert [entry.action for entry in entries] == ["webhook.create", "webhook.update", "webhook.delete"]
    assert "s3cret" not in str(list(entries.values()))


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("receiver.example:8080/hook", "http://receiver.example:8080/hook"),
        (" https://receiver.example/hook/ ", "https://receiver.example/hook"),
        ("http://receiver.example/?key=/", "http://receiver.example/?key=/"),
    ],
)
def test_an_address_gets_a_scheme_and_loses_its_last_slash(admin, project, given, kept):
    where = location(admin.post(POLICIES, body(address=given)))
    assert admin.get(where).json()["targets"][0]["address"] == kept


def test_names_are_taken_once_in_a_project(admin, project):
    project_create(name="other", owner=None, origin=SYSTEM)
    location(admin.post(POLICIES, body("one")))
    two = location(admin.post(POLICIES, body("two")))
    assert admin.post(POLICIES, body("one")).status_code == 409
    assert admin.put(two, body("one")).status_code == 409
    location(admin.post("/projects/other/webhook/policies", body("one")))


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"name": ""}, 400),
        ({"name": "x" * 300}, 400),
        ({"name": "x\0"}, 422),
        ({"event_types": []}, 400),
        ({"event_types": ["FULL_MOON"]}, 400),
        ({"event_types": [5]}, 422),
        ({"targets": []}, 400),
        ({"targets": target() * 6}, 400),
        ({"targets": [{}]}, 422),
        ({"targets": target(type="pigeon")}, 400),
        ({"targets": target(payload_format="XML")}, 400),
        ({"targets": target(type="slack", payload_format="CloudEvents")}, 400),
        ({"targets": target(address="ftp://127.0.0.1/")}, 400),
        ({"targets": target(address="http://")}, 400),
        ({"targets": target(address="")}, 400),
        ({"targets": target(address="http://[::1")}, 400),
        ({"targets": target(address="http://host:99999/")}, 400),
        ({"targets": target(address="http://host/a b")}, 400),
        ({"targets": target(address="http://host/\r\nX: y")}, 400),
        ({"targets": target(address="http://bücher.example/")}, 400),
        ({"targets": target(address="http://me:secret@host/")}, 400),
        ({"targets": target(address="http://host/" + "x" * 3000)}, 400),
        ({"targets": target(auth_header="a\r\nX-Other: b")}, 400),
        ({"targets": target(skip_cert_verify="no")}, 422),
        ({"enabled": "yes"}, 422),
    ],
)
def test_what_is_no_policy_is_refused(admin, project, change, status):
    assert admin.post(POLICIES, body(**change)).status_code == status
    assert admin.get(POLICIES).json() == []


def test_a_project_has_so_many_policies_and_no_more(admin, project):
    for number in range(20):
        location(admin.post(POLICIES, body(f"hook{number}")))
    refused = admin.post(POLICIES, body("one too many"))
    assert refused.status_code == 400
    assert "at most 20 webhook policies" in refused.content.decode()


def test_what_was_delivered_is_told(admin, project, receiver):  # noqa: F811
    where = location(admin.post(POLICIES, body(address=receiver.url)))
    policy_id = int(where.rpartition("/")[2])
    pushed("v1")
    delivery = Delivery.objects.get()
    [run] = admin.get(f"{where}/executions").json()
    assert (run["id"], run["vendor_type"], run["vendor_id"]) == (delivery.pk, "WEBHOOK", policy_id)
    assert (run["status"], run["trigger"]) == ("Running", "EVENT")
    assert run["metrics"] == {"task_count": 1, "pending_task_count": 1}
    assert run["extra_attrs"]["event_type"] == "PUSH_ARTIFACT"

    carry_out(delivery)
    Job.objects.update(state=State.SUCCESS)
    [task] = admin.get(f"{where}/executions/{run['id']}/tasks").json()
    assert (task["execution_id"], task["status"], task["run_count"]) == (run["id"], "Success", 1)
    log = admin.get(f"{where}/executions/{run['id']}/tasks/{task['id']}/log")
    assert log["Content-Type"].startswith("text/plain")
    assert "Delivered: 200" in log.content.decode()

    [job] = admin.get("/projects/apps/webhook/jobs", policy_id=policy_id, status="Success,Error").json()
    assert (job["event_type"], job["notify_type"], job["status"]) == ("PUSH_ARTIFACT", "http", "Success")
    assert admin.get("/projects/apps/webhook/jobs", policy_id=policy_id, status="Error").json() == []
    assert admin.get("/projects/apps/webhook/jobs").status_code == 400
    assert admin.get("/projects/apps/webhook/jobs", policy_id="9" * 30).status_code == 400
    assert admin.get("/projects/apps/webhook/jobs", policy_id=policy_id + 1).status_code == 404

    assert admin.get(f"{where}/executions/{run['id'] + 1}/tasks").status_code == 404
    assert admin.get(f"{where}/executions/{run['id']}/tasks/{task['id'] + 1}/log").status_code == 404


def test_deliveries_are_found_by_the_status_they_are_shown_with(admin, project):
    where = location(admin.post(POLICIES, body()))
    pushed("v1")
    pushed("v2")
    done, waiting = Delivery.objects.order_by("pk")
    Job.objects.filter(pk=done.job_id).update(state=State.SUCCESS)
    for status, found in [("Running", [waiting.pk]), ("Success", [done.pk]), ("Pending", [])]:
        told = admin.get(f"{where}/executions", q=f"status={status}").json()
        assert [(run["id"], run["status"]) for run in told] == [(pk, status) for pk in found]
    for status, found in [("Pending", [waiting.pk]), ("Running", [])]:
        tasks = admin.get(f"{where}/executions/{waiting.pk}/tasks", q=f"status={status}").json()
        assert [(task["id"], task["status"]) for task in tasks] == [(pk, status) for pk in found]
    assert [run["id"] for run in admin.get(f"{where}/executions", sort="status").json()] == [waiting.pk, done.pk]


def test_the_last_call_of_each_policy_and_event_is_told(admin, project):
    location(admin.post(POLICIES, body("hook", events=("PUSH_ARTIFACT", "PULL_ARTIFACT"))))
    pushed("v1")
    pushed("v2")
    told = admin.get("/projects/apps/webhook/lasttrigger").json()
    assert [(row["policy_name"], row["event_type"], "last_trigger_time" in row) for row in told] == [
        ("hook", "PUSH_ARTIFACT", True),
        ("hook", "PULL_ARTIFACT", False),
    ]


def test_what_a_policy_can_be_made_of_is_told(admin, project):
    told = admin.get("/projects/apps/webhook/events").json()
    assert {"PUSH_ARTIFACT", "REPLICATION", "SCANNING_FAILED"} <= set(told["event_type"])
    assert told["notify_type"] == ["http", "slack"]
    assert told["payload_formats"] == [{"notify_type": "http", "formats": ["Default", "CloudEvents"]}]


def test_webhooks_are_the_business_of_who_may(admin, somebody, nobody, project):
    mia = make_member(project, "mia", Role.MAINTAINER)
    where = location(admin.post(POLICIES, body()))
    pushed("v1")
    run = f"{where}/executions/{Delivery.objects.get().pk}"
    reads = [
        POLICIES,
        where,
        f"{where}/executions",
        f"{run}/tasks",
        "/projects/apps/webhook/lasttrigger",
        "/projects/apps/webhook/events",
    ]
    for path in reads:
        assert mia.get(path).status_code == 200, path
    for caller, status in [(somebody, 403), (nobody, 401)]:
        for path in [*reads, "/projects/apps/webhook/jobs"]:
            assert caller.get(path).status_code == status, path
    for caller, status in [(mia, 403), (somebody, 403), (nobody, 401)]:
        assert caller.post(POLICIES, body("other")).status_code == status
        assert caller.put(where, body()).status_code == status
        assert caller.delete(where).status_code == status


def test_policies_of_other_projects_are_not_found(admin, project):
    project_create(name="other", owner=None, origin=SYSTEM)
    where = location(admin.post(POLICIES, body())).replace("apps", "other")
    assert admin.get(where).status_code == 404
    assert admin.put(where, body()).status_code == 404
    assert admin.delete(where).status_code == 404
    assert admin.get(f"{where}/executions").status_code == 404


def test_ids_of_any_size_are_not_found(admin, project):
    huge = 10**30
    where = location(admin.post(POLICIES, body()))
    assert admin.get(f"{POLICIES}/{huge}").status_code == 404
    assert admin.get(f"{where}/executions/{huge}/tasks").status_code == 404
    assert admin.get(f"{where}/executions", q=f"id={huge}").status_code == 400
    assert admin.get(f"{where}/executions", q="status=Running,start_time=[2026-01-01~],nothing=1").json() == []
    assert admin.delete(f"/projects/apps/immutabletagrules/{huge}").status_code == 404
    assert admin.get(f"/retentions/{huge}").status_code == 404
    assert admin.get(f"/retentions/{huge}/executions/{huge}/tasks/{huge}").status_code == 404


def test_lists_take_as_many_queries_however_long_they_are(admin, project):
    where = location(admin.post(POLICIES, body("first")))
    paths = [POLICIES, f"{where}/executions", "/projects/apps/webhook/lasttrigger"]
    counts = []
    for upto in (2, 20):
        for number in range(len(admin.get(POLICIES, page_size=100).json()), upto):
            location(admin.post(POLICIES, body(f"hook{number}")))
        while Delivery.objects.filter(policy__name="first").count() < upto:
            pushed("v1")
        for path in paths:
            with CaptureQueriesContext(connection) as queries:
                assert len(admin.get(path, page_size=100).json()) == upto
            counts.append(len(queries))
    assert counts[:3] == counts[3:]
