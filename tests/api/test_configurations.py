import pytest

from audit.models import Entry


def test_administrators_read_and_change_the_configuration(admin):
    before = admin.get("/configurations").json()
    assert before["project_creation_restriction"] == {"value": "everyone", "editable": True}
    assert before["auth_mode"]["value"] == "db_auth"

    changed = admin.put("/configurations", {"project_creation_restriction": "adminonly", "token_expiration": 45})
    assert changed.status_code == 200
    after = admin.get("/configurations").json()
    assert after["token_expiration"]["value"] == 45
    assert after["session_timeout"] == before["session_timeout"]

    entry = Entry.objects.get(action="configuration.update")
    assert entry.before == {"project_creation_restriction": "everyone", "token_expiration": 30}
    assert entry.after == {"project_creation_restriction": "adminonly", "token_expiration": 45}


def test_nobody_else_sees_it(somebody, nobody):
    assert somebody.get("/configurations").status_code == 403
    assert somebody.put("/configurations", {"read_only": True}).status_code == 403
    assert nobody.get("/configurations").status_code == 401


def test_a_bad_value_changes_nothing(admin):
    for body, status in [
        ({"token_expiration": 0}, 400),
        ({"token_expiration": "30"}, 422),
        ({"project_creation_restriction": "nobody"}, 400),
        ({"read_only": 1}, 422),
        ({"storage_per_project": 0}, 400),
        ({"banner_message": "hello"}, 400),
        ({"token_expiration": 10**6}, 400),
        ({"auth_mode": "ldap_auth"}, 400),
        ({"ldap_url": "ldap://example.com"}, 400),
        ({"audit_log_forward_endpoint": "logs.example.com"}, 400),
        ({"read_only": True, "session_timeout": -5}, 400),
    ]:
        assert admin.put("/configurations", body).status_code == status, body
    assert not Entry.objects.filter(action="configuration.update").exists()
    assert admin.get("/configurations").json()["read_only"]["value"] is False


def test_what_belongs_to_a_part_that_does_not_stand_may_be_sent_empty(admin):
    """Terraform sends every key of a group, most of them empty."""
    assert admin.put("/configurations", {"ldap_url": "", "oidc_name": "", "read_only": False}).status_code == 200


def test_what_there_is_not_is_ignored(admin):
    """Terraform sends the policy of scanning everything, which has resources of its own."""
    before = admin.get("/configurations").json()
    assert before["scan_all_policy"] == {"type": "none"}
    sent = {"scan_all_policy": {"type": "daily", "parameter": {"daily_time": 0}}, "nonsense": [1], "read_only": False}
    assert admin.put("/configurations", sent).status_code == 200
    assert admin.get("/configurations").json() == before


def test_a_change_has_a_body(admin):
    assert admin.put("/configurations").status_code == 422
    assert not Entry.objects.filter(action="configuration.update").exists()


def test_tokens_and_sessions_may_last_a_year(admin):
    year = {"token_expiration": 525600, "session_timeout": 525600}
    assert admin.put("/configurations", year).status_code == 200
    found = admin.get("/configurations").json()
    assert {name: found[name]["value"] for name in year} == year


def test_a_secret_is_never_shown(admin):
    assert "oidc_client_secret" not in admin.get("/configurations").json()


@pytest.mark.django_db(transaction=True)
def test_a_read_only_registry_takes_no_change_but_the_one_back(admin):
    assert admin.put("/configurations", {"read_only": True}).status_code == 200
    refused = admin.post("/labels", {"name": "x", "scope": "g"})
    assert refused.status_code == 403
    assert refused.json()["errors"][0]["code"] == "DENIED"
    assert admin.get("/labels").status_code == 200
    assert admin.put("/configurations", {"read_only": False}).status_code == 200
    assert admin.post("/labels", {"name": "x", "scope": "g"}).status_code == 201


def test_strangers_are_told_less_about_the_system(admin, nobody):
    public = nobody.get("/systeminfo").json()
    assert public["auth_mode"] == "db_auth"
    assert "harbor_version" not in public
    info = admin.get("/systeminfo").json()
    assert info["harbor_version"].startswith("v2.")
    assert info["registry_storage_provider_name"] == "filesystem"
    assert info["registry_url"] in info["external_url"]


def test_volumes_tell_how_much_room_there_is(admin, somebody):
    volume = admin.get("/systeminfo/volumes").json()["storage"][0]
    assert volume["total"] > volume["free"] > 0
    assert somebody.get("/systeminfo/volumes").status_code == 403


def test_the_certificate_of_our_authority_is_for_download(nobody, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    assert nobody.get("/systeminfo/getcert").status_code == 404
    (tmp_path / "ca.crt").write_text("certificate")
    answer = nobody.get("/systeminfo/getcert")
    assert (answer.status_code, answer.content) == (200, b"certificate")
    assert "ca.crt" in answer["Content-Disposition"]


def test_health_and_ping_need_no_credentials(nobody):
    assert nobody.get("/ping").content == b"Pong"
    assert {part["name"] for part in nobody.get("/health").json()["components"]} >= {"core", "database", "registry"}


def test_parts_that_do_not_stand_yet_say_so(admin):
    for path in (
        "/replication/policies",
        "/scanners",
        "/ldap/users/search",
        "/p2p/preheat/instances/x",
        "/scans/all/metrics",
    ):
        answer = admin.get(path)
        assert answer.status_code == 501
        assert "not stand yet" in answer.json()["errors"][0]["message"]
    assert admin.post("/replication/executions", {"policy_id": 1}).status_code == 501
