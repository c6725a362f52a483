"""`GET /service/token`, as clients use it."""

from ipaddress import ip_network

import pytest

from portal.access import tokens
from tests.portal.conftest import PASSWORD

URL = "/service/token"


@pytest.fixture
def ask(client):
    def get(authorization=None, *scopes, service="harbor-registry", **extra):
        headers = {"authorization": authorization} if authorization else {}
        return client.get(URL, {"service": service, "scope": scopes, **extra}, headers=headers)

    return get


def test_a_user_gets_a_token_for_what_they_may(ask, basic, make_user, make_project):
    make_project("team", owner=make_user("alice"))
    response = ask(basic("ALICE"), "repository:team/app:pull", "registry:catalog:* repository:x/y:push")
    body = response.json()
    assert response.status_code == 200
    assert set(body) == {"token", "access_token", "expires_in", "issued_at"}
    assert body["token"] == body["access_token"]
    assert response["Cache-Control"] == "no-store"
    claims = tokens.verify(body["token"])
    assert claims.subject == "alice"
    assert claims.access == {
        ("repository", "team/app"): {"pull", "push", "delete"},
        ("registry", "catalog"): set(),
        ("repository", "x/y"): set(),
    }


def test_docker_login_asks_without_a_scope(ask, basic, make_user):
    make_user("alice")
    response = ask(basic("alice"), account="alice", client_id="docker", offline_token="true")
    assert response.status_code == 200
    assert tokens.verify(response.json()["token"]).access == {}


def test_anybody_gets_a_token_to_pull_from_public_projects(ask, make_project):
    make_project("library", public=True)
    response = ask(None, "repository:library/app:pull,push")
    assert tokens.verify(response.json()["token"]).access == {("repository", "library/app"): {"pull"}}


def test_without_credentials_and_scope_there_is_no_token(ask, db):
    response = ask()
    assert response.status_code == 401
    assert response.json()["errors"][0]["code"] == "UNAUTHORIZED"


@pytest.mark.parametrize(
    "authorization",
    ["Basic", "Basic !!!", "Basic YQ==", "Basic OmI=", "Basic AAA6Yg==", "Bearer x", "Digest a", "\xff"],
)
def test_an_unreadable_header_is_not_an_anonymous_request(ask, db, authorization):
    response = ask(authorization, "repository:library/app:pull")
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == 'Basic realm="harbor"'


def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(ask, basic, make_user):
    make_user("alice")
    wrong, unknown = ask(basic("alice", "Wrong-123")), ask(basic("nobody"))
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.content == unknown.content


def test_whoever_keeps_guessing_is_told_when_to_come_back(ask, basic, make_user):
    make_user("alice")
    statuses = [ask(basic("alice", "Wrong-123")).status_code for _ in range(6)]
    assert statuses == [401] * 5 + [429]
    response = ask(basic("alice"))
    assert response.status_code == 429
    assert int(response["Retry-After"]) >= 1
    assert response.json()["errors"][0]["code"] == "TOO_MANY_REQUEST"


def test_behind_a_proxy_we_trust_the_client_is_the_one_it_names(ask, basic, make_user, client, settings):
    settings.TRUSTED_PROXIES = [ip_network("127.0.0.0/8")]
    make_user("alice")

    def log_in(password, address):
        headers = {"authorization": basic("alice", password), "x-forwarded-for": address}
        return client.get(URL, {"service": "harbor-registry"}, headers=headers).status_code

    assert [log_in("Wrong-123", "198.51.100.7") for _ in range(6)] == [401] * 5 + [429]
    assert log_in(PASSWORD, "192.0.2.1") == 200


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "head", "options"])
def test_other_methods_are_not_allowed(client, method):
    response = getattr(client, method)(URL)
    assert response.status_code == 405
    assert response["Allow"] == "GET"


@pytest.mark.parametrize("service", ["", "registry.docker.io"])
def test_another_service_is_a_bad_request(ask, db, service):
    assert ask(None, "repository:library/app:pull", service=service).status_code == 400


def test_too_many_scopes_are_a_bad_request(ask, db):
    assert ask(None, *(f"repository:library/app{n}:pull" for n in range(101))).status_code == 400
