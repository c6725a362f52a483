import pytest

from audit.models import Entry
from audit.origin import SYSTEM
from portal.access.robots import Right, robot_create
from portal.accounts.models import User, UserGroup
from portal.configuration.services import configuration_update, forget
from portal.projects.models import Member, Project, Role
from portal.projects.selectors import project_get
from portal.projects.services import member_add, project_create
from portal.retention.models import RetentionPolicy
from registry.models import Namespace, Repository
from tests.api.conftest import Caller, make_member, make_user, queries_of


def path_of(answer) -> str:
    assert answer.status_code == 201, answer.content
    return answer["Location"].removeprefix("/api/v2.0")


def names(answer) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [project["name"] for project in answer.json()]


def robot(name: str, *rights: Right) -> Caller:
    made, secret = robot_create(name=name, project=None, rights=rights, origin=SYSTEM)
    return Caller(made.full_name, secret)


def configure(**changes) -> None:
    configuration_update(changes=changes, origin=SYSTEM)
    forget()


@pytest.fixture
def _many(project):
    """Public and private projects, and one owned by olga."""
    olga = make_user("olga")
    project_create(name="open-1", public=True, owner=None, origin=SYSTEM)
    project_create(name="open-2", public=True, owner=olga, origin=SYSTEM)
    project_create(name="zoo", owner=olga, origin=SYSTEM)


def test_whoever_creates_a_project_owns_it_and_is_its_admin(somebody):
    made = somebody.post("/projects", {"project_name": "team", "metadata": {"public": "false", "auto_scan": "true"}})
    project = project_get("team")
    assert path_of(made) == f"/projects/{project.pk}"
    told = somebody.get(path_of(made)).json()
    owner = User.objects.get(username="somebody")
    assert told["creation_time"].endswith("Z")
    assert {key: told[key] for key in told if not key.endswith("_time")} == {
        "project_id": project.pk,
        "owner_id": owner.pk,
        "name": "team",
        "owner_name": "somebody",
        "togglable": True,
        "current_user_role_id": 1,
        "current_user_role_ids": [1],
        "repo_count": 0,
        "metadata": {"public": "false", "auto_scan": "true"},
        "cve_allowlist": {"project_id": project.pk, "items": []},
    }
    entry = Entry.objects.get(action="project.create")
    assert (entry.actor, entry.project, entry.after["settings"]) == ("somebody", "team", {"auto_scan": "true"})


def test_the_location_has_the_name_where_that_is_asked_for(somebody):
    made = somebody.post("/projects", {"project_name": "team"}, X_Resource_Name_In_Location="true")
    assert path_of(made) == "/projects/team"


@pytest.mark.parametrize(
    ("body", "public"),
    [
        ({}, "false"),
        ({"public": True}, "true"),
        ({"public": True, "metadata": {"public": "false"}}, "false"),
        ({"public": None, "metadata": {"public": "true", "severity": None}, "registry_id": None}, "true"),
    ],
)
def test_a_project_is_private_unless_one_of_two_fields_says_otherwise(somebody, body, public):
    somebody.post("/projects", {"project_name": "team", **body})
    assert somebody.get("/projects/team").json()["metadata"] == {"public": public}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"project_name": "A"}, 400),
        ({"project_name": "a/b"}, 400),
        ({"project_name": "a\0"}, 422),
        ({"project_name": "x" * 256}, 422),
        ({"project_name": 5}, 422),
        ({"project_name": "apps"}, 409),
        ({"project_name": "x", "metadata": {"public": "perhaps"}}, 400),
        ({"project_name": "x", "metadata": {"public": True}}, 422),
        ({"project_name": "x", "metadata": {"severity": "terrible"}}, 400),
        ({"project_name": "x", "metadata": []}, 422),
        ({"project_name": "x", "metadata": {"retention_id": "1"}}, 400),
        ({"project_name": "x", "storage_limit": -2}, 400),
        ({"project_name": "x", "storage_limit": 2**60}, 400),
        ({"project_name": "x", "storage_limit": 2**64}, 422),
        ({"project_name": "x", "registry_id": 1}, 400),
        ({"project_name": "x", "cve_allowlist": {"items": [{"cve_id": "a b"}]}}, 400),
        ({"project_name": "x", "cve_allowlist": {"items": [{}]}}, 422),
        ([], 422),
    ],
)
def test_what_cannot_be_a_project_is_refused_and_nothing_is_created(admin, project, body, status):
    answer = admin.post("/projects", body)
    assert answer.status_code == status, answer.content
    assert answer.json()["errors"][0]["message"]
    assert [row.name for row in Namespace.objects.all()] == ["apps"]


