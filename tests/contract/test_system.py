"""configure and auditlog."""

import pytest

from tests.contract.conftest import Person, Pushed
from tests.contract.walk import REFUSED, Caller
from tests.support.api import unique


@pytest.mark.parametrize(
    ("key", "value", "before"),
    [
        ("token_expiration", 45, 30),
        ("session_timeout", 90, 60),
        ("project_creation_restriction", "adminonly", "everyone"),
        ("notification_enable", False, True),
    ],
)
def test_settings_are_read_and_changed(admin: Caller, key: str, value: object, before: object):
    assert admin("getConfigurations", 200).json()[key] == {"value": before, "editable": True}
    try:
        admin("updateConfigurations", 200, body={key: value})
        assert admin("getConfigurations", 200).json()[key]["value"] == value
        assert admin("getInternalconfig", 200).json()[key]["value"] == value
    finally:
        admin("updateConfigurations", 200, body={key: before})


@pytest.mark.parametrize(
    "body",
    [
        {"token_expiration": -1},
        {"project_creation_restriction": "nobody"},
        {"auth_mode": "no_such_auth"},
        {"storage_per_project": -7},
    ],
)
def test_settings_that_make_no_sense_are_refused(admin: Caller, body: dict[str, object]):
    admin("updateConfigurations", REFUSED, body=body)


def test_settings_are_for_administrators(admin: Caller, someone: Person, anonymous: Caller):
    admin("updateConfigurations", REFUSED, body={"token_expiration": "soon"})
    for call, status in ((someone.call, 403), (anonymous, 401)):
        call("getConfigurations", status)
        call("getInternalconfig", status)
        call("updateConfigurations", status, body={"token_expiration": 45})


def test_the_journal_is_asked_in_both_generations(admin: Caller, someone: Person, anonymous: Caller, pushed: Pushed):
    old = admin("listAuditLogs", 200, q=f"resource=~{pushed.project}", sort="-op_time", page_size=100).json()
    assert {("create", "project"), ("create", "artifact")} <= {(row["operation"], row["resource_type"]) for row in old}
    new = admin("listAuditLogExts", 200, q=f"resource=~{pushed.project},operation=create,username=admin").json()
    assert {row["resource_type"] for row in new} >= {"project", "artifact"}
    assert all(row["operation_result"] for row in new)
    assert admin("listAuditLogExts", 200, q=f"username={unique('nobody')}").json() == []
    since = admin("listAuditLogExts", 200, q="op_time=[2026-01-01 00:00:00~2100-01-01 00:00:00]", page_size=1)
    assert int(since.headers["X-Total-Count"]) > 1
    assert 'rel="next"' in since.headers["Link"]
    events = {row["event_type"] for row in admin("listAuditLogEventTypes", 200).json()}
    assert {"create_artifact", "create_project", "login_user"} <= events
    admin("listAuditLogExts", 400, q="op_time")
    anonymous("listAuditLogs", 401)
    anonymous("listAuditLogExts", 401)
    anonymous("listAuditLogEventTypes", 401)
    # Others see the entries of their own projects, of which this one has none.
    assert someone.call("listAuditLogExts", 200, q=f"resource=~{pushed.project}").json() == []
