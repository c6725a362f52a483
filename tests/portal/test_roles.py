"""The permission matrix, and the one question asked of it."""

import pytest

from audit.origin import SYSTEM
from portal.access.identity import ANONYMOUS, Identity
from portal.access.policy import can, permissions
from portal.access.roles import PUBLIC, ROBOT_PROJECT, ROBOT_SYSTEM, ROLES
from portal.access.roles import SYSTEM as SYSTEM_RESOURCES
from portal.projects.models import Role
from portal.projects.services import member_add

ACTIONS = {"create", "read", "update", "delete", "list", "stop", "operate", "pull", "push"}


@pytest.mark.parametrize(
    ("role", "count"),
    [
        (Role.PROJECT_ADMIN, 75),
        (Role.MAINTAINER, 53),
        (Role.DEVELOPER, 36),
        (Role.GUEST, 20),
        (Role.LIMITED_GUEST, 14),
    ],
)
def test_each_role_has_as_many_permissions_as_in_harbor(role, count):
    assert len(ROLES[role]) == count


def test_anybody_has_twelve_permissions_in_a_public_project():
    assert len(PUBLIC) == 12


def test_robots_can_be_given_as_many_permissions_as_in_harbor():
    assert (len(ROBOT_SYSTEM), len(ROBOT_PROJECT)) == (70, 70)


def test_every_action_is_one_of_nine_words():
    tables = [PUBLIC, SYSTEM_RESOURCES, ROBOT_SYSTEM, ROBOT_PROJECT, *ROLES.values()]
    assert {action for table in tables for _, action in table} == ACTIONS


# Who may do it, from the least to the most powerful; the letters are the columns of Harbor's table.
COLUMNS = {
    "g": Role.LIMITED_GUEST,
    "G": Role.GUEST,
    "D": Role.DEVELOPER,
    "M": Role.MAINTAINER,
    "A": Role.PROJECT_ADMIN,
}


@pytest.mark.parametrize(
    ("resource", "action", "who"),
    [
        ("project", "read", "gGDMA"),
        ("project", "update", "A"),
        ("project", "delete", "A"),
        ("member", "list", "GDMA"),
        ("member", "create", "A"),
        ("metadata", "read", "MA"),
        ("metadata", "update", "A"),
        ("configuration", "update", "A"),
        ("log", "list", "A"),
        ("quota", "read", "gGDMA"),
        ("label", "list", "GDMA"),
        ("label", "create", "MA"),
        ("repository", "pull", "gGDMA"),
        ("repository", "push", "DMA"),
        ("repository", "update", "DMA"),
        ("repository", "delete", "MA"),
        ("artifact", "create", "DMA"),
        ("artifact", "delete", "MA"),
        ("artifact-label", "create", "DMA"),
        ("accessory", "list", "gGDMA"),
        ("tag", "create", "DMA"),
        ("tag", "delete", "MA"),
        ("tag-retention", "operate", "DMA"),
        ("immutable-tag", "list", "MA"),
        ("immutable-tag", "read", ""),
        ("robot", "read", "GDMA"),
        ("robot", "create", "A"),
        ("notification-policy", "list", "MA"),
        ("notification-policy", "create", "A"),
        ("preheat-policy", "list", "A"),
        ("scan", "read", "gGDMA"),
        ("scan", "create", "MA"),
        ("sbom", "stop", "MA"),
        ("scanner", "read", "gGDMA"),
        ("scanner", "create", "A"),
        ("export-cve", "list", "DMA"),
        ("replication", "list", ""),
        ("registry", "list", ""),
    ],
)
def test_what_the_roles_differ_in(resource, action, who):
    assert {role for role, table in ROLES.items() if (resource, action) in table} == {COLUMNS[c] for c in who}


def test_a_member_has_the_rights_of_the_role_in_that_project_only(make_user, make_project):
    dora, team, other = make_user("dora"), make_project("team"), make_project("other")
    member_add(project=team, user=dora, role=Role.DEVELOPER, origin=SYSTEM)
    assert permissions(Identity(user=dora), team) == ROLES[Role.DEVELOPER]
    assert permissions(Identity(user=dora), other) == frozenset()
    assert not can(Identity(user=dora), "user", "list")


@pytest.mark.parametrize("anonymous", [True, False])
def test_whoever_is_no_member_has_the_public_rights_in_a_public_project(make_user, make_project, anonymous):
    identity = ANONYMOUS if anonymous else Identity(user=make_user("stranger"))
    assert permissions(identity, make_project("open", public=True)) == PUBLIC
    assert permissions(identity, make_project("closed")) == frozenset()


def test_a_guest_of_a_public_project_has_the_rights_of_both(make_user, make_project):
    gus, project = make_user("gus"), make_project("open", public=True)
    member_add(project=project, user=gus, role=Role.LIMITED_GUEST, origin=SYSTEM)
    assert permissions(Identity(user=gus), project) == PUBLIC | ROLES[Role.LIMITED_GUEST]


def test_an_administrator_may_do_everything_everywhere(admin, make_project):
    assert all(can(Identity(user=admin), *permission) for permission in SYSTEM_RESOURCES)
    team = make_project("team")
    assert can(Identity(user=admin), "project", "delete", team)
    assert can(Identity(user=admin), "log", "list", team)
