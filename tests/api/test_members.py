import pytest

from audit.models import Entry
from audit.origin import SYSTEM
from portal.accounts.models import User, UserGroup
from portal.projects.models import Member, Project, Role
from portal.projects.services import member_add, project_create
from tests.api.conftest import Caller, make_member, make_user, queries_of

HERE = "/projects/apps/members"


@pytest.fixture
def ada(project: Project) -> Caller:
    """The project's admin."""
    return make_member(project, "ada", Role.PROJECT_ADMIN)


def path_of(answer) -> str:
    assert answer.status_code == 201, answer.content
    return answer["Location"].removeprefix("/api/v2.0")


def test_a_member_comes_is_promoted_and_goes(ada, project):
    gus = make_user("gus")
    place = path_of(ada.post(HERE, {"role_id": 3, "member_user": {"username": "GUS"}}))
    member = Member.objects.get(user=gus)
    assert place == f"/projects/{project.pk}/members/{member.pk}"
    assert ada.get(place).json() == {
        "id": member.pk,
        "project_id": project.pk,
        "entity_name": "gus",
        "role_name": "guest",
        "role_id": 3,
        "entity_id": gus.pk,
        "entity_type": "u",
    }
    assert ada.put(place, {"role_id": 4}).status_code == 200
    assert ada.get(place).json()["role_name"] == "maintainer"
    assert ada.delete(place).status_code == 200
    assert ada.get(place).status_code == 404
    assert ada.delete(place).status_code == 404
    entries = Entry.objects.filter(project="apps", target="gus").order_by("id")
    assert [(entry.action, entry.before, entry.after) for entry in entries] == [
        ("member.add", None, {"role": "guest"}),
        ("member.update", {"role": "guest"}, {"role": "maintainer"}),
        ("member.remove", {"role": "maintainer"}, None),
    ]


def test_a_user_can_be_named_by_id_and_only_once(ada):
    body = {"role_id": 2, "member_user": {"user_id": make_user("gus").pk}}
    assert ada.post(HERE, body).status_code == 201
    assert ada.post(HERE, body).status_code == 409


def test_a_group_becomes_a_member_and_its_people_get_the_role(ada):
    group = UserGroup.objects.create(name="team", type=UserGroup.Type.OIDC)
    make_user("gus").groups.add(group)
    place = path_of(ada.post(HERE, {"role_id": 3, "member_group": {"id": group.pk}}))
    told = ada.get(place).json()
    assert (told["entity_name"], told["entity_type"], told["entity_id"]) == ("team", "g", group.pk)
    assert Caller("gus").get("/projects/apps").status_code == 200
    assert Entry.objects.get(target="team").after == {"role": "guest", "holder": "group"}


@pytest.mark.parametrize(
    ("group", "name", "kind"),
    [
        ({"group_name": "team", "group_type": 3}, "team", 3),
        ({"ldap_group_dn": "CN=team,DC=example"}, "CN=team,DC=example", 1),
    ],
)
def test_a_group_that_is_not_known_yet_is_created(ada, group, name, kind):
    path_of(ada.post(HERE, {"role_id": 3, "member_group": group}))
    assert [(row.name, row.type) for row in UserGroup.objects.all()] == [(name, kind)]
    assert ada.post(HERE, {"role_id": 3, "member_group": group}).status_code == 409


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"role_id": 3}, 400),
        ({"role_id": 3, "member_user": {}, "member_group": None}, 400),
        ({"member_user": {"username": "ada"}}, 400),
        ({"role_id": 6, "member_user": {"username": "ada"}}, 400),
        ({"role_id": "3", "member_user": {"username": "ada"}}, 422),
        ({"role_id": 3, "member_user": {"username": "gone"}}, 404),
        ({"role_id": 3, "member_user": {"username": "a\0"}}, 422),
        ({"role_id": 3, "member_user": {"user_id": 10**12}}, 400),
        ({"role_id": 3, "member_user": "ada"}, 422),
        ({"role_id": 3, "member_group": {"id": 10**12}}, 400),
        ({"role_id": 3, "member_group": {"group_name": "team", "group_type": 9}}, 400),
        ({"role_id": 3, "member_group": {"group_name": "team"}}, 400),
        ({"role_id": 9, "member_group": {"group_name": "team", "group_type": 3}}, 400),
    ],
)
def test_what_names_nobody_or_no_role_is_refused_and_changes_nothing(ada, body, status):
    answer = ada.post(HERE, body)
    assert answer.status_code == status, answer.content
    assert answer.json()["errors"][0]["message"]
    assert (Member.objects.count(), UserGroup.objects.count()) == (1, 0)


def test_a_member_is_not_found_under_another_project(admin, ada, project):
    other = project_create(name="other", owner=User.objects.get(username="admin"), origin=SYSTEM)
    foreign = f"{HERE}/{Member.objects.get(project=other).pk}"
    assert ada.get(foreign).status_code == 404
    assert ada.put(foreign, {"role_id": 5}).status_code == 404
    assert ada.delete(foreign).status_code == 404
    assert ada.get(f"{HERE}/{10**30}").status_code == 404
    assert Member.objects.get(project=other).role == Role.PROJECT_ADMIN


def test_only_project_admins_change_members_and_guests_look_at_them(ada, somebody, nobody, project):
    guest = make_member(project, "gus", Role.GUEST)
    limited = make_member(project, "lena", Role.LIMITED_GUEST)
    place = f"{HERE}/{Member.objects.get(user__username='gus').pk}"
    assert [row["entity_name"] for row in guest.get(HERE).json()] == ["ada", "gus", "lena"]
    assert guest.get(place).status_code == 200
    for caller, status in [(guest, 403), (limited, 403), (somebody, 403), (nobody, 401)]:
        assert caller.post(HERE, {"role_id": 1, "member_user": {"username": "somebody"}}).status_code == status
        assert caller.put(place, {"role_id": 1}).status_code == status
        assert caller.delete(place).status_code == status
    for caller, status in [(limited, 403), (somebody, 403), (nobody, 401)]:
        assert caller.get(HERE).status_code == status


def test_members_are_listed_by_name_and_found_by_a_part_of_it(ada, project):
    member_add(project=project, group=UserGroup.objects.create(name="bees", type=3), role=2, origin=SYSTEM)
    for name in ("carl", "dora"):
        make_member(project, name, Role.GUEST)
    page = ada.get(HERE, page_size=2, page=2)
    assert [row["entity_name"] for row in page.json()] == ["carl", "dora"]
    assert page["X-Total-Count"] == "4"
    assert [row["entity_name"] for row in ada.get(HERE, entityname="A").json()] == ["ada", "carl", "dora"]
    assert ada.get(HERE, entityname="%").json() == []


def test_a_list_costs_the_same_whatever_its_length(ada, project):
    def fill(first: int, last: int) -> None:
        for number in range(first, last):
            group = UserGroup.objects.create(name=f"g{number}", type=3)
            Member.objects.create(project=project, group=group, role=Role.GUEST)

    fill(0, 1)
    few = queries_of(lambda: ada.get(HERE, page_size=100))
    fill(1, 59)
    assert len(ada.get(HERE, page_size=100).json()) == 60
    assert queries_of(lambda: ada.get(HERE, page_size=100)) == few
