"""Projects and members."""

import pytest

from audit.models import Entry
from audit.origin import SYSTEM
from portal.accounts.services import user_delete
from portal.errors import Conflict, Invalid, Missing, Refused
from portal.projects import services
from portal.projects.models import Member, Project, Role
from portal.projects.selectors import project_get, visible_to
from registry.models import Namespace, Repository


@pytest.mark.parametrize("name", ["a", "library", "a.b_c-d", "0", "x" * 255])
def test_harbors_project_names_are_accepted(make_project, name):
    assert make_project(name).name == name


@pytest.mark.parametrize("name", ["", "A", "a/b", "-a", "a-", "a..b", "a__b", "x" * 256, "a\n", "é"])
def test_other_project_names_are_refused(make_project, name):
    with pytest.raises(Invalid):
        make_project(name)


def test_a_name_can_be_taken_once(make_project):
    make_project("team")
    with pytest.raises(Conflict):
        make_project("team")


def test_the_creator_becomes_project_admin(make_user, make_project):
    project = make_project("team", owner=make_user("olga"))
    assert [(m.user.username, m.role) for m in project.members.all()] == [("olga", Role.PROJECT_ADMIN)]


def test_a_project_outlives_its_owner(make_user, make_project):
    owner = make_user("olga")
    make_project("team", owner=owner)
    user_delete(user=owner, origin=SYSTEM)
    assert project_get("team").owner is None


def test_a_project_with_repositories_cannot_be_deleted(make_project):
    project = make_project("team")
    repository = Repository.objects.create(namespace=project.namespace, name="team/app")
    with pytest.raises(Refused):
        services.project_delete(project=project, origin=SYSTEM)
    repository.delete()
    services.project_delete(project=project, origin=SYSTEM)
    assert not Namespace.objects.filter(name="team").exists()
    with pytest.raises(Missing):
        services.project_update(project=project, public=True, origin=SYSTEM)


def test_a_user_sees_public_projects_and_their_own(admin, make_user, make_project):
    gus, open_project, own, _ = (
        make_user("gus"),
        make_project("open", public=True),
        make_project("own"),
        make_project("x"),
    )
    services.member_add(project=own, user=gus, role=Role.LIMITED_GUEST, origin=SYSTEM)
    assert set(visible_to(None)) == {open_project}
    assert set(visible_to(gus)) == {open_project, own}
    assert set(visible_to(admin)) == set(Project.objects.all())


def test_members_come_change_and_go(make_user, make_project):
    gus, team = make_user("gus"), make_project("team")
    services.member_add(project=team, user=gus, role=Role.GUEST, origin=SYSTEM)
    with pytest.raises(Conflict):
        services.member_add(project=team, user=gus, role=Role.DEVELOPER, origin=SYSTEM)
    assert services.member_update(project=team, user=gus, role=Role.MAINTAINER, origin=SYSTEM).role == Role.MAINTAINER
    services.member_remove(project=team, user=gus, origin=SYSTEM)
    assert not Member.objects.exists()
    with pytest.raises(Missing):
        services.member_remove(project=team, user=gus, origin=SYSTEM)


def test_every_change_is_journaled(make_user, make_project):
    gus, team = make_user("gus"), make_project("team")
    services.project_update(project=team, public=True, origin=SYSTEM)
    services.member_add(project=team, user=gus, role=Role.GUEST, origin=SYSTEM)
    services.member_update(project=team, user=gus, role=Role.DEVELOPER, origin=SYSTEM)
    services.member_remove(project=team, user=gus, origin=SYSTEM)
    services.project_delete(project=team, origin=SYSTEM)
    actions = list(Entry.objects.filter(project="team").order_by("id").values_list("action", flat=True))
    member = ["member.add", "member.update", "member.remove"]
    assert actions == ["project.create", "project.update", *member, "project.delete"]
