"""Projects and members."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from django.db import IntegrityError, connection

from audit.models import Entry
from audit.origin import SYSTEM
from portal.accounts.services import user_delete
from portal.allowlists.services import allowlist_set
from portal.errors import Conflict, Invalid, Missing, Refused
from portal.immutability.services import immutable_rule_create
from portal.labels.services import label_create
from portal.projects import services
from portal.projects.models import Member, Project, Role
from portal.projects.selectors import member_of, project_get, settings_of
from portal.retention.services import retention_create
from portal.webhooks.services import webhook_create
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
        services.project_update(project=project, settings={"public": "true"}, origin=SYSTEM)


def test_members_come_change_and_go(make_user, make_project):
    gus, team = make_user("gus"), make_project("team")
    services.member_add(project=team, user=gus, role=Role.GUEST, origin=SYSTEM)
    with pytest.raises(Conflict):
        services.member_add(project=team, user=gus, role=Role.DEVELOPER, origin=SYSTEM)
    member = member_of(team, gus)
    assert services.member_update(member=member, role=Role.MAINTAINER, origin=SYSTEM).role == Role.MAINTAINER
    services.member_remove(member=member, origin=SYSTEM)
    assert not Member.objects.exists()
    for verb in (services.member_remove, partial(services.member_update, role=Role.GUEST)):
        with pytest.raises(Missing):
            verb(member=member, origin=SYSTEM)


def test_every_change_is_journaled(make_user, make_project):
    gus, team = make_user("gus"), make_project("team")
    services.project_update(project=team, settings={"public": "true"}, origin=SYSTEM)
    services.member_add(project=team, user=gus, role=Role.GUEST, origin=SYSTEM)
    services.member_update(member=member_of(team, gus), role=Role.DEVELOPER, origin=SYSTEM)
    services.member_remove(member=member_of(team, gus), origin=SYSTEM)
    services.project_delete(project=team, origin=SYSTEM)
    actions = list(Entry.objects.filter(project="team").order_by("id").values_list("action", flat=True))
    member = ["member.add", "member.update", "member.remove"]
    assert actions == ["project.create", "project.update", *member, "project.delete"]


def attempt(step) -> None:
    """Does it, or is refused, in a thread of its own."""
    try:
        step()
    except (Conflict, Missing, Refused, IntegrityError):
        pass
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_a_project_gets_a_repository_or_is_deleted_but_never_both(make_project):
    for project in [make_project(name) for name in ("a", "b", "c", "d")]:
        name = f"{project}/web"
        steps = [
            partial(Repository.objects.create, namespace=project.namespace, name=name),
            partial(services.project_update, project=project, settings={"public": "true"}, origin=SYSTEM),
            partial(services.project_delete, project=project, origin=SYSTEM),
        ]
        with ThreadPoolExecutor(len(steps)) as pool:
            list(pool.map(attempt, steps))
        there = Project.objects.filter(pk=project.pk).exists()
        assert there == Repository.objects.filter(name=name).exists()


@pytest.mark.django_db(transaction=True)
def test_two_who_change_different_settings_at_once_both_get_their_way(make_project):
    project = make_project("team")
    wanted = [{"severity": "high"}, {"auto_scan": "true"}, {"public": "true"}, {"prevent_vul": "true"}]
    with ThreadPoolExecutor(len(wanted)) as pool:
        changes = [partial(services.project_update, project=project, settings=each, origin=SYSTEM) for each in wanted]
        list(pool.map(attempt, changes))
    assert settings_of(project_get("team")) == {key: text for each in wanted for key, text in each.items()}


@pytest.mark.django_db(transaction=True)
def test_of_many_who_create_a_project_at_once_one_succeeds(make_project):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(attempt, [partial(make_project, "team")] * 4))
    assert Entry.objects.filter(action="project.create").count() == Project.objects.count() == 1


@pytest.mark.parametrize(
    "create",
    [
        partial(label_create, name="stable", description="", color=""),
        partial(retention_create, rules=[], cron=""),
        partial(allowlist_set, cves=[], expires_at=None),
        partial(
            immutable_rule_create,
            tag_selectors=[{"decoration": "matches", "pattern": "v*"}],
            scope_selectors={"repository": [{"decoration": "repoMatches", "pattern": "**"}]},
            disabled=False,
            priority=0,
        ),
        partial(
            webhook_create,
            name="w",
            description="",
            enabled=True,
            event_types=["PUSH_ARTIFACT"],
            targets=[{"type": "http", "address": "http://collector.example/"}],
        ),
    ],
)
def test_nothing_is_created_in_a_project_that_was_deleted_meanwhile(make_project, create):
    gone = make_project("team")
    services.project_delete(project=project_get("team"), origin=SYSTEM)
    with pytest.raises(Missing):
        create(project=gone, origin=SYSTEM)
