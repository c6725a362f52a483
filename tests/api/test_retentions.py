import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import Entry
from audit.origin import SYSTEM
from jobs.models import Job, Schedule
from portal.projects.models import Role
from portal.projects.services import project_create
from portal.retention.models import RetentionExecution, RetentionTask
from portal.retention.selectors import policy_ids
from tests.api.conftest import make_member
from tests.retention.conftest import perform, push, rule


def body(project, *rules, cron=""):
    return {
        "algorithm": "or",
        "rules": list(rules),
        "trigger": {"kind": "Schedule", "settings": {"cron": cron}, "references": {}},
        "scope": {"level": "project", "ref": project.pk},
    }


def location(answer):
    assert answer.status_code == 201, answer.content
    return answer["Location"].removeprefix("/api/v2.0")


def test_a_policy_is_made_changed_and_removed(admin, project):
    where = location(admin.post("/retentions", body(project, rule("latestPushedK", 3), cron="0 0 2 * * *")))
    found = admin.get(where).json()
    assert where == f"/retentions/{found['id']}"
    assert policy_ids([project.pk, 10**6]) == {project.pk: found["id"]}
    assert found["rules"] == [rule("latestPushedK", 3) | {"id": 1}]
    assert found["trigger"] == {"kind": "Schedule", "settings": {"cron": "0 0 2 * * *"}, "references": {}}
    assert found["scope"] == {"level": "project", "ref": project.pk}
    assert Schedule.objects.get(kind="retention.run").cron == "0 0 2 * * *"

    assert admin.put(where, found | {"rules": [rule("always")]}).status_code == 200
    assert admin.get(where).json()["rules"][0]["template"] == "always"
    assert admin.delete(where).status_code == 200
    assert admin.get(where).status_code == 404
    assert not Schedule.objects.filter(kind="retention.run").exists()
    actions = [action for action in Entry.objects.order_by("id").values_list("action", flat=True) if "ret" in action]
    assert actions == ["retention.create", "retention.update", "retention.delete"]


def test_a_project_has_one_policy_and_a_policy_each_rule_once(admin, project):
    where = location(admin.post("/retentions", body(project, rule("always"))))
    assert admin.post("/retentions", body(project)).status_code == 400
    assert admin.put(where, body(project, rule("always"), rule("always"))).status_code == 409
    sixteen = [rule("latestPushedK", number) for number in range(16)]
    assert admin.put(where, body(project, *sixteen)).status_code == 400
    other = project_create(name="other", owner=None, origin=SYSTEM)
    assert admin.put(where, body(other)).status_code == 400


def test_what_go_clients_leave_empty_is_null(admin, project):
    where = location(admin.post("/retentions", body(project) | {"rules": None, "trigger": None}))
    trigger = {"kind": "Schedule", "settings": None, "references": None}
    always = rule("always") | {"params": None}
    assert admin.put(where, body(project, always) | {"trigger": trigger}).status_code == 200
    assert admin.get(where).json()["rules"][0]["params"] == {}


def test_a_run_tells_what_it_did(admin, project):
    old = push("apps/team/app", "v1", days=2)
    push("apps/team/app", "v2")
    where = location(admin.post("/retentions", body(project, rule("latestPushedK", 1))))
    run = location(admin.post(f"{where}/executions", {"dry_run": True}))
    [told] = admin.get(f"{where}/executions").json()
    assert {key: told[key] for key in ("status", "trigger", "dry_run")} == {
        "status": "Running",
        "trigger": "MANUAL",
        "dry_run": True,
    }
    assert run == f"{where}/executions/{told['id']}"
    assert "end_time" not in told

    perform(RetentionExecution.objects.get(pk=told["id"]))
    [told] = admin.get(f"{where}/executions").json()
    assert told["status"] == "Success"
    answer = admin.get(f"{run}/tasks")
    assert answer["X-Total-Count"] == "1"
    [task] = answer.json()
    assert {key: task[key] for key in ("repository", "status", "status_code", "total", "retained")} == {
        "repository": "team/app",
        "status": "Success",
        "status_code": 3,
        "total": 2,
        "retained": 1,
    }
    assert task["job_id"] == str(Job.objects.get(kind="retention.run").pk)
    log = admin.get(f"{run}/tasks/{task['id']}")
    assert log["Content-Type"] == "text/plain; charset=utf-8"
    assert old.digest in log.content.decode()
    assert admin.get(f"{run}/tasks/{task['id'] + 1}").status_code == 404
    assert admin.get(f"{where}/executions/{told['id'] + 1}/tasks").status_code == 404


def test_a_run_is_stopped(admin, project):
    where = location(admin.post("/retentions", body(project, rule("always"))))
    run = location(admin.post(f"{where}/executions", {}))
    assert admin.patch(run, {"action": "dance"}).status_code == 400
    assert admin.patch(run, {}).status_code == 422
    for _ in range(2):
        assert admin.patch(run, {"action": "stop"}).status_code == 200
    assert admin.get(f"{where}/executions").json()[0]["status"] == "Stopped"
    assert Entry.objects.filter(action="retention.stop").count() == 1


