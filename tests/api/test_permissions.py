from audit.origin import SYSTEM
from portal.access.robots import Right, robot_create
from portal.access.roles import ROBOT_PROJECT, ROBOT_SYSTEM
from portal.access.roles import SYSTEM as SYSTEM_RIGHTS
from portal.accounts.models import User, UserGroup
from portal.projects.models import Member, Role
from tests.api.conftest import Caller, make_member, make_user

PULL = {"resource": "repository", "action": "pull"}


def pairs(rows):
    return {(row["resource"], row["action"]) for row in rows}


def test_administrators_learn_what_robots_can_be_given(admin, somebody, nobody, project):
    told = admin.get("/permissions").json()
    assert (pairs(told["system"]), pairs(told["project"])) == (ROBOT_SYSTEM, ROBOT_PROJECT)
    boss = make_member(project, "boss", Role.PROJECT_ADMIN)
    assert set(boss.get("/permissions").json()) == {"project"}
    assert make_member(project, "mia", Role.MAINTAINER).get("/permissions").status_code == 403
    assert somebody.get("/permissions").status_code == 403
    assert nobody.get("/permissions").status_code == 401


def test_whoever_administers_a_project_through_a_group_learns_it_too(db, project):
    make_user("gus")
    group = UserGroup.objects.create(name="bosses", type=UserGroup.Type.OIDC)
    group.users.add(User.objects.get(username="gus"))
    Member.objects.create(project=project, group=group, role=Role.PROJECT_ADMIN)
    assert Caller("gus").get("/permissions").status_code == 200


def test_callers_learn_their_permissions_in_a_project(admin, somebody, nobody, project):
    scope = f"/project/{project.pk}"
    path = "/users/current/permissions"
    whole = admin.get(path, scope=scope).json()
    assert {"resource": f"{scope}/repository", "action": "pull"} in whole
    assert {"resource": scope, "action": "delete"} in whole
    relative = admin.get(path, scope=scope, relative="true").json()
    assert PULL in relative
    assert {"resource": ".", "action": "delete"} in relative
    labels = admin.get(path, scope=f"{scope}/label", relative="true").json()
    assert {"resource": ".", "action": "list"} in labels
    assert {row["resource"] for row in labels} == {"."}
    assert admin.get(path, scope=f"{scope}/art", relative="true").json() == []
    guest = make_member(project, "gus", Role.GUEST).get(path, scope=scope, relative="true").json()
    assert PULL in guest
    assert {"resource": "repository", "action": "push"} not in guest
    assert somebody.get(path, scope=scope).json() == []
    assert somebody.get(path).json() == []
    assert somebody.get(path, scope="/project/999999").json() == []
    assert somebody.get(path, scope="nonsense").json() == []
    assert nobody.get(path, scope=scope).status_code == 401


def test_callers_learn_their_permissions_in_the_system(admin, somebody):
    told = admin.get("/users/current/permissions", scope="/system", relative="true").json()
    assert pairs(told) == SYSTEM_RIGHTS
    assert somebody.get("/users/current/permissions", scope="/system").json() == []
    assert admin.get("/users/current/permissions", scope="/systems").json() == []
    robot, secret = robot_create(name="ci", project=None, rights=[Right("system", "catalog", "read")], origin=SYSTEM)
    told = Caller(robot.full_name, secret).get("/users/current/permissions", scope="/system").json()
    assert told == [{"resource": "/system/catalog", "action": "read"}]
