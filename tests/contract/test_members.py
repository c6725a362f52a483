"""member and usergroup."""

from tests.contract.conftest import Person
from tests.contract.walk import REFUSED, Caller
from tests.support.api import id_of, unique

GUEST, DEVELOPER = 3, 2


def test_a_member_is_added_found_promoted_and_removed(admin: Caller, someone: Person, project: str):
    here = {"project_name_or_id": project}
    body = {"role_id": GUEST, "member_user": {"username": someone.name}}
    created = admin("createProjectMember", 201, **here, body=body)
    this = here | {"mid": id_of(created)}
    found = admin("getProjectMember", 200, **this).json()
    assert (found["entity_name"], found["role_id"], found["entity_type"]) == (someone.name, GUEST, "u")
    assert found["entity_id"] == someone.id
    someone.call("getProject", 200, **here)

    admin("updateProjectMember", 200, **this, body={"role_id": DEVELOPER})
    listed = admin("listProjectMembers", 200, **here, entityname=someone.name)
    assert [row["role_id"] for row in listed.json()] == [DEVELOPER]

    admin("createProjectMember", 409, **here, body=body)
    admin("deleteProjectMember", 200, **this)
    admin("getProjectMember", 404, **this)
    someone.call("getProject", 403, **here)


def test_members_that_do_not_exist_or_make_no_sense_are_refused(admin: Caller, someone: Person, project: str):
    here = {"project_name_or_id": project}
    admin("createProjectMember", REFUSED, **here, body={"role_id": 99, "member_user": {"username": someone.name}})
    admin("createProjectMember", 404, **here, body={"role_id": GUEST, "member_user": {"username": unique("nobody")}})
    admin("createProjectMember", REFUSED, **here, body={"role_id": GUEST})
    admin("updateProjectMember", 404, **here, mid=10**9, body={"role_id": GUEST})
    someone.call("listProjectMembers", 403, **here)
    someone.call("createProjectMember", 403, **here, body={"role_id": 1, "member_user": {"username": someone.name}})


def test_a_group_is_created_found_renamed_and_deleted(admin: Caller, someone: Person):
    name = unique("group")
    created = admin("createUserGroup", 201, body={"group_name": name, "group_type": 3})
    this = {"group_id": id_of(created)}
    assert admin("getUserGroup", 200, **this).json()["group_name"] == name
    assert name in [row["group_name"] for row in admin("listUserGroups", 200, group_name=name).json()]
    assert [row["group_name"] for row in someone.call("searchUserGroups", 200, groupname=name).json()] == [name]
    admin("updateUserGroup", 200, **this, body={"group_name": f"{name}-2"})
    assert admin("getUserGroup", 200, **this).json()["group_name"] == f"{name}-2"
    admin("createUserGroup", 409, body={"group_name": f"{name}-2", "group_type": 3})
    admin("createUserGroup", REFUSED, body={"group_name": unique("group"), "group_type": 9})
    someone.call("createUserGroup", 403, body={"group_name": unique("group"), "group_type": 3})
    someone.call("listUserGroups", 403)
    admin("deleteUserGroup", 200, **this)
    admin("getUserGroup", 404, **this)


def test_a_group_becomes_a_member(admin: Caller, project: str):
    name = unique("group")
    group = id_of(admin("createUserGroup", 201, body={"group_name": name, "group_type": 3}))
    body = {"role_id": GUEST, "member_group": {"id": group}}
    created = admin("createProjectMember", 201, project_name_or_id=project, body=body)
    found = admin("getProjectMember", 200, project_name_or_id=project, mid=id_of(created)).json()
    assert (found["entity_name"], found["entity_type"], found["entity_id"]) == (name, "g", group)
