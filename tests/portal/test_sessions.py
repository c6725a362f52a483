"""Sessions of the site, as a browser has them."""

import base64
import pickle
from datetime import timedelta

import pytest
import redis
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from audit.models import Entry
from audit.origin import SYSTEM
from portal.access.sessions import sessions_forget
from portal.accounts.services import user_set_active, user_set_password
from portal.configuration.services import configuration_update, forget
from tests.portal.conftest import PASSWORD

TOKEN = "X-Harbor-CSRF-Token"
ME = "/api/v2.0/users/current"
FORM = "application/x-www-form-urlencoded"


class Browser:
    """Keeps cookies, and sends the token it was last given with every unsafe request."""

    def __init__(self, **options):
        self.site = Client(enforce_csrf_checks=True, raise_request_exception=False, **options)
        self.token = ""
        self.get("/api/v2.0/ping")

    def get(self, path, **headers):
        return self._noted(self.site.get(path, headers=headers))

    def send(self, method, path, body=None, **headers):
        headers = {TOKEN: self.token} | headers
        return self._noted(self.site.generic(method, path, body or b"{}", "application/json", headers=headers))

    def log_in(self, name="alice", password=PASSWORD):
        body = f"principal={name}&password={password}"
        return self._noted(self.site.generic("POST", "/c/login", body, FORM, headers={TOKEN: self.token}))

    def _noted(self, answer):
        self.token = answer.get(TOKEN, self.token)
        return answer


@pytest.fixture
def alice(make_user):
    return make_user("alice", email="alice@example.org", realname="Alice")


@pytest.fixture
def browser(alice):
    browser = Browser()
    assert browser.log_in().status_code == 200
    return browser


def profile(browser, **headers):
    body = '{"email": "a@example.org", "realname": "A"}'
    user_id = browser.get(ME).json()["user_id"]
    return browser.send("PUT", f"/api/v2.0/users/{user_id}", body, **headers)


