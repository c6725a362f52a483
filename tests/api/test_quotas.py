import pytest

from audit.models import Entry
from audit.origin import SYSTEM
from portal.access.robots import Right, robot_create
from portal.accounts.models import User
from portal.projects.models import Project, Role
from portal.projects.selectors import project_get
from portal.projects.services import project_create
from registry.models import NamespaceContent, NamespaceUsage
from tests.api.conftest import Caller, make_member, queries_of


def hold(project: Project, *sizes: int, folded: int = 0) -> None:
    """Makes the project take up so much more."""
    there = NamespaceContent.objects.count()
    if folded:
        NamespaceUsage.objects.create(namespace=project.namespace, folded_bytes=folded)
    for number, size in enumerate(sizes, there):
        NamespaceContent.objects.create(namespace=project.namespace, digest=f"sha256:{number:064}", size=size)


def test_a_quota_tells_what_is_allowed_and_what_is_taken(admin, project):
    hold(project, 20, 30, folded=1000)
    owned = project_create(name="owned", owner=User.objects.get(username="admin"), origin=SYSTEM)
    told = admin.get(f"/quotas/{project.pk}").json()
    assert told.pop("creation_time")
    assert told.pop("update_time")
    assert told == {
        "id": project.pk,
        "ref": {"id": project.pk, "name": "apps"},
        "hard": {"storage": -1},
        "used": {"storage": 1050},
    }
    assert admin.get(f"/quotas/{owned.pk}").json()["ref"]["owner_name"] == "admin"
    assert admin.get(f"/quotas/{10**30}").status_code == 404


def test_an_administrator_changes_a_quota(admin, project):
    place = f"/quotas/{project.pk}"
    assert admin.put(place, {"hard": {"storage": 5000}}).status_code == 200
    assert admin.get(place).json()["hard"] == {"storage": 5000}
    assert admin.put(place, {"hard": {"storage": -1}}).status_code == 200
    changes = Entry.objects.filter(action="quota.update", project="apps").order_by("id")
    assert [(entry.before, entry.after) for entry in changes] == [
        ({"storage": -1}, {"storage": 5000}),
        ({"storage": 5000}, {"storage": -1}),
    ]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"hard": {"storage": 0}}, 400),
        ({"hard": {"storage": -5}}, 400),
        ({"hard": {"storage": 2**50 + 1}}, 400),
        ({"hard": {"storage": 2**63}}, 422),
        ({"hard": {"storage": "5"}}, 422),
        ({"hard": {"storage": None}}, 400),
        ({"hard": {"moons": 5}}, 400),
        ({"hard": {"storage": 5, "count": 5}}, 400),
        ({"hard": {}}, 400),
        ({"hard": []}, 422),
        ({}, 422),
    ],
)
def test_what_is_no_limit_is_refused(admin, project, body, status):
    assert admin.put(f"/quotas/{project.pk}", body).status_code == status
    assert project_get("apps").storage_limit == -1


def test_quotas_are_the_business_of_administrators_and_robots_that_were_given_it(somebody, nobody, project):
    ada = make_member(project, "ada", Role.PROJECT_ADMIN)
    for caller, status in [(ada, 403), (somebody, 403), (nobody, 401)]:
        assert caller.get("/quotas").status_code == status
        assert caller.get(f"/quotas/{project.pk}").status_code == status
        assert caller.put(f"/quotas/{project.pk}", {"hard": {"storage": 5}}).status_code == status
    made, secret = robot_create(name="ci", project=None, rights=[Right("system", "quota", "update")], origin=SYSTEM)
    robot = Caller(made.full_name, secret)
    assert robot.put(f"/quotas/{project.pk}", {"hard": {"storage": 5}}).status_code == 200
    assert robot.get("/quotas").status_code == 403


def test_quotas_are_listed_and_sorted(admin, project):
    small = project_create(name="small", owner=None, storage_limit=50, origin=SYSTEM)
    full = project_create(name="full", owner=None, storage_limit=500, origin=SYSTEM)
    hold(project, 10)
    hold(full, 300, folded=100)
    for query, expected in [
        ({}, [full, small, project]),
        ({"reference": "", "reference_id": ""}, [full, small, project]),
        ({"sort": "-used.storage"}, [full, project, small]),
        ({"sort": "used.storage", "page_size": 1, "page": 3}, [full]),
        ({"sort": "-hard.storage"}, [project, full, small]),
        ({"q": "hard.storage=-1"}, [project]),
        ({"q": "hard.storage=[100~]"}, [full, project]),
        ({"reference": "project", "reference_id": full.pk}, [full]),
        ({"reference": "moon"}, []),
        ({"reference_id": 10**12}, []),
    ]:
        answer = admin.get("/quotas", **query)
        assert [row["id"] for row in answer.json()] == [row.pk for row in expected], query
    assert [row["used"]["storage"] for row in admin.get("/quotas", sort="-used.storage").json()] == [400, 10, 0]
    assert admin.get("/quotas", reference_id="x").status_code == 400


def test_a_list_costs_the_same_whatever_its_length(admin):
    def fill(first: int, last: int) -> None:
        for number in range(first, last):
            hold(project_create(name=f"p{number}", owner=None, origin=SYSTEM), number)

    fill(0, 2)
    few = queries_of(lambda: admin.get("/quotas", page_size=100, sort="-used.storage"))
    fill(2, 60)
    assert queries_of(lambda: admin.get("/quotas", page_size=100, sort="-used.storage")) == few
