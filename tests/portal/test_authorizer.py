"""What the registry hears about callers, and what clients hear about proving themselves."""

import pytest

from audit.origin import SYSTEM
from portal.access import authorizer as module
from portal.access import tokens
from portal.access.authorizer import PortalAuthorizer
from portal.access.identity import ANONYMOUS, Identity
from portal.access.scopes import Scope
from portal.projects.models import Role
from portal.projects.selectors import member_of
from portal.projects.services import member_add, member_update, project_create, project_delete
from registry.ports import Unauthenticated

SCOPES = "repository:team/app:pull,push"


@pytest.fixture
def authorizer(settings):
    settings.EXTERNAL_URL = "https://registry.example.org"
    return PortalAuthorizer()


@pytest.fixture
def alice(make_user):
    return make_user("alice")


@pytest.fixture
def team(make_project, alice):
    return make_project("team", owner=alice)


def bearer(identity, *names):
    scopes = [Scope("repository", name) for name in names]
    return b"Bearer " + tokens.issue(identity, scopes).token.encode()


def test_a_token_gives_the_rights_it_lists(authorizer, alice, team):
    caller = authorizer.authenticate(bearer(Identity(user=alice), "team/app"), "")
    assert (caller.name, caller.kind, len(caller.credential)) == ("alice", "user", 16)
    assert caller.may("push", "team/app", team.created_at)
    assert not caller.may("push", "team/other", team.created_at)
    assert not caller.may("scanner-pull", "team/app", team.created_at)
    assert not caller.may_list_catalog()


def test_a_token_verified_once_costs_no_more_queries(authorizer, alice, team, django_assert_num_queries):
    header = bearer(Identity(user=alice), "team/app")
    assert authorizer.cached(header) is None
    authorizer.authenticate(header, "")
    with django_assert_num_queries(0):
        assert authorizer.cached(header).may("pull", "team/app", team.created_at)


def test_a_remembered_token_expires(authorizer, alice, monkeypatch):
    header = bearer(Identity(user=alice))
    caller = authorizer.authenticate(header, "")
    monkeypatch.setattr("portal.access.callers.time.time", lambda: caller._expires_at)
    assert authorizer.cached(header) is None


def test_the_memory_of_tokens_is_bounded(authorizer, alice, monkeypatch):
    monkeypatch.setattr(module, "REMEMBERED_AT_MOST", 4)
    headers = [bearer(Identity(user=alice)) for _ in range(20)]
    for header in headers:
        authorizer.authenticate(header, "")
        assert len(authorizer._callers) <= 4
    assert authorizer.cached(headers[-1]) is not None


def test_a_token_for_a_project_says_nothing_about_its_successor(authorizer, alice, team):
    caller = authorizer.authenticate(bearer(Identity(user=alice), "team/app"), "")
    project_delete(project=team, origin=SYSTEM)
    assert not caller.may("pull", "team/app", None)
    successor = project_create(name="team", public=True, owner=alice, origin=SYSTEM)
    assert not caller.may("pull", "team/app", successor.created_at)
    # Both tokens were issued within the same second, or nearly so.
    fresh = authorizer.authenticate(bearer(Identity(user=alice), "team/app"), "")
    assert fresh.may("pull", "team/app", successor.created_at)


def test_a_token_speaks_only_for_the_repositories_it_was_asked_for(authorizer, alice, team):
    caller = authorizer.authenticate(bearer(Identity(user=alice), "team/app", "other/app"), "")
    assert caller.covers("team/app")
    assert caller.covers("other/app")
    assert not caller.covers("team/other")


def test_an_anonymous_caller_can_always_do_better_by_logging_in(authorizer, make_project):
    project = make_project("open", public=True)
    caller = authorizer.authenticate(bearer(ANONYMOUS, "open/app"), "")
    assert (caller.name, caller.kind) == ("anonymous", "anonymous")
    assert caller.may("pull", "open/app", project.created_at)
    assert not caller.may("push", "open/app", project.created_at)
    assert not caller.covers("open/app")


def test_a_changed_role_counts_at_once_for_a_password(authorizer, basic, make_user, team):
    gus = make_user("gus")
    member_add(project=team, user=gus, role=Role.GUEST, origin=SYSTEM)
    caller = authorizer.authenticate(basic("gus").encode(), "192.0.2.1")
    assert (caller.name, caller.kind, caller.credential) == ("gus", "user", "password")
    assert caller.may("pull", "team/app", team.created_at)
    assert not caller.may("push", "team/app", team.created_at)
    member_update(member=member_of(team, gus), role=Role.DEVELOPER, origin=SYSTEM)
    assert caller.may("push", "team/app", team.created_at)
    assert caller.covers("anything/at/all")


def test_nobody_has_rights_in_a_project_that_does_not_exist(authorizer, basic, admin):
    caller = authorizer.authenticate(basic("admin").encode(), "")
    assert not caller.may("pull", "nowhere/app", None)
    assert caller.may_list_catalog()


@pytest.mark.parametrize(
    "header", [b"", b"Bearer", b"Bearer ", b"Bearer a.b.c", b"Basic", b"\xff\xfe", b"Bearer " + b"x" * 99999]
)
def test_bad_headers_are_refused(authorizer, db, header):
    with pytest.raises(Unauthenticated):
        authorizer.authenticate(header, "")
    assert authorizer.cached(header) is None


REALM = 'Bearer realm="https://localhost:8080/service/token",service="harbor-registry"'


def test_who_comes_without_credentials_is_sent_for_a_token(authorizer):
    assert authorizer.challenge("localhost:8080", SCOPES) == f'{REALM},scope="{SCOPES}"'
    assert authorizer.challenge("localhost:8080", "") == REALM


def test_who_comes_with_a_bad_token_is_sent_for_another(authorizer):
    challenge = authorizer.challenge("localhost:8080", SCOPES, refused=b"Bearer stale")
    assert challenge == f'{REALM},scope="{SCOPES}",error="invalid_token"'


def test_who_comes_with_a_token_for_something_else_is_told_so(authorizer, alice):
    header = bearer(Identity(user=alice))
    authorizer.authenticate(header, "")
    challenge = authorizer.challenge("localhost:8080", SCOPES, refused=header)
    assert challenge == f'{REALM},scope="{SCOPES}",error="insufficient_scope"'


def test_who_comes_with_a_bad_password_is_asked_for_a_password(authorizer):
    assert authorizer.challenge("localhost:8080", SCOPES, refused=b"Basic eDp5") == 'Basic realm="harbor"'


def test_the_catalog_is_for_passwords(authorizer):
    assert authorizer.challenge("localhost:8080", "registry:catalog:*") == 'Basic realm="harbor"'


@pytest.mark.parametrize("host", ["", 'evil"', "a b", "evil\r\nSet-Cookie: x", "user@evil", "evil/path", "[::1"])
def test_a_hostile_host_header_is_not_repeated(authorizer, host):
    assert authorizer.challenge(host, "").startswith('Bearer realm="https://registry.example.org/service/token"')


@pytest.mark.parametrize("host", ["localhost", "10.0.0.1:8080", "[::1]:8080", "registry.example.org"])
def test_the_realm_is_where_the_client_already_is(authorizer, host):
    assert authorizer.challenge(host, "").startswith(f'Bearer realm="https://{host}/service/token"')