def test_a_login_begins_a_session_that_only_the_server_reads(browser):
    cookie = browser.site.cookies["sid"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert browser.get(ME).json()["username"] == "alice"
    entry = Entry.objects.get(action="user.login")
    assert (entry.actor, entry.target) == ("alice", "alice")


def test_a_wrong_password_begins_none(alice):
    browser = Browser()
    assert browser.log_in(password="Wrong-123").status_code == 401
    assert "sid" not in browser.site.cookies
    assert browser.get(ME).status_code == 401


def test_a_login_without_the_token_is_refused(alice):
    browser = Browser()
    browser.token = ""
    answer = browser.log_in()
    assert answer.status_code == 403
    assert answer[TOKEN]
    browser.token = answer[TOKEN]
    assert browser.log_in().status_code == 200


def test_a_change_by_session_needs_the_token_that_the_refusal_hands_over(browser):
    assert profile(browser).status_code == 200
    refused = profile(browser, **{TOKEN: ""})
    assert refused.status_code == 403
    assert refused.json()["errors"][0]["message"].startswith("CSRF token invalid")
    assert profile(browser, **{TOKEN: refused[TOKEN]}).status_code == 200
    assert profile(browser, Origin="https://evil.example").status_code == 403


def test_a_client_that_only_has_the_session_goes_on_with_cookie_and_token_of_the_refusal(browser):
    # So do infrastructure tools that were given the `sid` of somebody who logged in by single sign-on.
    tool = Client(enforce_csrf_checks=True)
    tool.cookies["sid"] = browser.site.cookies["sid"].value
    path, body = "/api/v2.0/users/1/password", b'{"new_password": "weak"}'
    refused = tool.put(path, body, content_type="application/json", secure=True)
    assert refused.status_code == 403
    assert tool.cookies["_gorilla_csrf"].value
    answer = tool.put(path, body, content_type="application/json", secure=True, headers={TOKEN: refused[TOKEN]})
    assert "CSRF" not in answer.text


def test_a_header_with_credentials_counts_for_more_than_a_session_and_needs_no_token(browser, admin):
    basic = "Basic " + base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
    answer = browser.get(ME, Authorization=basic)
    assert answer.json()["username"] == "admin"
    assert TOKEN not in answer
    answer = browser.send("DELETE", "/api/v2.0/users/999999", Authorization=basic, **{TOKEN: ""})
    assert answer.status_code == 404


def test_what_is_done_by_session_is_journaled_as_such(browser):
    profile(browser)
    assert Entry.objects.get(action="user.update").credential == "session"


def test_a_logout_ends_the_session_on_the_server(browser):
    thief = Client()
    thief.cookies["sid"] = browser.site.cookies["sid"].value
    assert thief.get(ME).status_code == 200
    assert browser.get("/c/log_out").status_code == 200
    assert thief.get(ME).status_code == 401
    assert browser.get(ME).status_code == 401
    assert Entry.objects.filter(action="user.logout", actor="alice").count() == 1


def test_a_session_that_somebody_else_chose_is_not_taken_over(alice):
    browser = Browser()
    browser.site.cookies["sid"] = "a" * 32
    browser.log_in()
    assert browser.site.cookies["sid"].value != "a" * 32


def test_a_session_ends_with_its_user(browser, alice):
    user_set_active(user=alice, is_active=False, origin=SYSTEM)
    assert browser.get(ME).status_code == 401


def test_another_password_ends_all_sessions_but_the_one_that_set_it(browser, alice):
    other = Browser()
    other.log_in()
    body = f'{{"old_password": "{PASSWORD}", "new_password": "Another-123"}}'
    assert browser.send("PUT", f"/api/v2.0/users/{alice.pk}/password", body).status_code == 200
    assert browser.get(ME).status_code == 200
    assert other.get(ME).status_code == 401
    user_set_password(user=alice, password="Yet-Another-123", origin=SYSTEM)
    assert browser.get(ME).status_code == 401


def test_whoever_has_found_a_session_does_not_guess_the_password(browser, alice):
    path = f"/api/v2.0/users/{alice.pk}/password"
    statuses = [
        browser.send("PUT", path, f'{{"old_password": "Wrong-{n}", "new_password": "Another-123"}}').status_code
        for n in range(12)
    ]
    assert (statuses[0], statuses[-1]) == (403, 429)


def remaining():
    """How long the one session lasts, in minutes."""
    return round((Session.objects.get().expire_date - timezone.now()) / timedelta(minutes=1))


def seen_a_while_ago(browser):
    session = browser.site.session
    session["seen"] -= 120
    session.set_expiry(7 * 60)
    session.save()


def test_a_session_lasts_as_long_as_is_configured_and_use_prolongs_it(alice):
    configuration_update(changes={"session_timeout": 10}, origin=SYSTEM)
    forget()
    browser = Browser()
    browser.log_in()
    assert remaining() == 10
    seen_a_while_ago(browser)
    browser.get(ME, **{"X-Harbor-No-Session-Renewal": "true"})
    assert remaining() == 7
    browser.get(ME)
    assert remaining() == 10


def test_an_old_session_is_worth_nothing_and_forgotten_in_time(browser):
    assert sessions_forget() == 0
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert browser.get(ME).status_code == 401
    assert sessions_forget() == 1


def test_robots_have_no_sessions(db):
    assert Browser().log_in("robot$ci").status_code == 401


def test_a_flood_of_logins_is_told_to_wait(alice, settings):
    settings.RATE_LIMIT = 1
    browser = Browser()
    statuses = {browser.log_in(password="Wrong-123").status_code for _ in range(3)}
    assert 429 in statuses


def exists(caller, target, value):
    body = f"target={target}&value={value}"
    return caller.site.generic("POST", "/c/userExists", body, FORM, headers={TOKEN: caller.token})


def test_whether_a_name_is_taken_is_told_to_those_who_may_register_themselves(alice):
    visitor = Browser()
    assert exists(visitor, "username", "alice").status_code == 403
    configuration_update(changes={"self_registration": True}, origin=SYSTEM)
    forget()
    assert exists(visitor, "username", "alice").json() is True
    assert exists(visitor, "username", "bob").json() is False


def test_whether_a_name_is_taken_is_told_to_administrators(browser, admin):
    assert exists(browser, "username", "admin").status_code == 403
    boss = Browser()
    boss.log_in("admin")
    assert exists(boss, "username", "ALICE").json() is True
    assert exists(boss, "email", "alice@example.org").json() is True
    assert exists(boss, "email", "bob@example.org").json() is False
    assert exists(boss, "password", "x").status_code == 400


def test_sessions_live_in_redis_too(alice, settings, redis_url):
    settings.REDIS_URL = redis_url
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
    settings.CACHES = {"default": {"BACKEND": "portal.redis_cache.Cache", "LOCATION": redis_url}}
    browser = Browser()
    browser.log_in()
    assert browser.get(ME).status_code == 200
    browser.get("/c/log_out")
    assert browser.get(ME).status_code == 401


class Planted:
    """What runs code in whoever unpickles it."""

    def __reduce__(self):
        return exec, ("import tests.portal.test_sessions as here; here.RUN.append('code')",)


RUN = []


def test_what_somebody_plants_in_redis_is_never_run_as_code(alice, settings, redis_url):
    settings.REDIS_URL = redis_url
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
    settings.CACHES = {"default": {"BACKEND": "portal.redis_cache.Cache", "LOCATION": redis_url}}
    browser = Browser()
    browser.log_in()
    client = redis.Redis.from_url(redis_url)
    (key,) = client.keys("*cached_db*")
    client.set(key, pickle.dumps(Planted()))
    assert browser.get(ME).status_code == 200, "the database has the session too"
    assert RUN == []
