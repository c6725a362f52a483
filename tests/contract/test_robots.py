"""robot."""

from typing import Any

import pytest

from tests.contract.bodies import robot
from tests.contract.conftest import Person, Pushed
from tests.contract.walk import REFUSED, Caller
from tests.support.api import unique
from tests.support.portolan import Portolan


def test_a_robot_is_created_works_and_is_deleted(admin: Caller, portolan_server: Portolan, pushed: Pushed):
    body = robot(pushed.project, description="a puller")
    created = admin("CreateRobot", 201, body=body)
    made = created.json()
    assert made["name"] == f"robot${pushed.project}+{body['name']}"
    assert created.headers["Location"] == f"/api/v2.0/robots/{made['id']}"

    this = {"robot_id": made["id"]}
    found = admin("GetRobotByID", 200, **this).json()
    assert (found["name"], found["level"], found["duration"]) == (made["name"], "project", 30)
    assert (found["disable"], found["editable"], found["description"]) == (False, True, "a puller")
    assert found["expires_at"] == made["expires_at"]
    assert found["permissions"][0]["namespace"] == pushed.project
    assert not found.get("secret")

    caller = Caller(admin.url, (made["name"], made["secret"]))
    caller("listRepositories", 200, project_name=pushed.project)
    caller("deleteRepository", 403, **pushed.place)
    assert portolan_server.registry((made["name"], made["secret"])).tags(pushed.name) == [pushed.tag]

    admin("DeleteRobot", 200, **this)
    admin("GetRobotByID", 404, **this)
    admin("DeleteRobot", 404, **this)
    caller("listRepositories", 401, project_name=pushed.project)


def test_a_robot_is_changed_switched_off_and_given_a_new_secret(admin: Caller, project: str, project_id: int):
    made = admin("CreateRobot", 201, body=robot(project)).json()
    this = {"robot_id": made["id"]}
    found = admin("GetRobotByID", 200, **this).json()
    admin("UpdateRobot", 200, **this, body=found | {"description": "changed", "disable": True, "duration": -1})
    changed = admin("GetRobotByID", 200, **this).json()
    assert (changed["description"], changed["disable"], changed["expires_at"]) == ("changed", True, -1)
    admin("UpdateRobot", 200, **this, body=changed | {"disable": False})

    given = admin("RefreshSec", 200, **this, body={"secret": "Chosen-Secret-1"}).json()
    assert given.get("secret", "") in {"", "Chosen-Secret-1"}
    caller = Caller(admin.url, (made["name"], "Chosen-Secret-1"))
    caller("listRepositories", 200, project_name=project)
    secret = admin("RefreshSec", 200, **this, body={"secret": ""}).json()["secret"]
    Caller(admin.url, (made["name"], secret))("listRepositories", 200, project_name=project)
    admin("RefreshSec", REFUSED, **this, body={"secret": "weak"})


def test_robots_are_listed_by_level_and_project(admin: Caller, someone: Person, project: str, project_id: int):
    of_project = admin("CreateRobot", 201, body=robot(project)).json()
    access = [{"resource": "project", "action": "list"}]
    system = {"kind": "system", "namespace": "/", "access": access}
    of_system = admin("CreateRobot", 201, body=robot(project, level="system", permissions=[system])).json()
    here = f"Level=project,ProjectID={project_id}"
    assert [row["name"] for row in admin("ListRobot", 200, q=here).json()] == [of_project["name"]]
    assert of_system["name"] in [row["name"] for row in admin("ListRobot", 200, page_size=100).json()]
    someone.call("ListRobot", 403, q=here)
    someone.call("GetRobotByID", 403, robot_id=of_project["id"])
    someone.call("DeleteRobot", 403, robot_id=of_project["id"])
    someone.call("CreateRobot", 403, body=robot(project))


def test_a_name_can_be_taken_only_once(admin: Caller, project: str):
    body = robot(project)
    admin("CreateRobot", 201, body=body)
    admin("CreateRobot", 409, body=body)


@pytest.mark.parametrize(
    "change",
    [{"name": "Not A Name"}, {"level": "galaxy"}, {"duration": 0}, {"duration": -7}, {"permissions": []}],
)
def test_a_robot_that_breaks_the_rules_is_refused(admin: Caller, project: str, change: dict[str, Any]):
    admin("CreateRobot", REFUSED, body=robot(project, **change))


def test_a_robot_gets_only_what_robots_can_have(admin: Caller, project: str):
    unknown = {"kind": "project", "namespace": project, "access": [{"resource": "moon", "action": "land"}]}
    admin("CreateRobot", REFUSED, body=robot(project, permissions=[unknown]))
    nowhere = {"kind": "project", "namespace": unique("nothing"), "access": [{"resource": "tag", "action": "list"}]}
    admin("CreateRobot", 404, body=robot(project, permissions=[nowhere]))
