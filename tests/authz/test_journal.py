"""Whoever changes something through the REST API leaves an entry in the journal, in the transaction of the change."""

from pathlib import Path

import pytest

from tests.api.catalogue import declared
from tests.authz import rest
from tests.authz.stock import Shop

# What no request of the matrix brings about there, since it needs a run, an empty project or one without a policy; with
# the test that looks for the entry.
ELSEWHERE = {
    "stopGC": "tests/api/test_gc.py",
    "stopPurge": "tests/api/test_gc.py",  # The same resource.
    "stopRunningJob": "tests/api/test_jobservice.py",
    "deleteProject": "tests/portal/test_projects.py",
    "createRetention": "tests/api/test_retentions.py",
    "operateRetentionExecution": "tests/api/test_retentions.py",
}
ROWS = rest.table(rest.SYSTEM) | rest.table(rest.PROJECT)


@pytest.fixture(autouse=True)
def _as_many_requests_as_it_takes(db, settings):
    settings.RATE_LIMIT = 0


def test_every_change_is_told_once_with_who_and_what():
    shop = Shop(public=False)
    admin = shop.world.headers["admin"][0]
    rows = {operation: row for row in ROWS for operation in rest.operations([row])}
    wrong = []
    for one in declared():
        if not one.operation.journal or one.operation.id in ELSEWHERE:
            continue
        (key,) = rest.operations([(one.method, f"/{one.path}")])
        status, entries = shop.traces(rows[key], admin)
        actions = [entry.action for entry in entries]
        told = [entry for entry in entries if entry.action in one.operation.journal]
        if not (200 <= status < 300 and told and all(entry.actor == "admin" and entry.request_id for entry in told)):
            wrong.append(f"{one}: {status} left {actions}, not one of {one.operation.journal}")
    assert not wrong, "\n".join(wrong)


def test_what_is_told_elsewhere_is_looked_for_there():
    root = Path(__file__).parents[2]
    for one in declared():
        if one.operation.id in ELSEWHERE:
            text = (root / ELSEWHERE[one.operation.id]).read_text()
            assert any(action in text for action in one.operation.journal), one


def test_what_is_refused_changes_nothing_and_is_not_told():
    shop = Shop(public=False)
    stranger = shop.world.headers["stranger"][0]
    for row in ROWS:
        if row[0] != "GET":
            status, entries = shop.traces(row, stranger)
            assert status < 400 or not entries, row
