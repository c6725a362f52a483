"""quota and SystemCVEAllowlist."""

from tests.contract.conftest import Person, Pushed
from tests.contract.walk import REFUSED, Caller

MEBI = 2**20


def test_the_quota_of_a_project_is_found_and_changed(admin: Caller, someone: Person, pushed: Pushed):
    project = admin("getProject", 200, project_name_or_id=pushed.project).json()["project_id"]
    listed = admin("listQuotas", 200, reference="project", reference_id=project).json()
    assert [row["ref"]["name"] for row in listed] == [pushed.project]
    assert listed[0]["used"]["storage"] > 0

    this = {"id": listed[0]["id"]}
    admin("updateQuota", 200, **this, body={"hard": {"storage": MEBI}})
    assert admin("getQuota", 200, **this).json()["hard"] == {"storage": MEBI}
    admin("updateQuota", 200, **this, body={"hard": {"storage": -1}})
    assert admin("getQuota", 200, **this).json()["hard"] == {"storage": -1}

    admin("updateQuota", REFUSED, **this, body={"hard": {"storage": -5}})
    admin("updateQuota", REFUSED, **this, body={"hard": {"moons": 5}})
    admin("getQuota", 404, id=10**9)
    admin("updateQuota", 404, id=10**9, body={"hard": {"storage": 5}})
    someone.call("updateQuota", 403, **this, body={"hard": {"storage": -1}})
    someone.call("listQuotas", 403)


def test_quotas_are_sorted_by_use(admin: Caller, pushed: Pushed):
    answer = admin("listQuotas", 200, sort="-used.storage", page=1, page_size=100)
    used = [row["used"]["storage"] for row in answer.json()]
    assert used == sorted(used, reverse=True)


def test_the_allowlist_of_the_system_is_read_and_replaced(admin: Caller, someone: Person, anonymous: Caller):
    items = [{"cve_id": "CVE-2026-0001"}, {"cve_id": "CVE-2026-0002"}]
    admin("putSystemCVEAllowlist", 200, body={"items": items, "expires_at": 4102444800})
    found = admin("getSystemCVEAllowlist", 200).json()
    assert (found["items"], found["expires_at"]) == (items, 4102444800)
    assert someone.call("getSystemCVEAllowlist", 200).json()["items"] == items
    someone.call("putSystemCVEAllowlist", 403, body={"items": []})
    anonymous("getSystemCVEAllowlist", 401)
    anonymous("putSystemCVEAllowlist", 401, body={"items": []})
    admin("putSystemCVEAllowlist", 200, body={"items": [], "expires_at": None})
    assert admin("getSystemCVEAllowlist", 200).json()["items"] == []
