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
    tab.open(f"{portolan_server.url}/devcenter-api-2.0#/systeminfo/getSystemInfo")
    wait_until(lambda: tab.count(".try-out__btn"), "the operation is shown in full")
    assert tab.count(".opblock-tag") > 3
    tab.evaluate("document.querySelector('.try-out__btn').click()")
    wait_until(lambda: tab.count(".execute"), "it can be tried")
    tab.evaluate("document.querySelector('.execute').click()")
    wait_until(lambda: tab.count(".live-responses-table .response-col_status"), "its answer is shown")
    assert (
        tab.evaluate("document.querySelector('.live-responses-table .response .response-col_status').innerText")
        == "200"
    )
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
