from audit.origin import SYSTEM
from portal.access.robots import Right, robot_create
from portal.projects.models import Project, Role
from portal.projects.services import project_create
from registry.models import Blob, Manifest, Repository
from tests.api.conftest import Caller, make_member, queries_of


def repository(project: Project, name: str, artifacts: int = 0, **options) -> Repository:
    row = Repository.objects.create(namespace=project.namespace, name=f"{project.name}/{name}", **options)
    for number in range(artifacts):
        Manifest.objects.create(repository=row, digest=f"sha256:{number:064}", media_type="x", payload=b"", size=0)
    return row


def found(answer) -> tuple[list[str], list[str]]:
    assert answer.status_code == 200, answer.content
    told = answer.json()
    return [row["name"] for row in told["project"]], [row["repository_name"] for row in told["repository"]]


def test_projects_and_repositories_are_found_by_a_part_of_their_names(admin, project):
    repository(project, "web", artifacts=2, pull_count=7)
    repository(project, "other")
    webs = project_create(name="webs", public=True, owner=None, origin=SYSTEM)
    repository(webs, "x")
    told = admin.get("/search", q="WEB").json()
    assert [(row["name"], row["repo_count"]) for row in told["project"]] == [("webs", 1)]
    assert told["repository"][0] == {
        "project_id": project.pk,
        "project_name": "apps",
        "project_public": False,
        "repository_name": "apps/web",
        "pull_count": 7,
        "artifact_count": 2,
    }
    assert found(admin.get("/search", q="apps")) == (["apps"], ["apps/other", "apps/web"])
    assert found(admin.get("/search", q="%")) == ([], [])
    assert found(admin.get("/search", q="")) == (["apps", "webs"], ["apps/other", "apps/web", "webs/x"])
    assert admin.get("/search").status_code == 422
    assert admin.get("/search", q="a\0").status_code == 400


def test_nobody_finds_what_they_may_not_see(somebody, nobody, project):
    repository(project, "web")
    repository(project_create(name="open", public=True, owner=None, origin=SYSTEM), "web")
    guest = make_member(project, "gus", Role.LIMITED_GUEST)
    made, secret = robot_create(
        name="ci", project=None, rights=[Right("project", "tag", "list", project)], origin=SYSTEM
    )
    robot = Caller(made.full_name, secret)
    assert found(guest.get("/search", q="web")) == ([], ["apps/web", "open/web"])
    for caller in (somebody, nobody, robot):
        assert found(caller.get("/search", q="web")) == ([], ["open/web"])


def test_deleted_repositories_are_not_found(admin, project):
    repository(project, "web", deleted_at=project.created_at)
    assert found(admin.get("/search", q="web")) == ([], [])


def test_a_search_finds_at_most_100_of_each_and_costs_the_same_however_many(somebody):
    def fill(first: int, last: int) -> None:
        for number in range(first, last):
            made = project_create(name=f"p{number:03}", public=True, owner=None, origin=SYSTEM)
            repository(made, "app")

    fill(0, 2)
    few = queries_of(lambda: somebody.get("/search", q="p"))
    fill(2, 102)
    assert [len(names) for names in found(somebody.get("/search", q="p"))] == [100, 100]
    assert queries_of(lambda: somebody.get("/search", q="p")) == few


def test_the_numbers_are_of_what_the_caller_sees(admin, somebody, nobody, project):
    open_one = project_create(name="open", public=True, owner=None, origin=SYSTEM)
    for place, name in ((project, "a"), (project, "b"), (open_one, "c")):
        repository(place, name)
    Blob.objects.create(digest="sha256:" + "0" * 64, size=1000)
    member = make_member(project, "gus", Role.GUEST)
    seen = {"public_project_count": 1, "public_repo_count": 1}
    own = {"private_project_count": 1, "private_repo_count": 2}
    none = {"private_project_count": 0, "private_repo_count": 0}
    hidden = {"total_project_count": 0, "total_repo_count": 0, "total_storage_consumption": 0}
    everything = {"total_project_count": 2, "total_repo_count": 3, "total_storage_consumption": 1000}
    assert admin.get("/statistics").json() == seen | own | everything
    assert member.get("/statistics").json() == seen | own | hidden
    assert somebody.get("/statistics").json() == seen | none | hidden
    assert nobody.get("/statistics").status_code == 401
