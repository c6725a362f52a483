from datetime import UTC, datetime

from audit.models import Entry
from audit.origin import SYSTEM
from portal.access.models import Robot
from portal.configuration.services import configuration_update, forget
from portal.projects.models import Role
from portal.projects.services import project_create
from tests.api.conftest import Caller, make_member, queries_of

PULL = {"resource": "repository", "action": "pull"}
LIST = {"resource": "repository", "action": "list"}
ROBOT = {"resource": "robot", "action": "create"}


def in_project(name, *access):
    return {"kind": "project", "namespace": name, "access": list(access or (PULL, LIST))}


def in_system(*access):
    return {"kind": "system", "namespace": "/", "access": list(access)}


def wish(*permissions, **change):
    """The body that asks for a robot, by default one that pulls from `apps`."""
    body = {"name": "ci", "level": "project", "duration": 30, "permissions": list(permissions or [in_project("apps")])}
    return body | change


def caller_of(created):
    return Caller(created.json()["name"], created.json()["secret"])


def test_a_robot_is_created_shown_changed_and_deleted(admin, project):
    created = admin.post("/robots", wish(description="a puller"))
    assert created.status_code == 201
    robot = Robot.objects.get()
    location = created["Location"].removeprefix("/api/v2.0")
    assert location == f"/robots/{robot.pk}"
    told = created.json()
    assert {name: told[name] for name in ("id", "name")} == {"id": robot.pk, "name": "robot$apps+ci"}
    assert told["expires_at"] == int(robot.expires_at.timestamp())
    assert len(told["secret"]) == 32

    shown = admin.get(location).json()
    assert (shown["name"], shown["level"], shown["duration"]) == ("robot$apps+ci", "project", 30)
    assert (shown["editable"], shown["disable"], shown["description"]) == (True, False, "a puller")
    assert shown["creator_type"] == "local"
    assert shown["permissions"] == [in_project("apps", PULL | {"effect": "allow"}, LIST | {"effect": "allow"})]
    assert "secret" not in shown

    change = {"disable": True, "duration": -1, "permissions": [in_project("apps", LIST)]}
    assert admin.put(location, shown | change).status_code == 200
    changed = admin.get(location).json()
    assert (changed["disable"], changed["expires_at"]) == (True, -1)
    assert changed["permissions"] == [in_project("apps", LIST | {"effect": "allow"})]
    del changed["duration"]
    assert admin.put(location, changed).status_code == 200
    assert admin.get(location).json()["duration"] == -1

    assert admin.delete(location).status_code == 200
    for answer in (
        admin.get(location),
        admin.put(location, changed),
        admin.patch(location, {}),
        admin.delete(location),
    ):
        assert answer.status_code == 404
    entry = Entry.objects.filter(action="robot.update", project="apps").order_by("id").first()
    assert entry.before["rights"] == ["allow project:apps repository:pull", "allow project:apps repository:list"]
    assert entry.after["rights"] == ["allow project:apps repository:list"]


def test_without_a_duration_the_configured_one_holds(admin, project):
    configuration_update(changes={"robot_token_duration": 7}, origin=SYSTEM)
    forget()
    body = wish()
    del body["duration"]
    expires_at = admin.post("/robots", body).json()["expires_at"]
    robot = Robot.objects.get()
    assert robot.duration == 7
    assert (datetime.fromtimestamp(expires_at, UTC) - robot.created_at).days in {6, 7}


def test_a_robot_may_begin_disabled_and_with_a_chosen_secret(admin, project):
    created = admin.post("/robots", wish(secret="Chosen-Secret-1", disable=True))
    assert created.json()["secret"] == "Chosen-Secret-1"
    assert caller_of(created).get("/users/search", username="a").status_code == 401
    assert admin.post("/robots", wish(name="other", secret="weak")).status_code == 400


def test_a_secret_is_given_or_made(admin, project):
    created = admin.post("/robots", wish())
    location = created["Location"].removeprefix("/api/v2.0")
    assert admin.patch(location, {"secret": "weak"}).status_code == 400
    given = admin.patch(location, {"secret": "Chosen-Secret-1"})
    assert (given.status_code, given.json()) == (200, {})
    assert caller_of(created).get("/users/search", username="a").status_code == 401
    name = created.json()["name"]
    assert Caller(name, "Chosen-Secret-1").get("/users/search", username="a").status_code == 200
    made = admin.patch(location, {}).json()["secret"]
    assert Caller(name, made).get("/users/search", username="a").status_code == 200


def test_robots_that_break_a_rule_are_refused(admin, project):
    assert admin.post("/robots", wish(name="taken")).status_code == 201
    for body, status in [
        ({}, 400),
        (wish(name="taken"), 409),
        (wish(name=""), 400),
        (wish(name="Not A Name"), 400),
        (wish(name="a+b"), 400),
        (wish(name="a" * 256), 400),
        (wish(level="galaxy"), 400),
        (wish(duration=0), 400),
        (wish(duration=-7), 400),
        (wish(duration=10**10), 400),
        (wish(duration=10**30), 422),
        (wish(permissions=[]), 400),
        (wish(level="system", permissions=[]), 400),
        (wish(in_project("apps") | {"access": []}), 400),
        (wish(in_project("apps", {"resource": "moon", "action": "land"})), 400),
        (wish(in_project("apps", PULL | {"action": "*"})), 400),
        (wish(in_project("apps", PULL | {"effect": "perhaps"})), 400),
        (wish(in_project("apps") | {"kind": "galaxy"}, level="system"), 400),
        (wish(in_project("apps"), in_system({"resource": "catalog", "action": "read"})), 400),
        (wish(in_project("apps"), in_project("elsewhere")), 400),
        (wish(in_system(PULL), level="system"), 400),
        (wish(in_project("nowhere")), 404),
        (wish(in_project("nowhere"), level="system"), 404),
        (wish(permissions="all"), 422),
        (wish(permissions=[5]), 422),
        (wish(name="a\0"), 422),
        (wish(disable="no"), 422),
    ]:
        assert admin.post("/robots", body).status_code == status, body
    assert Robot.objects.count() == 1