def test_a_task_that_its_job_left_behind_shares_the_jobs_state(admin, project):
    where = location(admin.post("/retentions", body(project, rule("always"))))
    run = location(admin.post(f"{where}/executions", {}))
    execution = RetentionExecution.objects.get()
    RetentionTask.objects.create(execution=execution, repository="app", state="Running")
    assert admin.get(f"{run}/tasks").json()[0]["status_code"] == 2
    admin.patch(run, {"action": "stop"})
    assert admin.get(f"{run}/tasks").json()[0]["status"] == "Stopped"


def test_policies_are_the_business_of_who_may(admin, somebody, nobody, project):
    dave = make_member(project, "dave", Role.DEVELOPER)
    gina = make_member(project, "gina", Role.GUEST)
    where = location(dave.post("/retentions", body(project, rule("always"))))
    run = location(dave.post(f"{where}/executions", {"dry_run": True}))
    for caller, status in [(gina, 403), (somebody, 403), (nobody, 401)]:
        assert caller.post("/retentions", body(project)).status_code == status
        assert caller.get(where).status_code == status
        assert caller.put(where, body(project)).status_code == status
        assert caller.post(f"{where}/executions", {}).status_code == status
        assert caller.get(f"{where}/executions").status_code == status
        assert caller.get(f"{run}/tasks").status_code == status
        assert caller.get(f"{run}/tasks/1").status_code == status
        assert caller.patch(run, {"action": "stop"}).status_code == status
        assert caller.delete(where).status_code == status
    assert nobody.get("/retentions/metadatas").status_code == 401
    nowhere = body(project) | {"scope": {"level": "project", "ref": 10**6}}
    assert somebody.post("/retentions", nowhere).status_code == 403
    assert admin.post("/retentions", nowhere).status_code == 400


def test_a_run_of_another_policy_is_not_found(admin, project):
    other = project_create(name="other", owner=None, origin=SYSTEM)
    mine = location(admin.post("/retentions", body(project, rule("always"))))
    theirs = location(admin.post("/retentions", body(other, rule("always"))))
    run = location(admin.post(f"{mine}/executions", {})).replace(mine, theirs)
    assert admin.patch(run, {"action": "stop"}).status_code == 404
    assert admin.get(f"{run}/tasks").status_code == 404


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"algorithm": "and"}, 400),
        ({"rules": [rule("newestMoon", 1)]}, 400),
        ({"rules": [{}]}, 422),
        ({"rules": {}}, 422),
        ({"scope": {"level": "system", "ref": 1}}, 400),
        ({"scope": None}, 422),
        ({"trigger": {"kind": "Moon", "settings": {}}}, 400),
        ({"trigger": {"kind": "Schedule", "settings": {"cron": "often"}}}, 400),
        ({"trigger": {"kind": "Schedule", "settings": {"cron": 5}}}, 400),
        ({"trigger": {"kind": "Schedule", "settings": {"cron": "0 0 0 31 2 *"}}}, 400),
        ({"trigger": {"kind": "Schedule", "settings": {"cron": "0 " * 200}}}, 400),
    ],
)
def test_what_is_no_policy_is_refused(admin, project, change, status):
    given = body(project) | change
    if change.get("scope"):
        given["scope"] = change["scope"] | {"ref": project.pk}
    assert admin.post("/retentions", given).status_code == status
    assert policy_ids([project.pk]) == {}


def test_the_templates_are_told(somebody):
    told = somebody.get("/retentions/metadatas").json()
    templates = {row["rule_template"]: row for row in told["templates"]}
    assert templates["nDaysSinceLastPull"]["params"] == [{"type": "int", "unit": "DAYS", "required": True}]
    assert templates["always"]["params"] == []
    assert told["tag_selectors"][0]["decorations"] == ["matches", "excludes"]


def test_lists_take_as_many_queries_however_long_they_are(admin, project):
    where = location(admin.post("/retentions", body(project, rule("always"))))
    counts = []
    for upto in (2, 60):
        while RetentionExecution.objects.count() < upto:
            run = location(admin.post(f"{where}/executions", {}))
            admin.patch(run, {"action": "stop"})
            RetentionTask.objects.create(
                execution_id=RetentionExecution.objects.first().pk, repository=f"r{RetentionTask.objects.count()}"
            )
        first = RetentionExecution.objects.order_by("pk").first().pk
        for path in (f"{where}/executions", f"{where}/executions/{first}/tasks"):
            with CaptureQueriesContext(connection) as queries:
                assert len(admin.get(path, page_size=100).json()) == upto
            counts.append(len(queries))
    assert counts[:2] == counts[2:]
