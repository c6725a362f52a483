from django.test import Client as Browser

from audit.models import Entry
from audit.origin import SYSTEM
from portal.access.models import RobotPermission
from portal.access.robots import Right, robot_create
from portal.accounts.models import User
from portal.configuration.services import configuration_update, forget
from tests.api.conftest import PASSWORD, Caller, make_user, queries_of

ANNA = {"username": "anna", "email": "anna@example.org", "realname": "Anna A.", "comment": "c", "password": PASSWORD}


def id_of(name):
    return User.objects.get(username=name).pk


def user_robot(*actions):
    """A caller with rights on users, who is no administrator."""
    rights = [Right(RobotPermission.Kind.SYSTEM, "user", action) for action in actions]
    robot, secret = robot_create(name="hr", project=None, rights=rights, origin=SYSTEM)
    return Caller(robot.full_name, secret)


def test_an_administrator_keeps_the_users(admin):
    created = admin.post("/users", ANNA)
    assert created.status_code == 201
    location = created["Location"].removeprefix("/api/v2.0")
    assert location == f"/users/{id_of('anna')}"
    anna = admin.get(location).json()
    assert anna.pop("creation_time")
    assert anna.pop("update_time")
    assert anna == {
        "user_id": id_of("anna"),
        "username": "anna",
        "email": "anna@example.org",
        "realname": "Anna A.",
        "comment": "c",
        "sysadmin_flag": False,
        "admin_role_in_auth": False,
    }

    assert admin.put(location, {"email": "a@example.net", "realname": "A."}).status_code == 200
    assert admin.get(location).json()["email"] == "a@example.net"
    assert "comment" not in admin.get(location).json()
    assert admin.put(f"{location}/sysadmin", {"sysadmin_flag": True}).status_code == 200
    assert admin.get(location).json()["sysadmin_flag"] is True
    assert admin.put(f"{location}/sysadmin", {}).status_code == 200  # Go's clients leave out what is false.
    assert admin.get(location).json()["sysadmin_flag"] is False
    number = id_of("anna")
    assert admin.delete(location).status_code == 200
    assert admin.get(location).json()["errors"] == [{"code": "NOT_FOUND", "message": f"user {number} not found"}]
    actions = ["user.create", "user.update", "user.set_admin", "user.set_admin", "user.delete"]
    entries = Entry.objects.filter(target="anna", actor="admin").order_by("id")
    assert list(entries.values_list("action", flat=True)) == actions
    assert PASSWORD not in repr(list(entries.values_list("before", "after")))


def test_only_who_sent_credentials_is_asked_for_better_ones(nobody):
    assert "WWW-Authenticate" not in nobody.get("/users/current")
    assert Caller("anna", "wrong").get("/users/current")["WWW-Authenticate"] == 'Basic realm="harbor"'


def test_users_that_break_a_rule_are_refused(admin):
    for change, status in [
        ({"username": ""}, 400),
        ({"username": "a,b"}, 400),
        ({"username": "x" * 256}, 400),
        ({"password": "weak"}, 400),
        ({"email": "nowhere"}, 400),
        ({"email": ""}, 400),
        ({"realname": ""}, 400),
        ({"username": "ADMIN"}, 409),
        ({"email": "ADMIN@example.com"}, 409),
        ({"username": 5}, 422),
        ({"username": "a\0"}, 422),
        ({"comment": 5}, 422),
    ]:
        assert admin.post("/users", ANNA | change).status_code == status, change
    assert User.objects.count() == 1


def test_people_manage_themselves_and_nobody_else(admin, somebody, nobody):
    own, other = f"/users/{id_of('somebody')}", f"/users/{id_of('admin')}"
    profile = {"email": "me@example.org", "realname": "Me"}
    assert somebody.get("/users/current").json()["username"] == "somebody"
    assert somebody.get(own).status_code == 200
    assert somebody.put(own, profile).status_code == 200
    for answer in [
        somebody.get("/users"),
        somebody.post("/users", ANNA),
        somebody.get(other),
        somebody.get("/users/999999"),
        somebody.put(other, profile),
        somebody.put(f"{other}/password", {"new_password": "Another-123"}),
        somebody.put(f"{own}/sysadmin", {"sysadmin_flag": True}),
        somebody.delete(other),
        somebody.delete(own),
    ]:
        assert answer.status_code == 403
    for path in ("/users", "/users/current", own):
        assert nobody.get(path).status_code == 401
    assert nobody.get("/users/search", username="a").status_code == 401
    assert nobody.post("/users", ANNA).status_code == 401


def test_nobody_deletes_themselves_and_the_last_administrator_stays(admin):
    own = f"/users/{id_of('admin')}"
    assert admin.delete(own).status_code == 403
    assert admin.put(f"{own}/sysadmin", {"sysadmin_flag": False}).status_code == 412
    for path in ("", "/sysadmin", "/password"):
        body = {"sysadmin_flag": True, "new_password": "Another-123", "email": "x@example.org", "realname": "x"}
        assert admin.put(f"/users/999999{path}", body).status_code == 404