def test_of_the_system_there_is_one_whatever_namespace_is_said(admin, project):
    for namespace in ("/", "", "*", "apps"):
        place = in_system({"resource": "catalog", "action": "read"}) | {"namespace": namespace}
        location = admin.post("/robots", wish(place, level="system"))["Location"].removeprefix("/api/v2.0")
        (told,) = admin.get(location).json()["permissions"]
        assert (told["kind"], told["namespace"]) == ("system", "/")
        assert admin.delete(location).status_code == 200


def test_the_name_the_level_and_the_project_of_a_robot_stay(admin, project):
    project_create(name="other", owner=None, origin=SYSTEM)
    location = admin.post("/robots", wish())["Location"].removeprefix("/api/v2.0")
    shown = admin.get(location).json()
    for change in [{"name": "robot$apps+new"}, {"level": "system"}, {"permissions": [in_project("other")]}]:
        assert admin.put(location, shown | change).status_code == 400


def test_robots_are_listed_by_level(admin, project):
    project_create(name="other", owner=None, origin=SYSTEM)
    admin.post("/robots", wish())
    admin.post("/robots", wish(name="builder", duration=-1))
    admin.post("/robots", wish(in_project("other")))
    everywhere = wish(in_project("*"), in_system({"resource": "catalog", "action": "read"}), level="system")
    admin.post("/robots", everywhere)
    here = f"Level=project,ProjectID={project.pk}"
    names = lambda q: [robot["name"] for robot in admin.get("/robots", q=q).json()]  # noqa: E731
    assert names(here) == ["robot$apps+builder", "robot$apps+ci"]
    assert names(f"{here},name=~build") == names(f"{here},ExpiresAt=-1") == ["robot$apps+builder"]
    assert names(f"{here},expiresat=[1~]") == ["robot$apps+ci"]
    assert names("") == names("Level=system") == ["robot$ci"]
    for q in ("Level=galaxy", "Level=project", "Level=project,ProjectID=apps"):
        assert admin.get("/robots", q=q).status_code == 400
    assert admin.get("/robots", q="Level=project,ProjectID=999999").status_code == 404
    places = admin.get("/robots").json()[0]["permissions"]
    assert [(place["kind"], place["namespace"]) for place in places] == [("project", "*"), ("system", "/")]


def test_robots_of_a_project_are_its_members_business(admin, somebody, nobody, project):
    here = f"Level=project,ProjectID={project.pk}"
    boss, guest = make_member(project, "boss", Role.PROJECT_ADMIN), make_member(project, "guest", Role.GUEST)
    created = boss.post("/robots", wish())
    assert created.status_code == 201
    location = created["Location"].removeprefix("/api/v2.0")
    shown = boss.get(location).json()
    assert guest.get(location).status_code == 200
    assert guest.get("/robots", q=here).status_code == 200
    for caller, status in [(guest, 403), (somebody, 403), (nobody, 401)]:
        assert caller.post("/robots", wish(name="other")).status_code == status
        assert caller.put(location, shown).status_code == status
        assert caller.patch(location, {}).status_code == status
        assert caller.delete(location).status_code == status
    assert somebody.get(location).status_code == 403
    assert somebody.get("/robots", q=here).status_code == 403
    assert somebody.get("/robots", q="Level=project,ProjectID=999999").status_code == 403
    assert somebody.post("/robots", wish(in_project("nowhere"))).status_code == 403
    assert boss.get("/robots").status_code == 403
    assert boss.post("/robots", wish(level="system")).status_code == 403
    assert nobody.get("/robots").status_code == 401
    assert boss.put(location, shown).status_code == 200
    assert boss.patch(location, {}).status_code == 200
    assert boss.delete(location).status_code == 200


def test_a_robot_passes_on_no_more_than_it_has(admin, project):
    project_create(name="other", owner=None, origin=SYSTEM)
    maker = caller_of(admin.post("/robots", wish(in_project("apps", ROBOT, PULL))))
    assert maker.post("/robots", wish(in_project("apps", PULL), name="child")).status_code == 201
    child = Robot.objects.get(name="child")
    assert (child.creator, child.creator_type) == ("robot$apps+ci", "robot")
    assert maker.post("/robots", wish(in_project("apps", LIST), name="more")).status_code == 403
    assert maker.post("/robots", wish(in_project("other", PULL), name="there")).status_code == 403
    assert maker.post("/robots", wish(in_project("*", PULL), name="all", level="system")).status_code == 403
    assert maker.patch(f"/robots/{child.pk}", {}).status_code == 403


def test_a_robot_that_pushes_to_its_project_pulls_too(admin, project):
    push = {"resource": "repository", "action": "push"}
    maker = caller_of(admin.post("/robots", wish(in_project("apps", ROBOT, push))))
    assert maker.post("/robots", wish(in_project("apps", PULL), name="child")).status_code == 201


def test_a_list_of_robots_takes_the_same_number_of_queries_whatever_its_length(admin, project):
    def make(number):
        rights = [in_project("apps"), in_project("*")]
        admin.post("/robots", wish(*rights, level="system", name=f"r{number}"))

    make(0)
    make(1)
    few = queries_of(lambda: admin.get("/robots", page_size=100))
    for number in range(2, 40):
        make(number)
    assert queries_of(lambda: admin.get("/robots", page_size=100)) == few
