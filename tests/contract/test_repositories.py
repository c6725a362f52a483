"""repository and search."""

from tests.contract.conftest import Person, Pushed
from tests.contract.walk import Caller


def test_a_repository_is_found_described_and_deleted(admin: Caller, pushed: Pushed):
    found = admin("getRepository", 200, **pushed.place).json()
    assert (found["name"], found["artifact_count"], found["pull_count"]) == (pushed.name, 1, 0)
    admin("updateRepository", 200, **pushed.place, body={"description": "# Hello"})
    assert admin("getRepository", 200, **pushed.place).json()["description"] == "# Hello"

    answer = admin("listRepositories", 200, project_name=pushed.project, page=1, page_size=1, sort="-update_time")
    assert [row["name"] for row in answer.json()] == [pushed.name]
    assert answer.headers["X-Total-Count"] == "1"
    assert admin("listRepositories", 200, project_name=pushed.project, q="name=~no-such").json() == []

    admin("deleteRepository", 200, **pushed.place)
    admin("getRepository", 404, **pushed.place)
    admin("deleteRepository", 404, **pushed.place)


def test_repositories_of_all_projects_are_listed(admin: Caller, someone: Person, pushed: Pushed):
    found = admin("listAllRepositories", 200, q=f"name={pushed.name}").json()
    assert [row["name"] for row in found] == [pushed.name]
    assert someone.call("listAllRepositories", 200, q=f"name={pushed.name}").json() == []


def test_repositories_of_private_projects_are_for_members(someone: Person, anonymous: Caller, pushed: Pushed):
    someone.call("getRepository", 403, **pushed.place)
    someone.call("updateRepository", 403, **pushed.place, body={"description": "mine"})
    someone.call("deleteRepository", 403, **pushed.place)
    someone.call("listRepositories", 403, project_name=pushed.project)
    anonymous("getRepository", 401, **pushed.place)
    anonymous("listRepositories", 401, project_name=pushed.project)


def test_a_search_finds_projects_and_repositories_that_the_caller_may_see(
    admin: Caller, anonymous: Caller, pushed: Pushed
):
    found = admin("search", 200, q=pushed.project).json()
    assert [row["name"] for row in found["project"]] == [pushed.project]
    assert [row["repository_name"] for row in found["repository"]] == [pushed.name]
    assert found["repository"][0]["artifact_count"] == 1
    hidden = anonymous("search", 200, q=pushed.project).json()
    assert (hidden["project"], hidden["repository"]) == ([], [])
