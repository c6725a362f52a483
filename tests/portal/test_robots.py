"""Robot accounts."""

from datetime import timedelta

import pytest

from audit.models import Entry
from audit.origin import SYSTEM
from portal.access import robots
from portal.access.authentication import authenticate
from portal.access.identity import Identity
from portal.access.models import Robot, RobotPermission
from portal.access.policy import can
from portal.access.robots import Right
from portal.errors import Conflict, Forbidden, Invalid, Missing
from portal.projects.services import project_create, project_delete
from registry.ports import TooManyAttempts, Unauthenticated


@pytest.fixture
def team(make_project):
    return make_project("team")


def pull(project=None, **options):
    return Right("project", "repository", "pull", project, **options)


def make(name="ci", project=None, rights=(), **options):
    return robots.robot_create(name=name, project=project, rights=rights, origin=SYSTEM, **options)


def log_in(name, secret):
    return authenticate(name, secret, address="192.0.2.1")


def test_a_project_robot_logs_in_by_its_full_name(team):
    _, secret = make("ci", team, [pull(team)])
    identity = log_in("robot$team+ci", secret)
    assert (identity.kind, identity.name) == ("robot", "robot$team+ci")
    assert can(identity, "repository", "pull", team)
    assert not can(identity, "repository", "push", team)


def test_a_system_robot_has_what_it_was_given_and_no_more(team, make_project):
    other = make_project("other")
    rights = [Right("system", "catalog", "read"), pull(team), Right("project", "tag", "list")]
    _, secret = make("all", None, rights)
    identity = log_in("robot$all", secret)
    assert can(identity, "catalog", "read")
    assert not can(identity, "catalog", "read", team)
    assert can(identity, "repository", "pull", team)
    assert not can(identity, "repository", "pull", other)
    assert can(identity, "tag", "list", other)
    assert not can(identity, "user", "list")


def test_a_denial_outweighs_what_allows_the_same(team, make_project):
    _, secret = make("all", None, [pull(), pull(team, effect="deny")])
    identity = log_in("robot$all", secret)
    assert can(identity, "repository", "pull", make_project("other"))
    assert not can(identity, "repository", "pull", team)


def test_a_robot_may_in_public_projects_what_anybody_may(make_project):
    _, secret = make("idle")
    assert can(log_in("robot$idle", secret), "repository", "pull", make_project("open", public=True))


def test_a_right_in_a_project_ends_with_the_project(team):
    _, secret = make("all", None, [pull(team)])
    project_delete(project=team, origin=SYSTEM)
    successor = project_create(name="team", owner=None, origin=SYSTEM)
    assert not can(log_in("robot$all", secret), "repository", "pull", successor)


def test_the_secret_is_random_strong_and_not_kept(team):
    robot, secret = make("ci", team)
    assert len(secret) == 32
    assert secret != make("ci2", team)[1]
    kept = [repr(vars(robot)), repr(list(Entry.objects.values_list("after", "before")))]
    assert not any(secret in text for text in kept)


def test_a_wrong_secret_an_unknown_name_and_a_deleted_robot_are_alike(team):
    _, secret = make("ci", team)
    robots.robot_delete(robot=make("gone", team)[0], origin=SYSTEM)
    for name, given in [
        ("robot$team+ci", "x"),
        ("robot$team+nobody", secret),
        ("robot$", ""),
        ("robot$team+gone", "x"),
    ]:
        with pytest.raises(Unauthenticated, match="wrong user name or password"):
            log_in(name, given)


def test_guessing_secrets_is_slowed_down(team):
    make("ci", team)
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            log_in("robot$team+ci", "x")
    with pytest.raises(TooManyAttempts):
        log_in("robot$team+ci", "x")


def test_a_disabled_robot_is_out(team):
    robot, secret = make("ci", team)
    robots.robot_set_disabled(robot=robot, disabled=True, origin=SYSTEM)
    with pytest.raises(Unauthenticated, match="disabled"):
        log_in("robot$team+ci", secret)
    robots.robot_set_disabled(robot=robot, disabled=False, origin=SYSTEM)
    assert log_in("robot$team+ci", secret)


def test_a_robot_expires_after_its_days(team, clock):
    robot, secret = make("ci", team, duration=30)
    clock.forward(days=29)
    assert log_in("robot$team+ci", secret)
    clock.forward(days=2)
    with pytest.raises(Unauthenticated, match="expired"):
        log_in("robot$team+ci", secret)
    robots.robot_update(robot=robot, rights=[], description="", duration=-1, disabled=False, origin=SYSTEM)
    assert log_in("robot$team+ci", secret)


def test_the_old_secret_can_be_accepted_for_a_while(team, clock):
    robot, old = make("ci", team)
    new = robots.robot_refresh_secret(robot=robot, keep_old_for=timedelta(hours=1), origin=SYSTEM)
    assert log_in("robot$team+ci", old)
    assert log_in("robot$team+ci", new)
    clock.forward(hours=1)
    with pytest.raises(Unauthenticated):
        log_in("robot$team+ci", old)


