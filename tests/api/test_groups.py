import pytest

from audit.models import Entry
from portal.access.identity import Identity
from portal.access.policy import can
from portal.accounts.models import UserGroup
from portal.projects.models import Member, Role
from tests.api.conftest import make_user, queries_of

STAFF = {"group_name": "staff", "group_type": 3}


def test_an_administrator_keeps_the_groups(admin):
    created = admin.post("/usergroups", STAFF)
    assert created.status_code == 201
    location = created["Location"].removeprefix("/api/v2.0")
    group = UserGroup.objects.get()
    assert admin.get(location).json() == {"id": group.pk, "group_name": "staff", "group_type": 3, "ldap_group_dn": ""}
    assert admin.put(location, {"group_name": "crew"}).status_code == 200
    assert [row["group_name"] for row in admin.get("/usergroups").json()] == ["crew"]
    assert admin.delete(location).status_code == 200
    assert admin.get(location).status_code == 404
    assert admin.put(location, STAFF).status_code == 404
    assert admin.delete(location).status_code == 404
    actions = Entry.objects.filter(action__startswith="usergroup.").order_by("id").values_list("action", "target")
    assert list(actions) == [
        ("usergroup.create", "staff"),
        ("usergroup.update", "crew"),
        ("usergroup.delete", "crew"),
    ]


def test_groups_that_break_a_rule_are_refused(admin):
    ldap = {"group_name": "ops", "group_type": 1, "ldap_group_dn": " CN=Ops,DC=example,DC=org "}
    assert admin.post("/usergroups", ldap).status_code == 201
    assert UserGroup.objects.get().ldap_dn == "cn=ops,dc=example,dc=org"
    for body, status in [
        ({}, 400),
        ({"group_name": "", "group_type": 3}, 400),
        ({"group_name": "x" * 256, "group_type": 3}, 400),
        ({"group_name": "x"}, 400),
        ({"group_name": "x", "group_type": 4}, 400),
        ({"group_name": "x", "group_type": 1}, 400),
        ({"group_name": "x", "group_type": "3"}, 422),
        ({"group_name": "x\0", "group_type": 3}, 422),
        ({"group_name": "ops", "group_type": 1, "ldap_group_dn": "cn=other"}, 409),
        ({"group_name": "other", "group_type": 1, "ldap_group_dn": "CN=OPS,DC=example,DC=org"}, 409),
        ({"group_name": "ops", "group_type": 3}, 201),
    ]:
        assert admin.post("/usergroups", body).status_code == status, body
    location = f"/usergroups/{UserGroup.objects.get(name='ops', type=3).pk}"
    admin.post("/usergroups", STAFF)
    assert admin.put(location, {}).status_code == 400
    assert admin.put(location, STAFF).status_code == 409


@pytest.mark.parametrize(
    ("dn", "status"),
    [
        ("cn=ops,ou=groups,dc=example,dc=org", 201),
        ("CN=Ops, OU=Groups, O=Example", 201),
        (r"cn=Doe\, Jane+uid=jane,2.5.4.11=caf\C3\A9,o=a=b", 201),
        ("cn=café,o=#04024869", 201),
        ("1", 400),
        ("ops", 400),
        ("cn=ops,", 400),
        ("=ops", 400),
        ("cn=,o=x", 400),
        ("cn=ops;o=x", 400),
        ("cn=a<b", 400),
        ("cn=ops\\", 400),
        ("c n=ops", 400),
        ("cn=o\nps", 400),
        ("cn=x," * 300, 400),
    ],
)
def test_a_group_of_ldap_has_a_distinguished_name(admin, project, dn, status):
    group = {"group_name": "ops", "group_type": 1, "ldap_group_dn": dn}
    assert (
        admin.post("/projects/apps/members", {"role_id": 3, "member_group": {"ldap_group_dn": dn}}).status_code
        == status
    )
    UserGroup.objects.all().delete()
    assert admin.post("/usergroups", group).status_code == status


def test_others_find_groups_and_no_more(admin, somebody, nobody):
    for name in ("staff", "chief of staff", "ops"):
        admin.post("/usergroups", STAFF | {"group_name": name})
    found = somebody.get("/usergroups/search", groupname="STAFF")
    assert [(row["group_name"], row["group_type"]) for row in found.json()] == [("staff", 3), ("chief of staff", 3)]
    assert found["X-Total-Count"] == "2"
    assert somebody.get("/usergroups/search").status_code == 422
    location = f"/usergroups/{UserGroup.objects.first().pk}"
    for answer in [
        somebody.get("/usergroups"),
        somebody.post("/usergroups", STAFF),
        somebody.get(location),
        somebody.put(location, STAFF),
        somebody.delete(location),
    ]:
        assert answer.status_code == 403
    assert nobody.get("/usergroups/search", groupname="staff").status_code == 401
    assert nobody.get("/usergroups").status_code == 401


def test_groups_are_narrowed_by_name_and_ldap_name(admin):
    admin.post("/usergroups", {"group_name": "ops", "group_type": 1, "ldap_group_dn": "cn=ops"})
    admin.post("/usergroups", STAFF)
    assert [row["group_name"] for row in admin.get("/usergroups", group_name="STA").json()] == ["staff"]
    assert [row["group_name"] for row in admin.get("/usergroups", ldap_group_dn="CN=ops").json()] == ["ops"]


def test_who_was_in_a_group_loses_its_roles_with_it(admin, project):
    gus = make_user("gus")
    location = admin.post("/usergroups", STAFF)["Location"].removeprefix("/api/v2.0")
    group = UserGroup.objects.get()
    group.users.add(gus)
    Member.objects.create(project=project, group=group, role=Role.GUEST)
    assert can(Identity(user=gus), "repository", "pull", project)
    assert admin.delete(location).status_code == 200
    assert not can(Identity(user=gus), "repository", "pull", project)


def test_a_list_of_groups_takes_the_same_number_of_queries_whatever_its_length(admin):
    UserGroup.objects.create(name="g", type=3)
    few = queries_of(lambda: admin.get("/usergroups", page_size=100))
    UserGroup.objects.bulk_create(UserGroup(name=f"g{n}", type=3) for n in range(60))
    assert queries_of(lambda: admin.get("/usergroups", page_size=100)) == few
