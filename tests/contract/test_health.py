"""health, ping, systeminfo, statistic, permissions, icon: what the system says of itself."""

from tests.contract.conftest import Person, Pushed
from tests.contract.walk import Caller


def test_anyone_learns_that_it_is_up(anonymous: Caller):
    assert anonymous("getPing", 200).text == "Pong"
    health = anonymous("getHealth", 200).json()
    assert health["status"] == "healthy"
    assert {"core", "database"} <= {component["name"] for component in health["components"]}


def test_the_system_tells_more_to_those_who_log_in(anonymous: Caller, someone: Person):
    public = anonymous("getSystemInfo", 200).json()
    assert public["auth_mode"] == "db_auth"
    assert "harbor_version" not in public
    told = someone.call("getSystemInfo", 200).json()
    assert told["harbor_version"].startswith("v2.")
    assert told["registry_url"]


def test_only_administrators_see_the_volumes(admin: Caller, someone: Person, anonymous: Caller):
    volume = admin("getVolumes", 200).json()["storage"][0]
    assert 0 < volume["free"] <= volume["total"]
    someone.call("getVolumes", 403)
    anonymous("getVolumes", 401)


def test_there_is_no_certificate_to_download_unless_one_is_configured(anonymous: Caller):
    anonymous("getCert", 404)


def test_statistics_count_what_the_caller_may_see(admin: Caller, someone: Person, anonymous: Caller, pushed: Pushed):
    everything = admin("getStatistic", 200).json()
    assert everything["total_project_count"] >= 1
    assert everything["total_repo_count"] >= 1
    assert everything["total_storage_consumption"] > 0
    assert someone.call("getStatistic", 200).json()["private_project_count"] == 0
    anonymous("getStatistic", 401)


def test_the_permissions_that_robots_can_have_are_listed(admin: Caller, anonymous: Caller):
    listed = admin("getPermissions", 200).json()
    assert {"resource": "repository", "action": "pull"} in listed["project"]
    assert {"resource": "project", "action": "create"} in listed["system"]
    anonymous("getPermissions", 401)


def test_the_icon_of_an_artifact_is_found_by_its_digest(admin: Caller, pushed: Pushed):
    icon = admin("getArtifact", 200, **pushed.here).json()["icon"]
    shown = admin("getIcon", 200, digest=icon).json()
    assert shown["content-type"].startswith("image/")
    assert shown["content"]
    admin("getIcon", 404, digest="sha256:" + "0" * 64)
