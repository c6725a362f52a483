"""project and projectMetadata."""

import pytest

from tests.contract.conftest import Person, Pushed
from tests.contract.walk import REFUSED, Caller
from tests.support.api import unique


def test_a_project_is_created_found_changed_and_deleted(admin: Caller):
    name = unique("project")
    created = admin("createProject", 201, body={"project_name": name, "metadata": {"public": "true"}})
    assert created.headers["Location"].startswith("/api/v2.0/projects/")
    project_id = int(created.headers["Location"].rpartition("/")[2])
    admin("headProject", 200, project_name=name)

    found = admin("getProject", 200, project_name_or_id=project_id).json()
    assert (found["name"], found["metadata"]["public"], found["repo_count"]) == (name, "true", 0)
    assert admin("getProject", 200, project_name_or_id=name).json() == found

    admin("updateProject", 200, project_name_or_id=name, body={"metadata": {"public": "false"}})
    assert admin("getProject", 200, project_name_or_id=name).json()["metadata"]["public"] == "false"

    assert admin("getProjectDeletable", 200, project_name_or_id=name).json()["deletable"] is True
    admin("deleteProject", 200, project_name_or_id=name)
    admin("getProject", 404, project_name_or_id=name)
    admin("headProject", 404, project_name=name)


def test_a_name_can_be_taken_only_once_and_must_be_valid(admin: Caller, project: str):
    admin("createProject", 409, body={"project_name": project})
    admin("createProject", REFUSED, body={"project_name": "Not A Name"})
    admin("createProject", REFUSED, body={"project_name": 7})


def test_the_location_has_the_name_where_that_is_asked_for(admin: Caller):
    name = unique("project")
    created = admin("createProject", 201, body={"project_name": name}, X_Resource_Name_In_Location=True)
    assert created.headers["Location"] == f"/api/v2.0/projects/{name}"


def test_a_project_with_digits_for_a_name_is_found_where_that_is_said(admin: Caller):
    name = str(90_000_000 + int(unique("n").rpartition("-")[2]))
    admin("createProject", 201, body={"project_name": name})
    found = admin("getProject", 200, project_name_or_id=name, X_Is_Resource_Name=True).json()
    assert found["name"] == name
    admin("getProject", 404, project_name_or_id=name, X_Is_Resource_Name=False)


def test_projects_are_listed_and_narrowed(admin: Caller, anonymous: Caller, project: str):
    found = admin("listProjects", 200, q=f"name={project}").json()
    assert [row["name"] for row in found] == [project]
    assert [row["name"] for row in admin("listProjects", 200, name=project[:-1]).json()].count(project) == 1
    answer = admin("listProjects", 200, page=1, page_size=1, sort="-creation_time", public=False, with_detail=False)
    assert len(answer.json()) == 1
    assert int(answer.headers["X-Total-Count"]) >= 1
    assert project not in [row["name"] for row in anonymous("listProjects", 200, page_size=100).json()]
    admin("listProjects", 400, q="name")
    admin("listProjects", 422, page_size=101)


def test_strangers_do_not_learn_which_projects_there_are(someone: Person, anonymous: Caller, project: str):
    someone.call("getProject", 403, project_name_or_id=project)
    someone.call("getProject", 403, project_name_or_id=unique("nothing"))
    anonymous("getProject", 401, project_name_or_id=project)
    someone.call("deleteProject", 403, project_name_or_id=project)


def test_a_project_with_repositories_cannot_be_deleted(admin: Caller, pushed: Pushed):
    told = admin("getProjectDeletable", 200, project_name_or_id=pushed.project).json()
    assert told["deletable"] is False
    assert told["message"]
    admin("deleteProject", 412, project_name_or_id=pushed.project)


def test_the_summary_counts_members_and_shows_the_quota(admin: Caller, pushed: Pushed):
    summary = admin("getProjectSummary", 200, project_name_or_id=pushed.project).json()
    assert (summary["repo_count"], summary["project_admin_count"]) == (1, 1)
    assert summary["quota"]["used"]["storage"] > 0
    admin("getProjectSummary", 404, project_name_or_id=unique("nothing"))


def test_the_artifacts_of_all_its_repositories_are_listed(admin: Caller, someone: Person, pushed: Pushed):
    answer = admin("listArtifactsOfProject", 200, project_name_or_id=pushed.project, with_tag=True, with_label=True)
    assert [row["digest"] for row in answer.json()] == [pushed.manifest.digest]
    assert answer.headers["X-Total-Count"] == "1"
    latest = {"latest_in_repository": True, "project_name_or_id": pushed.project}
    assert len(admin("listArtifactsOfProject", 200, **latest).json()) == 1
    someone.call("listArtifactsOfProject", 403, project_name_or_id=pushed.project)


def test_the_logs_of_a_project_tell_what_was_done_in_it(admin: Caller, someone: Person, pushed: Pushed):
    old = admin("getLogs", 200, project_name=pushed.project).json()
    new = admin("getLogExts", 200, project_name=pushed.project, sort="-op_time").json()
    assert "create" in {row["operation"] for row in old}
    assert {"project", "artifact"} <= {row["resource_type"] for row in new}
    someone.call("getLogs", 403, project_name=pushed.project)
    someone.call("getLogExts", 403, project_name=pushed.project)


def test_a_project_has_no_scanner_as_long_as_there_are_none(admin: Caller, someone: Person, project: str):
    here = {"project_name_or_id": project}
    admin("getScannerOfProject", 404, **here)
    admin("setScannerOfProject", 404, **here, body={"uuid": "1"})
    assert admin("listScannerCandidatesOfProject", 200, **here).json() == []
    someone.call("getScannerOfProject", 403, **here)
    someone.call("listScannerCandidatesOfProject", 403, **here)


def test_metadata_are_set_one_at_a_time(admin: Caller, someone: Person, project: str):
    here = {"project_name_or_id": project}
    assert admin("listProjectMetadatas", 200, **here).json()["public"] == "false"
    admin("addProjectMetadatas", 200, **here, body={"auto_scan": "true"})
    assert admin("getProjectMetadata", 200, **here, meta_name="auto_scan").json() == {"auto_scan": "true"}
    admin("addProjectMetadatas", 409, **here, body={"auto_scan": "true"})
    admin("updateProjectMetadata", 200, **here, meta_name="auto_scan", body={"auto_scan": "false"})
    assert admin("getProjectMetadata", 200, **here, meta_name="auto_scan").json() == {"auto_scan": "false"}
    admin("deleteProjectMetadata", 200, **here, meta_name="auto_scan")
    assert admin("getProjectMetadata", 200, **here, meta_name="auto_scan").json() == {}
    someone.call("listProjectMetadatas", 403, **here)


@pytest.mark.parametrize("body", [{"no_such_key": "true"}, {"auto_scan": "perhaps"}, {"severity": "terrible"}])
def test_metadata_with_unknown_keys_or_values_are_refused(admin: Caller, project: str, body: dict[str, str]):
    admin("addProjectMetadatas", REFUSED, project_name_or_id=project, body=body)
