import pytest

from audit.models import Entry

PATH = "/system/CVEAllowlist"


def test_the_list_is_empty_until_an_administrator_writes_one(admin, somebody):
    assert somebody.get(PATH).json() == {"project_id": 0, "items": []}
    items = [{"cve_id": "CVE-2026-0001"}, {"cve_id": "GHSA-abcd-1234"}]
    assert admin.put(PATH, {"items": items, "expires_at": 4102444800}).status_code == 200
    told = somebody.get(PATH).json()
    assert (told["items"], told["expires_at"], told["project_id"]) == (items, 4102444800, 0)

    assert admin.put(PATH, {"items": [], "expires_at": None}).status_code == 200
    told = somebody.get(PATH).json()
    assert told["items"] == []
    assert "expires_at" not in told
    last = Entry.objects.filter(action="allowlist.update").order_by("id").last()
    assert last.target == "system"
    assert last.before == {"removed": ["CVE-2026-0001", "GHSA-abcd-1234"], "expires_at": 4102444800}
    assert last.after == {"added": [], "expires_at": None}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"items": [{"cve_id": "A"}, {"cve_id": "A"}]}, 400),
        ({"items": [{"cve_id": ""}]}, 400),
        ({"items": [{"cve_id": "<script>"}]}, 400),
        ({"items": [{"cve_id": 5}]}, 422),
        ({"items": "CVE-2026-0001"}, 422),
        ({"items": [], "expires_at": "tomorrow"}, 422),
        ({"items": [], "expires_at": -1}, 400),
        ({"items": [], "expires_at": 2**62}, 400),
        ([], 422),
    ],
)
def test_what_is_no_allowlist_is_refused(admin, body, status):
    assert admin.put(PATH, body).status_code == status
    assert admin.get(PATH).json()["items"] == []


def test_only_administrators_write_it_and_only_people_who_log_in_read_it(somebody, nobody):
    assert somebody.put(PATH, {"items": []}).status_code == 403
    assert nobody.put(PATH, {"items": []}).status_code == 401
    assert nobody.get(PATH).status_code == 401
