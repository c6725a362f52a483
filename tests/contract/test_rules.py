"""immutable and Retention."""

from typing import Any

import pytest

from tests.contract.bodies import immutable, keep, retention, tags
from tests.contract.conftest import Person, Pushed
from tests.contract.walk import REFUSED, Caller
from tests.support.api import id_of
from tests.support.images import image
from tests.support.processes import wait_until
from tests.support.registry import Registry


# --- immutable ------------------------------------------------------------------------------------------------------------
def test_an_immutable_rule_is_made_changed_and_deleted(admin: Caller, pushed: Pushed):
    here = {"project_name_or_id": pushed.project}
    made = id_of(admin("CreateImmuRule", 201, **here, body=immutable("latest")))
    found = admin("ListImmuRules", 200, **here).json()
    assert [(rule["id"], rule["tag_selectors"][0]["pattern"]) for rule in found] == [(made, "latest")]
    listed = admin("listTags", 200, **pushed.here, with_immutable_status=True).json()
    assert [tag["immutable"] for tag in listed] == [True]
    admin("deleteTag", 412, **pushed.here, tag_name=pushed.tag)
    admin("deleteArtifact", 412, **pushed.here)
    admin("deleteRepository", 412, **pushed.place)

    this = here | {"immutable_rule_id": made}
    admin("UpdateImmuRule", 200, **this, body=immutable("latest", id=made, disabled=True))
    assert admin("ListImmuRules", 200, **here).json()[0]["disabled"] is True
    admin("deleteTag", 200, **pushed.here, tag_name=pushed.tag)
    admin("DeleteImmuRule", 200, **this)
    admin("DeleteImmuRule", 404, **this)
    assert admin("ListImmuRules", 200, **here).json() == []


@pytest.mark.parametrize(
    "change", [{"action": "dance"}, {"tag_selectors": tags("[")}, {"tag_selectors": []}, {"scope_selectors": {}}]
)
def test_an_immutable_rule_that_makes_no_sense_is_refused(admin: Caller, project: str, change: dict[str, Any]):
    admin("CreateImmuRule", REFUSED, project_name_or_id=project, body=immutable("**", **change))


def test_immutable_rules_are_for_those_who_keep_the_project(admin: Caller, someone: Person, project: str):
    here = {"project_name_or_id": project}
    made = id_of(admin("CreateImmuRule", 201, **here, body=immutable("v*")))
    someone.call("ListImmuRules", 403, **here)
    someone.call("CreateImmuRule", 403, **here, body=immutable("**"))
    someone.call("UpdateImmuRule", 403, **here, immutable_rule_id=made, body=immutable("**", id=made))
    someone.call("DeleteImmuRule", 403, **here, immutable_rule_id=made)


# --- Retention ------------------------------------------------------------------------------------------------------------
def test_a_retention_policy_is_made_changed_and_deleted(admin: Caller, project: str, project_id: int):
    templates = {row["rule_template"] for row in admin("getRentenitionMetadata", 200).json()["templates"]}
    assert {"latestPushedK", "latestPulledN", "nDaysSinceLastPush", "nDaysSinceLastPull", "always"} <= templates

    made = id_of(admin("createRetention", 201, body=retention(project_id, keep(2))))
    this = {"id": made}
    found = admin("getRetention", 200, **this).json()
    assert (found["scope"], found["algorithm"]) == ({"level": "project", "ref": project_id}, "or")
    assert found["rules"][0]["params"] == {"latestPushedK": 2}
    metadata = admin("getProject", 200, project_name_or_id=project).json()["metadata"]
    assert metadata["retention_id"] == str(made)
    admin("createRetention", REFUSED, body=retention(project_id, keep(1)))

    admin("updateRetention", 200, **this, body=found | {"rules": [keep(5)]})
    assert admin("getRetention", 200, **this).json()["rules"][0]["params"] == {"latestPushedK": 5}
    admin("deleteRetention", 200, **this)
    assert "retention_id" not in admin("getProject", 200, project_name_or_id=project).json()["metadata"]


def test_a_retention_run_tells_what_it_kept(admin: Caller, registry: Registry, pushed: Pushed, project_id: int):
    registry.push(pushed.name, image("newer"), "newer")
    policy = id_of(admin("createRetention", 201, body=retention(project_id, keep(1))))
    made = id_of(admin("triggerRetentionExecution", 201, id=policy, body={"dry_run": True}))

    def status() -> str:
        return admin("listRetentionExecutions", 200, id=policy).json()[0]["status"]

    wait_until(lambda: status() == "Success", "the dry run succeeded")
    run = admin("listRetentionExecutions", 200, id=policy).json()[0]
    assert (run["id"], run["dry_run"], run["trigger"]) == (made, True, "MANUAL")
    tasks = admin("listRetentionTasks", 200, id=policy, eid=made).json()
    assert [(task["repository"], task["retained"], task["total"]) for task in tasks] == [(pushed.repository, 1, 2)]
    assert (
        pushed.manifest.digest[:19] in admin("getRetentionTaskLog", 200, id=policy, eid=made, tid=tasks[0]["id"]).text
    )
    assert admin("actionGetJobLog", 200, job_id=tasks[0]["job_id"]).text
    admin("getArtifact", 200, **pushed.here)
    admin("operateRetentionExecution", 200, id=policy, eid=made, body={"action": "stop"})
    admin("operateRetentionExecution", REFUSED, id=policy, eid=made, body={"action": "dance"})

    wet = id_of(admin("triggerRetentionExecution", 201, id=policy, body={"dry_run": False}))
    wait_until(lambda: status() == "Success", "the run succeeded")
    assert admin("listRetentionExecutions", 200, id=policy, page_size=1).json()[0]["id"] == wet
    admin("getArtifact", 404, **pushed.here)


@pytest.mark.parametrize(
    "change", [{"template": "newestMoon"}, {"action": "dance"}, {"params": {}}, {"tag_selectors": tags("[")}]
)
def test_a_retention_rule_that_makes_no_sense_is_refused(admin: Caller, project_id: int, change: dict[str, Any]):
    admin("createRetention", REFUSED, body=retention(project_id, keep(1) | change))


def test_retention_is_for_those_who_keep_the_project(admin: Caller, someone: Person, project_id: int):
    policy = id_of(admin("createRetention", 201, body=retention(project_id, keep(1))))
    someone.call("getRetention", 403, id=policy)
    someone.call("updateRetention", 403, id=policy, body=retention(project_id, keep(2)))
    someone.call("triggerRetentionExecution", 403, id=policy, body={"dry_run": True})
    someone.call("listRetentionExecutions", 403, id=policy)
    someone.call("deleteRetention", 403, id=policy)
    someone.call("createRetention", 403, body=retention(project_id, keep(1)))
