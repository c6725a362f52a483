"""Which projects a caller sees, and what groups add to their rights."""

import pytest

from audit.origin import SYSTEM
from portal.access.identity import ANONYMOUS, Identity
from portal.access.policy import can, roles
from portal.access.robots import Right, robot_create
from portal.access.visibility import projects_with, visible_projects
from portal.accounts.models import UserGroup
from portal.projects.models import Member, Role
from portal.projects.services import member_add


@pytest.fixture
def projects(make_project):
    return {name: make_project(name, public=name == "open") for name in ("open", "own", "shared", "closed")}


@pytest.fixture
def gus(make_user, projects):
    """A guest of `own` by himself, and of `shared` through a group."""
    gus = make_user("gus")
    member_add(project=projects["own"], user=gus, role=Role.GUEST, origin=SYSTEM)
    join(gus, projects["shared"], Role.GUEST)
    return gus


def join(user, project, role, name="team"):
    group, _ = UserGroup.objects.get_or_create(name=name, type=UserGroup.Type.OIDC)
    group.users.add(user)
    Member.objects.create(project=project, group=group, role=role)


def seen(identity):
    return {project.name for project in visible_projects(identity)}


def robot(*rights):
    return Identity(robot=robot_create(name="ci", project=None, rights=rights, origin=SYSTEM)[0])


def pull(project=None, **options):
    return Right("project", "repository", "pull", project, **options)


def test_people_see_public_projects_and_those_they_or_their_groups_belong_to(projects, gus, admin):
    assert seen(ANONYMOUS) == {"open"}
    assert seen(Identity(user=gus)) == {"open", "own", "shared"}
    assert seen(Identity(user=admin)) == set(projects)


def test_a_robot_sees_public_projects_and_those_it_was_given_rights_in(projects):
    assert seen(robot(pull(projects["own"]))) == {"open", "own"}


def test_a_robot_without_rights_in_projects_sees_the_public_ones(projects):
    assert seen(robot(Right("system", "catalog", "read"))) == {"open"}


def test_a_robot_for_all_projects_sees_all_but_those_it_is_shut_out_of(projects):
    assert seen(robot(pull(), pull(projects["own"], effect="deny"))) == {"open", "shared", "closed"}


def test_the_roles_of_a_user_and_of_their_groups_add_up(projects, gus):
    join(gus, projects["own"], Role.DEVELOPER, name="developers")
    identity = Identity(user=gus)
    assert roles(gus, [projects["own"].pk, projects["closed"].pk]) == {projects["own"].pk: {Role.GUEST, Role.DEVELOPER}}
    assert can(identity, "repository", "push", projects["own"])
    assert can(identity, "repository", "pull", projects["shared"])
    assert not can(identity, "repository", "push", projects["shared"])
    assert not can(identity, "repository", "pull", projects["closed"])


def test_what_many_memberships_mean_takes_one_query(projects, gus, django_assert_num_queries):
    with django_assert_num_queries(1):
        can(Identity(user=gus), "repository", "pull", projects["own"])
    with django_assert_num_queries(1):
        seen(Identity(user=gus))


def test_projects_are_found_by_what_one_may_do_in_them(projects, gus, admin):
    def pushing(identity):
        return {project.name for project in projects_with(identity, "repository", "push")}

    join(gus, projects["open"], Role.DEVELOPER, name="developers")
    push = Right("project", "repository", "push", projects["own"])
    assert pushing(ANONYMOUS) == set()
    assert pushing(Identity(user=gus)) == {"open"}
    assert pushing(Identity(user=admin)) == set(projects)
    assert pushing(robot(pull(), push)) == {"own"}
