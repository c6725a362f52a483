from audit.models import Entry
from audit.origin import SYSTEM
from portal.labels.models import Label
from portal.projects.models import Role
from portal.projects.services import project_update
from tests.api.conftest import make_member

RED = {"name": "red", "description": "Broken", "color": "#FF0000", "scope": "g"}


def test_an_administrator_keeps_the_global_labels(admin, somebody):
    created = admin.post("/labels", RED)
    assert created.status_code == 201
    location = created["Location"].removeprefix("/api/v2.0")
    assert location == f"/labels/{Label.objects.get().pk}"
    assert somebody.get(location).json()["name"] == "red"

    assert admin.put(location, RED | {"name": "crimson", "scope": ""}).status_code == 200
    assert admin.get(location).json()["name"] == "crimson"

    assert admin.delete(location).status_code == 200
    assert admin.get(location).status_code == 404
    assert list(Entry.objects.order_by("id").values_list("action", flat=True))[-3:] == [
        "label.create",
        "label.update",
        "label.delete",
    ]


def test_a_colour_may_be_what_terraform_makes_of_none(admin):
    location = admin.post("/labels", RED | {"color": "false"})["Location"].removeprefix("/api/v2.0")
    assert admin.get(location).json()["color"] == "false"


def test_others_only_look_at_global_labels(admin, somebody, nobody):
    location = admin.post("/labels", RED)["Location"].removeprefix("/api/v2.0")
    assert somebody.post("/labels", RED).status_code == 403
    assert somebody.put(location, RED).status_code == 403
    assert somebody.delete(location).status_code == 403
    assert nobody.get(location).json()["name"] == nobody.get("/labels").json()[0]["name"] == "red"
    assert nobody.post("/labels", RED).status_code == 401


def test_labels_of_a_project_are_its_members_business(admin, somebody, project):
    maintainer = make_member(project, "mia", Role.MAINTAINER)
    body = RED | {"scope": "p", "project_id": project.pk}
    location = maintainer.post("/labels", body)["Location"].removeprefix("/api/v2.0")
    assert maintainer.get("/labels", scope="p", project_id=project.pk).json()[0]["project_id"] == project.pk
    assert somebody.get("/labels", scope="p", project_id=project.pk).status_code == 403
    assert somebody.get(location).status_code == 403
    assert admin.post("/labels", body).status_code == 409


def test_labels_of_a_public_project_are_seen_by_anyone(admin, nobody, project):
    location = admin.post("/labels", RED | {"scope": "p", "project_id": project.pk})["Location"]
    paths = (location.removeprefix("/api/v2.0"), f"/labels?scope=p&project_id={project.pk}")
    assert [nobody.get(path).status_code for path in paths] == [401, 401]
    project_update(project=project, settings={"public": "true"}, origin=SYSTEM)
    assert [nobody.get(path).status_code for path in paths] == [200, 200]


def test_a_list_says_how_long_it_is_and_where_it_goes_on(admin):
    for number in range(25):
        admin.post("/labels", RED | {"name": f"l{number:02}"})
    page = admin.get("/labels", page=2, page_size=10, sort="-name")
    assert [label["name"] for label in page.json()] == [f"l{number:02}" for number in range(14, 4, -1)]
    assert page["X-Total-Count"] == "25"
    assert page["Link"] == (
        '</api/v2.0/labels?page=1&page_size=10&sort=-name>; rel="prev" , '
        '</api/v2.0/labels?page=3&page_size=10&sort=-name>; rel="next"'
    )
    assert len(admin.get("/labels", page_size=-1).json()) == 25
    assert [label["name"] for label in admin.get("/labels", q="name=~l0,id=[1~]", page_size=2).json()] == ["l00", "l01"]
    assert len(admin.get("/labels", scope="", name="").json()) == 10
    assert admin.get("/labels", q="name").status_code == 400
    assert admin.get("/labels", page_size=101).status_code == 422


def test_a_page_is_sent_again_though_only_the_total_has_changed(admin):
    admin.post("/labels", RED)
    first = admin.get("/labels", page_size=1)
    admin.post("/labels", RED | {"name": "violet"})
    second = admin.get("/labels", page_size=1)
    assert second.content == first.content
    assert second["X-Total-Count"] == "2"
    assert "ETag" not in first
    assert "ETag" in admin.get("/systeminfo")


def test_what_is_not_a_label_is_refused(admin):
    for body, status in [
        ({}, 422),
        ({"name": 5}, 422),
        ({"name": "x" * 129}, 422),
        ({"name": "x\0"}, 422),
        ({"name": "x", "color": "x" * 17}, 400),
        ({"name": "x", "scope": "p"}, 400),
        ([], 422),
        ("x", 422),
    ]:
        answer = admin.post("/labels", body)
        assert answer.status_code == status, body
        assert answer.json()["errors"][0]["message"]
    assert Label.objects.count() == 0