def test_only_administrators_and_their_like_choose_how_much_a_project_may_hold(admin, somebody):
    configure(storage_per_project=5000)
    admin.post("/projects", {"project_name": "large", "storage_limit": 10**9})
    admin.post("/projects", {"project_name": "usual"})
    admin.post("/projects", {"project_name": "zero", "storage_limit": 0})
    maker = robot("maker", Right("system", "project", "create"))
    maker.post("/projects", {"project_name": "made", "storage_limit": 10**9})
    somebody.post("/projects", {"project_name": "own", "storage_limit": 10**9})
    limits = {project.name: project.storage_limit for project in Project.objects.all()}
    assert limits == {"large": 10**9, "usual": 5000, "zero": 5000, "made": 10**9, "own": 5000}


def test_creating_projects_can_be_left_to_administrators(admin, somebody, nobody):
    configure(project_creation_restriction="adminonly")
    refused = somebody.post("/projects", {"project_name": "a"})
    assert refused.status_code == 403
    assert refused.content == b'{"errors":[{"code":"FORBIDDEN","message":"Only system admin can create project"}]}'
    assert nobody.post("/projects", {"project_name": "a"}).status_code == 401
    assert admin.post("/projects", {"project_name": "a"}).status_code == 201


def test_a_robot_creates_projects_if_it_was_given_that_and_the_first_admin_owns_them(admin):
    make_user("second", is_admin=True)
    assert robot("idle", Right("system", "project", "list")).post("/projects", {"project_name": "a"}).status_code == 403
    assert (
        robot("maker", Right("system", "project", "create")).post("/projects", {"project_name": "a"}).status_code == 201
    )
    assert project_get("a").owner.username == "admin"
    User.objects.filter(username="admin").update(is_active=False)
    robot("later", Right("system", "project", "create")).post("/projects", {"project_name": "b"})
    assert project_get("b").owner.username == "second", "who was locked out owns nothing new"


@pytest.mark.usefixtures("_many")
def test_everybody_sees_the_projects_that_are_theirs_to_see(admin, nobody, project):
    gus = make_member(project, "gus", Role.GUEST)
    puller = robot("ci", Right("project", "repository", "pull", project_get("zoo")))
    assert names(admin.get("/projects")) == ["apps", "open-1", "open-2", "zoo"]
    assert names(gus.get("/projects")) == ["apps", "open-1", "open-2"]
    assert names(puller.get("/projects")) == ["open-1", "open-2", "zoo"]
    assert names(nobody.get("/projects")) == ["open-1", "open-2"]
    lister = robot("lister", Right("system", "project", "list"))
    assert names(lister.get("/projects")) == names(admin.get("/projects"))
    assert lister.get("/projects/zoo").status_code == 403


@pytest.mark.usefixtures("_many")
def test_a_list_of_projects_is_narrowed_and_sorted(admin):
    for query, expected in [
        ({"name": "open"}, ["open-1", "open-2"]),
        ({"q": "name=open"}, []),
        ({"q": "name=open-1"}, ["open-1"]),
        ({"q": "name=~op"}, ["open-1", "open-2"]),
        ({"q": "name={'zoo' 'apps' 'gone'}"}, ["apps", "zoo"]),
        ({"public": "false"}, ["apps", "zoo"]),
        ({"q": "public=true"}, ["open-1", "open-2"]),
        ({"owner": "olga"}, ["open-2", "zoo"]),
        ({"q": "owner=olga,public=true"}, ["open-2"]),
        ({"q": "moon=full", "page_size": 1, "page": 4}, ["zoo"]),
        ({"sort": "-name", "page_size": 2}, ["zoo", "open-2"]),
        ({"sort": "-creation_time", "page_size": 1}, ["zoo"]),
        ({"page": 0, "page_size": 0}, ["apps", "open-1", "open-2", "zoo"]),
        ({"q": "Name=~o,Public=true", "sort": "-CreationTime"}, ["open-2", "open-1"]),
        ({"q": "name=apps,name=zoo"}, ["zoo"]),
    ]:
        assert names(admin.get("/projects", **query)) == expected, query
    assert admin.get("/projects", page_size=2)["X-Total-Count"] == "4"
    for query, status in [
        ({"q": "name"}, 400),
        ({"q": "project_id=x"}, 400),
        ({"public": "x"}, 422),
        ({"q": "name=~"}, 400),
        ({"q": "project_id=[~]"}, 400),
        ({"page": -1}, 422),
    ]:
        assert admin.get("/projects", **query).status_code == status, query


