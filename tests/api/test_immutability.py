import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import Entry
from audit.origin import SYSTEM
from portal.immutability.gate import PortalTagGate
from portal.projects.models import Role
from portal.projects.services import project_create
from tests.api.conftest import make_member

RULES = "/projects/apps/immutabletagrules"


def rule(pattern: str = "v*", repositories: str = "**", **change):
    return {
        "action": "immutable",
        "template": "immutable_template",
        "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": pattern}],
        "scope_selectors": {
            "repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": repositories}]
        },
    } | change


def location(answer):
    assert answer.status_code == 201, answer.content
    return answer["Location"].removeprefix("/api/v2.0")


def test_a_rule_is_made_changed_and_removed(admin, project):
    where = location(admin.post(RULES, rule()))
    [found] = admin.get(RULES).json()
    assert where == f"{RULES}/{found['id']}"
    assert found["disabled"] is False
    assert found["tag_selectors"] == [{"kind": "doublestar", "decoration": "matches", "pattern": "v*", "extras": ""}]
    assert admin.put(where, found | {"disabled": True}).status_code == 200
    assert admin.get(RULES).json()[0]["disabled"] is True
    assert admin.delete(where).status_code == 200
    assert admin.get(RULES).json() == []
    assert admin.delete(where).status_code == 404
    actions = list(Entry.objects.order_by("id").values_list("action", flat=True))
    assert actions[-3:] == ["immutablerule.create", "immutablerule.update", "immutablerule.delete"]


def test_the_same_rule_is_refused_a_second_time(admin, project):
    location(admin.post(RULES, rule("v*")))
    other = location(admin.post(RULES, rule("latest")))
    assert admin.post(RULES, rule("v*")).status_code == 409
    assert admin.put(other, rule("v*")).status_code == 409
    assert admin.put(other, rule("latest", disabled=True)).status_code == 200


def test_the_rules_of_a_project_are_not_costly_together(admin, project):
    costly = "*a" * 50
    made = [location(admin.post(RULES, rule(f"{costly}{number}"))) for number in range(3)]
    answer = admin.post(RULES, rule(f"{costly}3"))
    assert answer.status_code == 400
    assert "costly" in answer.json()["errors"][0]["message"]
    assert admin.post(RULES, rule("v*")).status_code == 201
    assert admin.put(made[0], rule(f"{costly}4")).status_code == 200, "it takes the place of another"


def test_the_rules_of_a_project_are_its_maintainers_business(admin, somebody, nobody, project):
    mia = make_member(project, "mia", Role.MAINTAINER)
    dave = make_member(project, "dave", Role.DEVELOPER)
    where = location(mia.post(RULES, rule()))
    for caller, status in [(dave, 403), (somebody, 403), (nobody, 401)]:
        assert caller.get(RULES).status_code == status
        assert caller.post(RULES, rule("x")).status_code == status
        assert caller.put(where, rule("x")).status_code == status
        assert caller.delete(where).status_code == status
    other = project_create(name="other", owner=None, origin=SYSTEM)
    elsewhere = where.replace("apps", other.name)
    assert admin.put(elsewhere, rule("x")).status_code == 404
    assert admin.delete(elsewhere).status_code == 404


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"action": "dance"}, 400),
        ({"template": "other"}, 400),
        ({"tag_selectors": []}, 400),
        ({"scope_selectors": {}}, 400),
        ({"scope_selectors": {"\0": []}}, 400),
        ({"tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": "["}]}, 400),
        ({"tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": "a\0"}]}, 422),
        ({"tag_selectors": "v*"}, 422),
        ({"scope_selectors": []}, 422),
        ({"disabled": "no"}, 422),
        ({"priority": 2**70}, 422),
    ],
)
def test_what_is_no_rule_is_refused(admin, project, change, status):
    assert admin.post(RULES, rule(**change)).status_code == status
    assert admin.get(RULES).json() == []


def test_the_id_in_a_body_must_be_that_of_the_path(admin, project):
    where = location(admin.post(RULES, rule()))
    assert admin.put(where, rule(id=10**6)).status_code == 400


def test_the_gate_names_the_protected_tags(admin, project, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert PortalTagGate().protected(project.pk, "apps/team/app", ["v1"]) == set()
    location(admin.post(RULES, rule("v*", "team/**")))
    location(admin.post(RULES, rule("latest")))
    location(admin.post(RULES, rule("never", disabled=True)))
    with django_assert_num_queries(2):
        found = PortalTagGate().protected(project.pk, "apps/team/app", ["v1", "v2", "latest", "never", "other"])
    assert found == {"v1", "v2", "latest"}
    assert PortalTagGate().protected(project.pk, "apps/app", ["v1", "latest"]) == {"latest"}
    assert PortalTagGate().protected(project.pk + 1, "apps/app", ["latest"]) == set()


def test_a_list_takes_as_many_queries_however_long_it_is(admin, project):
    counts = []
    for upto in (2, 60):
        for number in range(len(admin.get(RULES, page_size=100).json()), upto):
            location(admin.post(RULES, rule(f"v{number}")))
        with CaptureQueriesContext(connection) as queries:
            assert len(admin.get(RULES, page_size=100).json()) == upto
        counts.append(len(queries))
    assert counts[0] == counts[1]
