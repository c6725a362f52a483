import pytest

from audit.models import Entry
from portal.projects.models import Project, Role
from portal.retention.models import RetentionPolicy
from tests.api.conftest import Caller, make_member

HERE = "/projects/apps/metadatas/"


@pytest.fixture
def ada(project: Project) -> Caller:
    """The project's admin."""
    return make_member(project, "ada", Role.PROJECT_ADMIN)


def test_a_setting_is_added_changed_and_removed(ada):
    assert ada.get(HERE).json() == {"public": "false"}
    assert ada.post(HERE, {"auto_scan": "true"}).status_code == 200
    assert ada.post(HERE, {"auto_scan": "true"}).status_code == 409
    assert ada.get(HERE + "auto_scan").json() == {"auto_scan": "true"}
    assert ada.put(HERE + "auto_scan", {"auto_scan": "false"}).status_code == 200
    assert ada.get(HERE).json() == {"public": "false", "auto_scan": "false"}
    assert ada.delete(HERE + "auto_scan").status_code == 200
    assert ada.delete(HERE + "auto_scan").status_code == 200
    assert ada.get(HERE + "auto_scan").json() == {}
    assert ada.put(HERE + "auto_scan", {"auto_scan": "true"}).status_code == 200
    assert ada.get(HERE + "moon").status_code == ada.delete(HERE + "moon").status_code == 404
    assert ada.put(HERE + "moon", {"moon": "full"}).status_code == 404
    changes = Entry.objects.filter(action="project.update").order_by("id")
    assert [(entry.before, entry.after) for entry in changes] == [
        ({}, {"auto_scan": "true"}),
        ({"auto_scan": "true"}, {"auto_scan": "false"}),
        ({"auto_scan": "false"}, {}),
        ({}, {"auto_scan": "true"}),
    ]


@pytest.mark.parametrize(
    ("key", "said", "kept"),
    [
        *(("auto_scan", text, "true") for text in ("1", "t", "T", "TRUE", "true", "True")),
        *(("auto_scan", text, "false") for text in ("0", "f", "F", "FALSE", "false", "False")),
        *(("severity", text, "high") for text in ("high", "High", "HIGH")),
        ("severity", "negligible", "none"),
    ],
)
def test_a_setting_is_kept_in_one_form_however_it_was_said(ada, key, said, kept):
    assert ada.put(HERE + key, {key: said}).status_code == 200
    assert ada.get(HERE + key).json() == {key: kept}


def test_a_project_is_opened_and_closed_like_that(ada, nobody):
    assert ada.put(HERE + "public", {"public": "true"}).status_code == 200
    assert nobody.get("/projects/apps").status_code == 200
    assert ada.delete(HERE + "public").status_code == 200
    assert nobody.get("/projects/apps").status_code == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"moon": "full"}, 400),
        ({"auto_scan": "tRUE"}, 400),
        ({"retention_id": "1"}, 400),
        ({"severity": "terrible"}, 400),
        ({"severity": "high\n"}, 400),
        ({"proxy_speed_kb": "fast"}, 400),
        ({"proxy_cache_filter_pattern": "a\0"}, 422),
        ({"proxy_cache_filter_pattern": "x" * 2000}, 400),
        ({}, 400),
        ({"severity": "high", "auto_scan": "true"}, 400),
        ({"auto_scan": True}, 422),
        ({"auto_scan": None}, 422),
        ([], 422),
        ("x", 422),
    ],
)
def test_what_is_no_setting_is_refused(ada, body, status):
    answer = ada.post(HERE, body)
    assert answer.status_code == status, answer.content
    assert ada.get(HERE).json() == {"public": "false"}


def test_a_change_is_to_what_the_path_names(ada):
    assert ada.put(HERE + "public", {"severity": "high"}).status_code == 400
    assert ada.put(HERE + "public", {"public": "true", "severity": "high"}).status_code == 400
    assert ada.get(HERE).json() == {"public": "false"}


def test_the_number_of_the_retention_policy_is_told_there(ada, project):
    policy = RetentionPolicy.objects.create(project=project, rules=[])
    assert ada.get(HERE + "retention_id").json() == {"retention_id": str(policy.pk)}


def test_maintainers_look_and_others_do_not(somebody, nobody, project):
    mia, dev = make_member(project, "mia", Role.MAINTAINER), make_member(project, "dev", Role.DEVELOPER)
    assert mia.get(HERE).status_code == 200
    assert dev.get(HERE).status_code == 403
    for caller, status in [(mia, 403), (dev, 403), (somebody, 403), (nobody, 401)]:
        assert caller.post(HERE, {"auto_scan": "true"}).status_code == status
        assert caller.put(HERE + "public", {"public": "true"}).status_code == status
        assert caller.delete(HERE + "public").status_code == status
