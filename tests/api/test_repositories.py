import pytest

from audit.models import Entry
from portal.projects.models import Role
from registry.models import Manifest, Repository
from tests.api.conftest import make_member, queries_of
from tests.api.pushing import push
from tests.support.images import artifact, image, index

HERE = "/projects/apps/repositories/team%252Fweb"


@pytest.fixture
def web(project, kept):
    return push("apps/team/web", image(), "latest")


def test_a_repository_is_found_described_and_deleted(admin, web):
    found = admin.get(HERE).json()
    assert (found["name"], found["artifact_count"], found["pull_count"]) == ("apps/team/web", 1, 0)
    assert found["description"] == ""
    assert admin.put(HERE, {"description": "# Hello"}).status_code == 200
    assert admin.get(HERE).json()["description"] == "# Hello"
    assert admin.delete(HERE).status_code == 200
    assert admin.get(HERE).status_code == 404
    assert admin.get("/repositories").json() == []
    assert list(Entry.objects.order_by("id").values_list("action", flat=True))[-2:] == [
        "repository.update",
        "repository.delete",
    ]


def test_members_see_the_repositories_of_their_project(somebody, nobody, project, web):
    guest = make_member(project, "gus", Role.GUEST)
    assert [row["name"] for row in guest.get("/projects/apps/repositories").json()] == ["apps/team/web"]
    assert [row["name"] for row in guest.get("/repositories").json()] == ["apps/team/web"]
    assert guest.put(HERE, {"description": "mine"}).status_code == 403
    assert guest.delete(HERE).status_code == 403
    assert make_member(project, "dev", Role.DEVELOPER).put(HERE, {"description": "ours"}).status_code == 200
    assert somebody.get("/repositories").json() == []
    assert (somebody.get(HERE).status_code, nobody.get(HERE).status_code) == (403, 401)
    assert somebody.get("/projects/apps/repositories").status_code == 403
    project.public = True
    project.save()
    assert [row["name"] for row in nobody.get("/repositories").json()] == ["apps/team/web"]
    assert [row["name"] for row in nobody.get("/projects/apps/repositories").json()] == ["apps/team/web"]


def test_repositories_are_sorted_narrowed_and_found_by_a_blob(admin, web):
    other = push("apps/zeta", image("other"), "latest")
    names = "/projects/apps/repositories"
    assert [row["name"] for row in admin.get(names).json()] == ["apps/zeta", "apps/team/web"]
    assert [row["name"] for row in admin.get(names, sort="name").json()] == ["apps/team/web", "apps/zeta"]
    assert [row["name"] for row in admin.get(names, q="name=~web").json()] == ["apps/team/web"]
    Repository.objects.filter(name="apps/zeta").update(pull_count=7)
    assert [row["name"] for row in admin.get(names, sort="-pull_count", page_size=1).json()] == ["apps/zeta"]
    digest = other.blobs[1].digest
    assert [row["name"] for row in admin.get("/repositories", q=f"blob_digest={digest}").json()] == ["apps/zeta"]
    assert admin.get("/repositories", q="blob_digest=nothing").json() == []


def test_the_number_of_artifacts_is_what_the_list_shows(admin, project, kept):
    push("apps/multi", index([image("one"), image("two")]), "latest")
    subject = push("apps/multi", image("three"))
    push("apps/multi", artifact("application/vnd.example", subject=subject))
    assert admin.get("/projects/apps/repositories/multi").json()["artifact_count"] == 2
    push("apps/multi", image("two"), "tagged")
    assert admin.get("/projects/apps/repositories/multi").json()["artifact_count"] == 3


@pytest.mark.parametrize("name", ["x" * 300, "UPPER", "a%252F%252Fb", "a%2500b", "..", "~1", "nothing"])
def test_what_is_no_repository_is_not_found(admin, project, name):
    assert admin.get(f"/projects/apps/repositories/{name}").status_code in {400, 404}
    assert admin.delete(f"/projects/apps/repositories/{name}").status_code in {400, 404}
    assert admin.get("/projects/nothing/repositories").status_code == 404


def test_a_description_is_a_text_of_some_length(admin, web):
    for body in ({"description": 5}, {"description": "x" * 70_000}, {"description": "\0"}, []):
        assert admin.put(HERE, body).status_code == 422, body
    assert admin.get(HERE).json()["description"] == ""


def test_a_page_takes_the_same_number_of_queries_whatever_its_length(admin, project):
    def fill(count):
        for number in range(count):
            row = Repository.objects.create(namespace=project.namespace, name=f"apps/r{count}-{number}")
            Manifest.objects.create(repository=row, digest=f"sha256:{number:064}", payload=b"{}", size=2)

    def ask():
        return admin.get("/projects/apps/repositories", page_size=100)

    fill(2)
    few = queries_of(ask)
    fill(60)
    assert len(ask().json()) == 62
    assert queries_of(ask) == few
