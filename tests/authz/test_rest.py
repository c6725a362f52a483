"""Every operation of the REST API, tried by every kind of caller."""

import re

import pytest
from django.test import Client as Site

from portal.api import later
from tests.api.catalogue import declared
from tests.authz import rest
from tests.authz.stock import BASE, Shop

PRIVATE = rest.table(rest.PROJECT)
PUBLIC = PRIVATE | rest.table(rest.PUBLIC)
SYSTEM = rest.table(rest.SYSTEM)
PROBES = {("GET", "/health"), ("GET", "/ping")}  # They look at no credentials.


@pytest.fixture(autouse=True)
def _as_many_requests_as_it_takes(db, settings):
    settings.RATE_LIMIT = 0


@pytest.mark.parametrize(
    ("rows", "public"), [(SYSTEM, False), (PRIVATE, False), (PUBLIC, True)], ids=["system", "private", "public"]
)
def test_the_rest_api(rows, public):
    shop = Shop(public=public)
    wrong = []
    for row, statuses in rows.items():
        for caller, status in statuses.items():
            got = shop.attempt(row, shop.world.headers[caller][0])
            if got != status:
                wrong.append(f"{' '.join(row)} by {caller}: {got}, not {status}")
    assert not wrong, "\n".join(wrong)


def test_who_may_not_see_a_project_cannot_tell_whether_there_is_one():
    shop = Shop(public=False)
    expected = {"nobody": 401, "stranger": 403, "projectAdmin": 403, "machine": 403, "admin": 404}
    wrong = []
    for method, path in PRIVATE:
        if "/<p>" not in path:
            continue
        for caller, status in expected.items():
            got = shop.attempt((method, path.replace("<p>", "nowhere")), shop.world.headers[caller][0])
            if got != status:
                wrong.append(f"{method} {path} by {caller}: {got}, not {status}")
    assert not wrong, "\n".join(wrong)


def test_credentials_that_are_worth_nothing_are_refused_even_where_none_are_needed():
    shop = Shop(public=True)
    for row in (SYSTEM | PUBLIC).keys() - PROBES:
        assert shop.attempt(row, shop.world.headers["lapsed"][0]) == 401, row
    for caller in ("disabled", "earlier", "expired", "forged"):
        assert shop.attempt(("GET", "/systeminfo"), shop.world.headers[caller][0]) == 401, caller
    assert shop.attempt(("GET", "/systeminfo"), shop.world.headers["admin"][1]) == 401, "tokens are for the registry"


def test_parts_that_do_not_stand_yet_say_so_to_everybody():
    site = Site()
    for path in later.PATHS:
        url = f"{BASE}/{re.sub('<[^>]*>', '1', path)}"
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            assert site.generic(method, url).status_code == 501, (method, path)


def test_every_operation_is_in_the_matrix():
    known = rest.operations((*SYSTEM, *PRIVATE))
    assert known == rest.operations((one.method, f"/{one.path}") for one in declared())
