"""What registry tokens say, and which are believed."""

import base64
import json

import jwt
import pytest

from audit.origin import SYSTEM
from portal.access import tokens
from portal.access.identity import ANONYMOUS, Identity
from portal.access.keys import ring
from portal.access.scopes import Scope, parse_scopes
from portal.errors import Invalid
from portal.projects.models import Role
from portal.projects.services import member_add
from registry.ports import Unauthenticated


def actions(identity, *names, kind="repository"):
    claims = tokens.verify(tokens.issue(identity, [Scope(kind, name) for name in names]).token)
    return [claims.access[kind, name] for name in names]


def payload(token):
    return jwt.decode(token, options={"verify_signature": False})


def sign(claims, **headers):
    key = ring.signing()
    return jwt.encode(claims, key.private, key.algorithm, headers={"kid": key.kid} | headers)


def test_the_claims_are_those_that_registry_clients_know(make_user, make_project):
    alice = make_user("Alice")
    make_project("team", owner=alice)
    issued = tokens.issue(Identity(user=alice), [Scope("repository", "team/a/b/c")])
    claims = payload(issued.token)
    assert (claims["iss"], claims["aud"], claims["sub"]) == ("harbor-token-issuer", "harbor-registry", "Alice")
    assert claims["exp"] - claims["iat"] == issued.expires_in == 1800
    assert claims["nbf"] == claims["iat"] == issued.issued_at.timestamp()
    assert len(claims["jti"]) == 16
    assert claims["access"] == [{"type": "repository", "name": "team/a/b/c", "actions": ["pull", "push", "delete"]}]
    assert jwt.get_unverified_header(issued.token) == {"alg": "ES256", "typ": "JWT", "kid": ring.signing().kid}


def test_two_tokens_never_have_the_same_id(admin):
    first, second = (tokens.issue(Identity(user=admin), []).token for _ in range(2))
    assert payload(first)["jti"] != payload(second)["jti"]


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        (Role.PROJECT_ADMIN, {"pull", "push", "delete"}),
        (Role.MAINTAINER, {"pull", "push", "delete"}),
        (Role.DEVELOPER, {"pull", "push"}),
        (Role.GUEST, {"pull"}),
        (Role.LIMITED_GUEST, {"pull"}),
        (None, set()),
    ],
)
def test_a_token_lists_every_action_of_the_role(make_user, make_project, role, expected):
    user, project = make_user("u"), make_project("team")
    if role:
        member_add(project=project, user=user, role=role, origin=SYSTEM)
    assert actions(Identity(user=user), "team/app") == [expected]


def test_anonymous_callers_may_pull_from_public_projects(make_project):
    make_project("open", public=True)
    make_project("closed")
    assert actions(ANONYMOUS, "open/app", "closed/app") == [{"pull"}, set()]
    assert payload(tokens.issue(ANONYMOUS, []).token)["sub"] == ""


def test_an_administrator_has_every_action_of_projects_that_exist(admin, make_project):
    make_project("team")
    rights = actions(Identity(user=admin), "team/app", "nowhere/app", "team", "", "Bad Name/x", "team/")
    assert rights == [{"pull", "push", "delete", "scanner-pull"}, *[set()] * 5]


def test_only_administrators_get_the_catalog(admin, make_user):
    assert actions(Identity(user=admin), "catalog", kind="registry") == [{"*"}]
    assert actions(Identity(user=make_user("u")), "catalog", kind="registry") == [set()]
    assert actions(Identity(user=admin), "catalog", kind="repository") == [set()]


def test_several_scopes_cost_as_many_queries_as_one(make_user, make_project, django_assert_num_queries):
    user = Identity(user=make_user("u"))
    make_project("team", owner=user.user)
    ring.signing()
    with django_assert_num_queries(2):
        tokens.issue(user, [Scope("repository", f"team/app{n}") for n in range(50)])


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        (["repository:a/b:pull"], [("repository", "a/b")]),
        (["repository:a/b:pull,push repository:c/d:pull", "registry:catalog:*"], [
            ("repository", "a/b"), ("repository", "c/d"), ("registry", "catalog")]),
        (["repository:a/b:pull", "repository:a/b:pull,push"], [("repository", "a/b")]),
        (["repository(plugin):a/b:pull"], [("repository", "a/b")]),
        (["repository:host:5000/a/b:pull"], [("repository", "host:5000/a/b")]),
        (["nonsense", "", "a:b"], [("nonsense", ""), ("a", "b")]),
        ([], []),
    ],
)  # fmt: skip
def test_scopes_come_in_one_parameter_or_in_several(parameters, expected):
    assert [(scope.type, scope.name) for scope in parse_scopes(parameters)] == expected


def test_a_request_for_very_many_scopes_is_refused():
    with pytest.raises(Invalid):
        parse_scopes([" ".join(f"repository:a/{n}:pull" for n in range(101))])


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "somebody-else"},
        {"aud": "another-service"},
        {"aud": ["harbor-registry", "another-service"]},
        {"exp": 1},
        {"nbf": 1 << 40},
        {"portolan": None},
        {"portolan": {"kind": "user", "projects": {"team": "yesterday"}}},
        {"access": "everything"},
        {"access": [{"type": "repository"}]},
    ],
)
def test_tokens_of_others_and_malformed_ones_are_refused(admin, change):
    claims = payload(tokens.issue(Identity(user=admin), []).token)
    tokens.verify(sign(claims))
    with pytest.raises(Unauthenticated):
        tokens.verify(sign(claims | change))


@pytest.mark.parametrize("leeway", [-59, -61])
def test_clocks_may_be_a_minute_apart(admin, leeway):
    claims = payload(tokens.issue(Identity(user=admin), []).token)
    token = sign(claims | {"exp": claims["iat"] + leeway})
    if leeway > -60:
        assert tokens.verify(token).subject == "admin"
    else:
        with pytest.raises(Unauthenticated, match="expired"):
            tokens.verify(token)


def _segment(value):
    text = value if isinstance(value, str) else json.dumps(value)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none", "kid": "known"},
        {"alg": "HS256", "kid": "known"},
        {"alg": "ES256", "kid": "unknown"},
        {"alg": "ES256"},
        {"alg": "ES256", "kid": 7},
        {"alg": "ES256", "kid": "a\0b"},
        "[" * 100_000,
        "7" * 10_000,
        "\ud800".encode("utf-16", "surrogatepass").decode("latin-1"),
    ],
)
def test_forged_headers_are_refused(admin, header):
    token = tokens.issue(Identity(user=admin), []).token
    if isinstance(header, dict) and header.get("kid") == "known":
        header["kid"] = ring.signing().kid
    _, body, signature = token.split(".")
    for end in (signature, ""):
        with pytest.raises(Unauthenticated):
            tokens.verify(f"{_segment(header)}.{body}.{end}")


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "é", "x" * 10_000, "\0"])
def test_what_is_no_token_is_refused(db, token):
    with pytest.raises(Unauthenticated):
        tokens.verify(token)