def test_a_refreshed_secret_replaces_the_old_one(team):
    robot, old = make("ci", team)
    assert robots.robot_refresh_secret(robot=robot, secret="My-Secret-1", origin=SYSTEM) == "My-Secret-1"
    assert log_in("robot$team+ci", "My-Secret-1")
    with pytest.raises(Unauthenticated):
        log_in("robot$team+ci", old)
    with pytest.raises(Invalid):
        robots.robot_refresh_secret(robot=robot, secret="weak", origin=SYSTEM)


def test_use_is_noted_once_an_hour(team, clock, django_assert_num_queries):
    _, secret = make("ci", team)
    first = clock.now()
    log_in("robot$team+ci", secret)
    clock.forward(minutes=30)
    with django_assert_num_queries(3):
        log_in("robot$team+ci", secret)
    assert Robot.objects.get().last_used_at == first
    clock.forward(minutes=31)
    log_in("robot$team+ci", secret)
    assert Robot.objects.get().last_used_at == clock.now()


@pytest.mark.parametrize("name", ["", "CI", "a b", "a$b", "a+b", "-a", "a..b", "x" * 256])
def test_names_follow_harbors_rule(team, name):
    with pytest.raises(Invalid):
        make(name, team)


@pytest.mark.parametrize("duration", [0, -2, 10**9])
def test_a_duration_is_a_number_of_days_or_never(team, duration):
    with pytest.raises(Invalid):
        make("ci", team, duration=duration)


def test_a_name_can_be_taken_once_per_project(team, make_project):
    make("ci", team)
    make("ci", make_project("other"))
    make("ci", None)
    for project in (team, None):
        with pytest.raises(Conflict):
            make("ci", project)


@pytest.mark.parametrize(
    "right",
    [
        Right("system", "configuration", "update"),
        Right("system", "repository", "pull"),
        Right("project", "robot", "update"),
        Right("project", "tag-retention", "operate"),
        Right("universe", "catalog", "read"),
        pull(effect="maybe"),
    ],
)
def test_a_robot_gets_only_what_robots_can_be_given(db, right):
    with pytest.raises(Invalid):
        make("ci", None, [right])


def test_a_project_robot_gets_rights_in_its_project_only(team, make_project):
    for right in (pull(), pull(make_project("other")), Right("system", "catalog", "read")):
        with pytest.raises(Invalid):
            make("ci", team, [right])


def test_a_robot_passes_on_no_more_than_it_has(team, make_project):
    other = make_project("other")
    robot, _ = make("boss", None, [pull(team), Right("project", "tag", "list"), Right("system", "user", "list")])
    boss = Identity(robot=robot)
    make("ok", None, [pull(team), Right("project", "tag", "list"), Right("system", "user", "list")], creator=boss)
    for right in (pull(other), pull(), Right("project", "tag", "create", team), Right("system", "user", "create")):
        with pytest.raises(Forbidden):
            make("too-much", None, [right], creator=boss)


def test_a_robot_made_by_a_robot_ends_with_it(team):
    robot, _ = make("boss", None, [pull(team)], duration=7)
    boss = Identity(robot=robot)
    heir, _ = make("heir", None, [pull(team)], creator=boss)
    shorter, _ = make("shorter", None, [pull(team)], duration=1, creator=boss)
    assert heir.expires_at == robot.expires_at
    assert shorter.expires_at < robot.expires_at


def test_a_right_that_is_named_twice_counts_once(team):
    robot, _ = make("ci", team, [pull(team)] * 1000)
    assert robot.permissions.count() == 1
    assert Entry.objects.latest("pk").after["rights"] == ["allow project:team repository:pull"]
    robots.robot_update(robot=robot, rights=[pull(team)] * 2, description="", duration=7, disabled=False, origin=SYSTEM)
    assert robot.permissions.count() == 1


def test_a_robot_with_an_exception_cannot_pass_on_the_rule(team):
    robot, _ = make("boss", None, [pull(), pull(team, effect="deny")])
    with pytest.raises(Forbidden):
        make("ci", None, [pull()], creator=Identity(robot=robot))


def test_every_change_is_journaled(team):
    robot, _ = make("ci", team, [pull(team)])
    robots.robot_update(robot=robot, rights=[], description="new", duration=7, disabled=False, origin=SYSTEM)
    assert not RobotPermission.objects.exists()
    robots.robot_refresh_secret(robot=robot, origin=SYSTEM)
    robots.robot_set_disabled(robot=robot, disabled=True, origin=SYSTEM)
    robots.robot_delete(robot=robot, origin=SYSTEM)
    entries = Entry.objects.filter(target="robot$team+ci", project="team").order_by("id")
    verbs = ["create", "update", "refresh_secret", "update", "delete"]
    assert [entry.action for entry in entries] == [f"robot.{verb}" for verb in verbs]
    assert entries[0].after["rights"] == ["allow project:team repository:pull"]
    with pytest.raises(Missing):
        robots.robot_delete(robot=robot, origin=SYSTEM)
