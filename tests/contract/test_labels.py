"""label."""

import pytest

from tests.contract.conftest import Person
from tests.contract.schema import check
from tests.contract.walk import REFUSED, Caller
from tests.support.api import id_of, unique


def test_a_label_is_created_found_changed_and_deleted(admin: Caller):
    body = {"name": unique("label"), "description": "first", "color": "#112233", "scope": "g"}
    this = {"label_id": id_of(admin("CreateLabel", 201, body=body))}
    found = admin("GetLabelByID", 200, **this).json()
    assert {key: found[key] for key in body} == body
    admin("UpdateLabel", 200, **this, body=body | {"description": "second"})
    listed = admin("ListLabels", 200, scope="g", name=body["name"], page_size=100)
    assert [row["description"] for row in listed.json()] == ["second"]
    admin("CreateLabel", 409, body=body)
    admin("DeleteLabel", 200, **this)
    admin("GetLabelByID", 404, **this)
    admin("UpdateLabel", 404, **this, body=body)
    admin("DeleteLabel", 404, **this)


def test_the_labels_of_a_project_are_its_own(admin: Caller, someone: Person, project_id: int):
    body = {"name": unique("label"), "color": "#112233", "scope": "p", "project_id": project_id}
    this = {"label_id": id_of(admin("CreateLabel", 201, body=body))}
    listed = admin("ListLabels", 200, scope="p", project_id=project_id).json()
    assert [(row["name"], row["scope"], row["project_id"]) for row in listed] == [(body["name"], "p", project_id)]
    someone.call("ListLabels", 403, scope="p", project_id=project_id)
    someone.call("GetLabelByID", 403, **this)
    someone.call("UpdateLabel", 403, **this, body=body)
    someone.call("DeleteLabel", 403, **this)


def test_labels_that_break_the_rules_are_refused(admin: Caller, someone: Person, anonymous: Caller):
    body = {"name": unique("label"), "scope": "g"}
    admin("CreateLabel", REFUSED, body=body | {"scope": "x"})
    admin("CreateLabel", REFUSED, body=body | {"name": ""})
    admin("ListLabels", 400, scope="x")
    someone.call("CreateLabel", 403, body=body)
    anonymous("ListLabels", 200, scope="g")
    anonymous("CreateLabel", 401, body=body)


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        ("name", "text/plain", 415),
        ("name", "application/json", 400),
        ('["name"]', "application/json", 422),
        ('{"name": null}', "application/json", 422),
        ("[" * 100_000, "application/json", 400),
    ],
    ids=["text", "no JSON", "a list", "null", "an abyss"],
)
def test_bodies_that_are_no_label_are_refused(admin: Caller, body: str, media_type: str, status: int):
    answer = admin.request("POST", "/api/v2.0/labels", data=body, headers={"Content-Type": media_type})
    check("CreateLabel", answer)
    assert answer.status_code == status