@pytest.mark.usefixtures("_many")
def test_details_can_be_left_out(admin):
    detailed = admin.get("/projects", q="name=zoo").json()[0]
    plain = admin.get("/projects", q="name=zoo", with_detail="false").json()[0]
    assert detailed.keys() - plain.keys() == {"owner_name"}


def test_lists_leave_out_allowlists(admin, project):
    assert "cve_allowlist" in admin.get("/projects/apps").json()
    assert "cve_allowlist" not in admin.get("/projects").json()[0], "each may have ten thousand items"


def test_a_list_costs_the_same_whatever_its_length(somebody, project):
    def fill(first: int, last: int) -> None:
        for number in range(first, last):
            made = project_create(name=f"p{number}", owner=User.objects.get(username="somebody"), origin=SYSTEM)
            Repository.objects.create(namespace=made.namespace, name=f"p{number}/app")
            RetentionPolicy.objects.create(project=made, rules=[])

    fill(0, 2)
    few = queries_of(lambda: somebody.get("/projects", page_size=100))
    fill(2, 60)
    assert len(names(somebody.get("/projects", page_size=100))) == 60
    assert queries_of(lambda: somebody.get("/projects", page_size=100)) == few


def test_roles_of_groups_are_shown_the_highest_first(project):
    gus = make_member(project, "gus", Role.GUEST)
    group = UserGroup.objects.create(name="team", type=UserGroup.Type.OIDC)
    group.users.add(User.objects.get(username="gus"))
    member_add(project=project, group=group, role=Role.MAINTAINER, origin=SYSTEM)
    told = gus.get("/projects/apps").json()
    assert (told["current_user_role_id"], told["current_user_role_ids"]) == (4, [4, 3])
    assert "togglable" not in told


def test_a_project_is_found_by_id_and_by_name(admin, project):
    number = str(10**9)
    digits = project_create(name=number, owner=None, origin=SYSTEM)
    assert admin.get(f"/projects/{project.pk}").json()["name"] == "apps"
    assert admin.get("/projects/apps").json()["project_id"] == project.pk
    assert admin.get(f"/projects/{digits.pk}").json()["name"] == number
    assert admin.get(f"/projects/{number}").status_code == 404
    assert admin.get(f"/projects/{'9' * 40}").status_code == 404
    assert admin.delete(f"/projects/{number}", X_Is_Resource_Name="true").status_code == 200
    assert admin.get(f"/projects/{digits.pk}").status_code == 404


def test_strangers_do_not_learn_which_projects_there_are(somebody, nobody, project):
    for path in (f"/projects/{project.pk}", "/projects/apps", "/projects/999999", "/projects/nothing"):
        for tail in ("", "/summary", "/_deletable"):
            assert somebody.get(path + tail).status_code == 403
            assert nobody.get(path + tail).status_code == 401
        assert somebody.put(path, {}).status_code == 403
        assert somebody.delete(path).status_code == 403


def test_whether_a_name_is_taken_is_told_to_people_who_log_in(somebody, nobody, project):
    assert somebody.head("/projects", project_name="apps").status_code == 200
    assert somebody.head("/projects", project_name="other").status_code == 404
    assert somebody.head("/projects").status_code == 422
    assert nobody.head("/projects", project_name="apps").status_code == 401


