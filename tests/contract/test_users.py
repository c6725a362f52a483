"""user."""

import pytest

from tests.contract.conftest import Person
from tests.contract.walk import REFUSED, Caller
from tests.support.api import id_of, unique
from tests.support.portolan import PASSWORD


def test_a_user_is_created_found_changed_and_deleted(admin: Caller):
    name = unique("user")
    body = {"username": name, "email": f"{name}@example.org", "realname": "A User", "password": PASSWORD}
    this = {"user_id": id_of(admin("createUser", 201, body=body))}
    found = admin("getUser", 200, **this).json()
    assert (found["username"], found["email"], found["sysadmin_flag"]) == (name, f"{name}@example.org", False)
    assert [row["username"] for row in admin("listUsers", 200, q=f"username={name}").json()] == [name]

    admin("updateUserProfile", 200, **this, body={"email": f"{name}@example.net", "realname": "B", "comment": "c"})
    changed = admin("getUser", 200, **this).json()
    assert (changed["email"], changed["realname"], changed["comment"]) == (f"{name}@example.net", "B", "c")

    admin("setUserSysAdmin", 200, **this, body={"sysadmin_flag": True})
    assert admin("getUser", 200, **this).json()["sysadmin_flag"] is True

    admin("createUser", 409, body=body)
    admin("deleteUser", 200, **this)
    admin("getUser", 404, **this)


@pytest.mark.parametrize(
    "change", [{"username": ""}, {"username": "a,b"}, {"password": "short"}, {"email": "nowhere"}, {"realname": ""}]
)
def test_a_user_that_breaks_the_rules_is_refused(admin: Caller, change: dict[str, str]):
    name = unique("user")
    body = {"username": name, "email": f"{name}@example.org", "realname": "A User", "password": PASSWORD}
    admin("createUser", REFUSED, body=body | change)


def test_users_manage_themselves_and_nobody_else(admin: Caller, someone: Person, anonymous: Caller):
    me = someone.call("getCurrentUserInfo", 200).json()
    assert (me["user_id"], me["username"]) == (someone.id, someone.name)
    assert someone.call("searchUsers", 200, username=someone.name).json() == [
        {"user_id": someone.id, "username": someone.name}
    ]
    someone.call("getUser", 200, user_id=someone.id)
    own = {"user_id": someone.id}
    someone.call("updateUserProfile", 200, **own, body={"email": me["email"], "realname": "Me"})
    someone.call("getUser", 403, user_id=1)
    someone.call("listUsers", 403)
    someone.call("deleteUser", 403, user_id=1)
    someone.call("setUserSysAdmin", 403, **own, body={"sysadmin_flag": True})
    someone.call("createUser", 403, body={"username": unique("user")})
    anonymous("getCurrentUserInfo", 401)
    anonymous("searchUsers", 401, username=someone.name)
    anonymous("listUsers", 401)


def test_a_password_is_changed_by_its_owner_and_by_administrators(admin: Caller, someone: Person):
    own = {"user_id": someone.id}
    new, newer = "Another-Secret-1", "Another-Secret-2"
    someone.call("updateUserPassword", 403, **own, body={"old_password": "Wrong-Secret-1", "new_password": new})
    someone.call("updateUserPassword", REFUSED, **own, body={"old_password": PASSWORD, "new_password": "weak"})
    someone.call("updateUserPassword", 200, **own, body={"old_password": PASSWORD, "new_password": new})
    Caller(admin.url, (someone.name, new))("getCurrentUserInfo", 200)
    admin("updateUserPassword", 200, **own, body={"new_password": newer})
    Caller(admin.url, (someone.name, newer))("getCurrentUserInfo", 200)


def test_callers_learn_their_permissions(admin: Caller, someone: Person, project: str, project_id: int):
    granted = admin("getCurrentUserPermissions", 200, scope=f"/project/{project_id}", relative=True).json()
    assert {"resource": "repository", "action": "pull"} in granted
    whole = admin("getCurrentUserPermissions", 200, scope=f"/project/{project_id}").json()
    assert {"resource": f"/project/{project_id}/repository", "action": "pull"} in whole
    assert someone.call("getCurrentUserPermissions", 200, scope=f"/project/{project_id}", relative=True).json() == []


def test_a_cli_secret_belongs_to_users_of_oidc(someone: Person):
    # The status for everybody else is Harbor's own.
    someone.call("setCliSecret", 412, user_id=someone.id, body={"secret": "Another-Secret-1"})
