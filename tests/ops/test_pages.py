"""The pages in a real browser: they work under their policy, and load nothing from elsewhere."""

import pytest

from tests.ops.browser import Browser, browser
from tests.support.portolan import PASSWORD, Portolan
from tests.support.processes import wait_until

pytestmark = pytest.mark.clients


@pytest.fixture
def tab():
    with browser() as opened:
        yield opened


def test_the_explorer_shows_the_operations(tab: Browser, portolan_server: Portolan):
    tab.open(f"{portolan_server.url}/devcenter-api-2.0")
    wait_until(lambda: tab.count(".opblock-tag"), "the groups are shown")
    tab.evaluate("document.querySelector('.opblock-tag').click()")
    wait_until(lambda: tab.count(".opblock-summary-control"), "the operations are shown")
    tab.evaluate("document.querySelector('.opblock-summary-control').click()")
    wait_until(lambda: tab.count(".opblock-body"), "one of them is shown in full")
    assert tab.complaints == []


def test_an_administrator_looks_at_the_journal(tab: Browser, portolan_server: Portolan):
    tab.open(f"{portolan_server.url}/admin/audit/entry/")
    wait_until(lambda: tab.count("#id_password"), "the login form is shown")
    tab.evaluate(
        "document.querySelector('#id_username').value = 'admin';"
        f"document.querySelector('#id_password').value = '{PASSWORD}';"
        "document.querySelector('#login-form').submit()"
    )
    wait_until(lambda: tab.count("#result_list tbody tr"), "the entries are shown")
    assert tab.complaints == []