def test_an_update_changes_what_it_names(project):
    ada = make_member(project, "ada", Role.PROJECT_ADMIN)
    body = {"metadata": {"public": "true", "prevent_vul": "1", "retention_id": ""}, "storage_limit": 5}
    assert ada.put("/projects/apps", body).status_code == 200
    assert ada.put("/projects/apps", {"metadata": {"severity": "High"}, "project_name": "renamed"}).status_code == 200
    told = ada.get("/projects/apps").json()
    assert told["metadata"] == {"public": "true", "prevent_vul": "true", "severity": "high"}
    assert project_get("apps").storage_limit == -1
    entry = Entry.objects.filter(action="project.update").first()
    assert (entry.before, entry.after) == ({"public": "false"}, {"public": "true", "prevent_vul": "true"})
    maintainer = make_member(project, "mia", Role.MAINTAINER)
    assert maintainer.put("/projects/apps", {}).status_code == 403


def test_the_number_of_a_retention_policy_is_among_the_metadata(admin, project):
    policy = RetentionPolicy.objects.create(project=project, rules=[])
    told = admin.get("/projects/apps").json()["metadata"]
    assert told["retention_id"] == str(policy.pk)
    assert admin.put("/projects/apps", {"metadata": told}).status_code == 200
    assert admin.put("/projects/apps", {"metadata": {"retention_id": str(policy.pk + 1)}}).status_code == 400


def test_a_project_has_the_allowlist_of_the_system_unless_it_says_otherwise(admin, project):
    admin.put("/system/CVEAllowlist", {"items": [{"cve_id": "CVE-2026-1"}]})
    own = {"items": [{"cve_id": "CVE-2026-2"}], "expires_at": 4102444800}
    assert admin.put("/projects/apps", {"cve_allowlist": own | {"project_id": project.pk}}).status_code == 200
    assert admin.put("/projects/apps", {"cve_allowlist": {"project_id": project.pk + 1}}).status_code == 400
    told = admin.get("/projects/apps").json()["cve_allowlist"]
    assert (told["items"], told["project_id"]) == ([{"cve_id": "CVE-2026-1"}], project.pk)
    admin.put("/projects/apps", {"metadata": {"reuse_sys_cve_allowlist": "false"}})
    told = admin.get("/projects/apps").json()["cve_allowlist"]
    assert {key: told[key] for key in own} == own


def test_a_refused_allowlist_leaves_the_rest_as_it_was(admin, project):
    body = {"metadata": {"public": "true"}, "cve_allowlist": {"items": [{"cve_id": "A"}, {"cve_id": "A"}]}}
    assert admin.put("/projects/apps", body).status_code == 400
    assert not project_get("apps").public


def test_a_project_with_repositories_is_not_deleted(project):
    ada = make_member(project, "ada", Role.PROJECT_ADMIN)
    repository = Repository.objects.create(namespace=project.namespace, name="apps/web")
    assert ada.get("/projects/apps/_deletable").json()["deletable"] is False
    assert ada.delete("/projects/apps").status_code == 412
    repository.delete()
    assert ada.get("/projects/apps/_deletable").json() == {"deletable": True}
    assert ada.delete("/projects/apps").status_code == 200
    assert ada.get("/projects/apps").status_code == 403
    assert not Member.objects.exists()


def test_the_name_is_free_again_while_deleted_repositories_are_cleared_away(admin, project):
    row = Repository.objects.create(namespace=project.namespace, name="~1", deleted_at=project.created_at)
    assert admin.get("/projects/apps").json()["repo_count"] == 0
    assert admin.delete("/projects/apps").status_code == 200
    assert admin.post("/projects", {"project_name": "apps"}).status_code == 201
    row.refresh_from_db()
    assert row.namespace.name == f"~{row.namespace_id}"


def test_a_summary_tells_numbers_to_those_who_may_see_them(nobody, project):
    mia = make_member(project, "mia", Role.MAINTAINER)
    lena = make_member(project, "lena", Role.LIMITED_GUEST)
    Repository.objects.create(namespace=project.namespace, name="apps/web")
    quota = {"hard": {"storage": -1}, "used": {"storage": 0}}
    assert mia.get("/projects/apps/summary").json() == {
        "repo_count": 1,
        "project_admin_count": 0,
        "maintainer_count": 1,
        "developer_count": 0,
        "guest_count": 0,
        "limited_guest_count": 1,
        "quota": quota,
    }
    assert lena.get("/projects/apps/summary").json() == {"repo_count": 1, "quota": quota}
    Project.objects.update(public=True)
    assert nobody.get("/projects/apps/summary").json() == {"repo_count": 1}