def test_a_password_is_changed_by_its_owner_and_by_administrators(admin, somebody):
    path = f"/users/{id_of('somebody')}/password"
    for body, status in [
        ({"old_password": "Wrong-123", "new_password": "Another-123"}, 403),
        ({"new_password": "Another-123"}, 403),
        ({"old_password": PASSWORD, "new_password": "weak"}, 400),
        ({"old_password": PASSWORD, "new_password": PASSWORD}, 400),
        ({"old_password": PASSWORD, "new_password": "Another-123"}, 200),
    ]:
        answer = somebody.put(path, body)
        assert answer.status_code == status, body
    assert somebody.get("/users/current").status_code == 401
    assert Caller("somebody", "Another-123").get("/users/current").status_code == 200
    assert admin.put(path, {"new_password": "Another-123"}).status_code == 400
    assert admin.put(path, {"new_password": "Yet-Another-123"}).status_code == 200
    assert Caller("somebody", "Yet-Another-123").get("/users/current").status_code == 200


def test_a_robot_with_rights_on_users_does_not_rise_to_administrator(admin, somebody):
    robot = user_robot("create", "read", "update", "delete", "list")
    assert robot.get("/users").status_code == 200
    assert robot.get("/users/current").status_code == 412
    assert robot.post("/users", ANNA).status_code == 201
    assert robot.put(f"/users/{id_of('anna')}/password", {"new_password": "Another-123"}).status_code == 200
    assert robot.put(f"/users/{id_of('anna')}/sysadmin", {"sysadmin_flag": True}).status_code == 403
    boss = f"/users/{id_of('admin')}"
    assert robot.get(boss).status_code == 200
    assert robot.put(f"{boss}/password", {"new_password": "Another-123"}).status_code == 403
    assert robot.put(boss, {"email": "x@example.org", "realname": "x"}).status_code == 403
    assert robot.delete(boss).status_code == 403
    assert robot.delete(f"/users/{id_of('anna')}").status_code == 200


def test_visitors_of_the_site_register_themselves_where_that_is_on(admin, nobody):
    def register(**headers):
        return page.post("/api/v2.0/users", ANNA, content_type="application/json", headers=headers)

    page = Browser(enforce_csrf_checks=True)
    token = page.get("/api/v2.0/ping")["X-Harbor-CSRF-Token"]
    assert register(**{"X-Harbor-CSRF-Token": token}).status_code == 401
    configuration_update(changes={"self_registration": True}, origin=SYSTEM)
    forget()
    assert register().status_code == 401
    assert nobody.get("/users").status_code == 401
    assert register(**{"X-Harbor-CSRF-Token": token}).status_code == 201
    assert Entry.objects.get(action="user.create", target="anna").actor == "anonymous"
    assert Caller("anna").post("/users", ANNA).status_code == 403
    assert admin.post("/users", ANNA | {"username": "bea", "email": "bea@example.org"}).status_code == 201


def test_users_are_listed_and_searched(admin, somebody):
    for name in ("rose", "rosemary", "primrose"):
        make_user(name)
    assert [user["username"] for user in admin.get("/users").json()] == [
        "primrose",
        "rose",
        "rosemary",
        "somebody",
    ]
    assert [user["username"] for user in admin.get("/users", username="ROSE", sort="-user_id").json()] == [
        "primrose",
        "rosemary",
        "rose",
    ]
    assert [user["username"] for user in admin.get("/users", q="username=rose").json()] == ["rose"]
    assert [user["username"] for user in admin.get("/users", q="email=~rosemary").json()] == ["rosemary"]
    assert admin.get("/users", q="sysadmin_flag=true").json() == []
    for key in ("user_id", "UserID"):
        assert [user["username"] for user in admin.get("/users", q=f"{key}={id_of('admin')}").json()] == ["admin"]
    found = somebody.get("/users/search", username="rose", page_size=2)
    assert found.json() == [{"user_id": id_of(name), "username": name} for name in ("rose", "primrose")]
    assert found["X-Total-Count"] == "3"
    assert somebody.get("/users/search").status_code == 422


def test_a_list_of_users_takes_the_same_number_of_queries_whatever_its_length(admin, somebody):
    few = queries_of(lambda: admin.get("/users", page_size=100))
    for number in range(60):
        User.objects.create(username=f"user{number}")
    assert queries_of(lambda: admin.get("/users", page_size=100)) == few
    assert queries_of(lambda: admin.get("/users/search", username="u", page_size=100)) == few


def test_a_cli_secret_belongs_to_users_of_oidc(somebody, nobody):
    path = f"/users/{id_of('somebody')}/cli_secret"
    assert somebody.put(path, {"secret": "Another-123"}).status_code == 412
    assert nobody.put(path, {"secret": "Another-123"}).status_code == 401
