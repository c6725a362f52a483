import csv
import io
import json

from django.db import transaction

from audit.journal import record
from audit.origin import SYSTEM
from portal.projects.models import Role
from portal.projects.services import project_create, project_delete
from tests.api.conftest import make_member

RED = {"name": "red", "scope": "g"}


def test_an_administrator_sees_who_did_what(admin):
    admin.post("/labels", RED, X_Request_Id="my-request-1")
    (entry,) = admin.get("/auditlog-exts", q="resource_type=label").json()
    assert (entry["username"], entry["operation"], entry["resource"]) == ("admin", "create", "red")
    assert entry["operation_result"] is True
    assert entry["operation_description"] == "create label red"
    assert entry["op_time"].endswith("Z")


def test_the_log_is_narrowed_by_user_operation_resource_and_time(admin, project):
    for name in ("red", "green"):
        admin.post("/labels", RED | {"name": name})
    admin.delete("/labels/1")

    def found(q: str) -> list[str]:
        return [f"{entry['operation']} {entry['resource']}" for entry in admin.get("/auditlog-exts", q=q).json()]

    assert found("username=admin,resource_type=label,operation={create}") == ["create green", "create red"]
    assert found("resource=green") == ["create green"]
    assert found("resource=~gree") == ["create green"]
    assert found("resource_type=label,op_time=[2999-01-01~]") == []
    assert found("event_type=create_project") == ["create apps"]
    assert found("username=nobody") == []
    assert admin.get("/auditlog-exts", q="op_time=[soon~]").status_code == 400


def test_the_log_is_narrowed_by_project_and_result(admin, project):
    gone = project_create(name="other", owner=None, origin=SYSTEM)
    project_delete(project=gone, origin=SYSTEM)
    other = project_create(name="other", owner=None, origin=SYSTEM)
    third = project_create(name="third", owner=None, origin=SYSTEM)
    with transaction.atomic():
        record(SYSTEM, "quota.exceed", project="apps", target="apps/app", result="denied")

    def found(q: str) -> list[str]:
        told = [f"{entry['operation']} {entry['resource']}" for entry in admin.get("/auditlog-exts", q=q).json()]
        exported = admin.get("/auditlog-exts/export", format="jsonl", q=q).getvalue().splitlines()
        assert len(exported) == len(told)
        return told

    assert found(f"project_id={project.pk}") == ["exceed apps/app", "create apps"]
    assert found(f"project_id={other.pk}") == ["create other"]  # And not the story of the one before it.
    assert found(f"project_id={{{other.pk} {third.pk}}}") == ["create third", "create other"]
    assert found(f"project_id={gone.pk}") == found(f"project_id={third.pk + 1}") == []
    assert found("op_result=false") == found(f"op_result=false,project_id={project.pk}") == ["exceed apps/app"]
    assert found(f"op_result=true,project_id={project.pk}") == ["create apps"]
    for nonsense in ("project_id=apps", "project_id=~1", "op_result=perhaps", "op_result={true}"):
        assert admin.get("/auditlog-exts", q=nonsense).status_code == 400


def test_no_condition_shows_more_than_one_may_see(somebody, project):
    assert somebody.get("/auditlog-exts", q=f"project_id={project.pk}").json() == []


def test_project_admins_read_the_log_of_their_project_only(admin, somebody, nobody, project):
    project_create(name="other", owner=None, origin=SYSTEM)
    chief = make_member(project, "pia", Role.PROJECT_ADMIN)
    developer = make_member(project, "dev", Role.DEVELOPER)

    assert {entry["resource"] for entry in chief.get("/audit-logs").json()} == {"apps"}
    assert {entry["resource"] for entry in chief.get("/projects/apps/logs").json()} == {"apps"}
    assert "pia" in {entry["resource"] for entry in chief.get("/projects/apps/auditlog-exts").json()}
    assert somebody.get("/auditlog-exts").json() == []
    assert developer.get("/projects/apps/logs").status_code == 403
    assert chief.get("/projects/other/auditlog-exts").status_code == 403
    assert nobody.get("/auditlog-exts").status_code == 401


def test_the_export_tells_the_state_before_and_after(admin):
    location = admin.post("/labels", RED)["Location"].removeprefix("/api/v2.0")
    admin.put(location, RED | {"name": "crimson"})

    answer = admin.get("/auditlog-exts/export", format="jsonl", q="resource_type=label")
    lines = [json.loads(line) for line in answer.getvalue().splitlines()]
    assert [line["action"] for line in lines] == ["label.update", "label.create"]
    assert lines[0]["before"]["name"] == "red"
    assert lines[0]["after"]["name"] == "crimson"

    answer = admin.get("/auditlog-exts/export", q="resource_type=label")
    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode())))
    assert [row["action"] for row in rows] == ["label.update", "label.create"]
    assert "audit-log.csv" in answer["Content-Disposition"]
    assert admin.get("/auditlog-exts/export", format="pdf").status_code == 422


def test_few_exports_run_at_once(admin):
    running = [admin.get("/auditlog-exts/export") for _ in range(8)]
    refused = admin.get("/auditlog-exts/export")
    assert refused.status_code == 429
    assert refused["Retry-After"]
    for answer in running:
        assert answer.getvalue()
    assert admin.get("/auditlog-exts/export").getvalue()


def test_every_kind_of_event_is_listed(somebody):
    kinds = {event["event_type"] for event in somebody.get("/auditlog-exts/events").json()}
    assert {"create_artifact", "pull_artifact", "delete_repository", "login_user", "update_configuration"} <= kinds
