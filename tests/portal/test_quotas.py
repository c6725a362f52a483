"""The gate that keeps projects within their limits, and the warnings before."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction

from audit.models import Entry
from audit.origin import SYSTEM, Origin
from portal.configuration.services import configuration_update, forget
from portal.projects.models import Project
from portal.projects.services import project_create
from portal.quotas.followers import warn
from portal.quotas.gate import PortalQuotaGate
from portal.quotas.services import quota_update
from registry.models import NamespaceContent, Repository
from registry.selectors import usage
from registry.services.usage import QuotaExceeded, count, quota_watched


@pytest.fixture
def project(make_project):
    return make_project("apps")


def hold(project: Project, size: int) -> None:
    """Makes the project take up so much more."""
    NamespaceContent.objects.create(namespace=project.namespace, digest=f"sha256:{size:064}", size=size)


def limit(project: Project, storage: int) -> None:
    quota_update(project=project, storage_limit=storage, origin=SYSTEM)


def test_the_gate_knows_the_limit_unless_quotas_are_switched_off(project):
    gate = PortalQuotaGate()
    with transaction.atomic():
        assert (gate.limit(project.pk), gate.peek(project.pk)) == (None, None)
        limit(project, 5000)
        assert (gate.limit(project.pk), gate.peek(project.pk)) == (5000, 5000)
        configuration_update(changes={"quota_per_project_enable": False}, origin=SYSTEM)
        forget()
        assert (gate.limit(project.pk), gate.peek(project.pk)) == (None, None)


def test_what_a_quota_refuses_is_in_the_journal(project):
    limit(project, 50)
    row = Repository.objects.create(namespace=project.namespace, name="apps/web")
    pusher = Origin("gus", "user")
    digest = "sha256:" + "0" * 64
    watched = quota_watched(pusher, "apps/web", digest=digest, tags=["v1"])
    with pytest.raises(QuotaExceeded), watched, transaction.atomic():
        count(row.pk, {digest: 60})
    entry = Entry.objects.get(action="quota.exceed")
    assert (entry.actor, entry.project, entry.target, entry.result) == ("gus", "apps", "apps/web", "denied")
    assert entry.after == {"adding": 60, "used": 0, "limit": 50, "digest": digest, "tags": ["v1"]}


def warnings() -> list[tuple[str, dict[str, int]]]:
    return list(Entry.objects.filter(action="quota.warn").order_by("id").values_list("target", "after"))


def test_a_project_that_gets_near_its_limit_is_warned_of_once_until_there_is_room_again(project):
    limit(project, 1000)
    pushed = [Entry(action="manifest.push", project="apps", target="apps/web@sha256:0"), Entry(action="user.login")]
    hold(project, 849)
    warn(pushed)
    assert warnings() == []
    hold(project, 1)
    warn(pushed)
    hold(project, 50)
    warn(pushed)
    first = ("apps/web", {"percent": 85, "used": 850, "limit": 1000})
    assert warnings() == [first]

    NamespaceContent.objects.filter(size=849).delete()
    warn([Entry(action="manifest.delete", project="apps", target="apps/web@sha256:0")])
    hold(project, 900)
    warn(pushed)
    assert warnings() == [first, ("apps/web", {"percent": 85, "used": 951, "limit": 1000})]


def test_what_an_older_project_of_its_name_did_is_no_reason_to_warn_of_a_project(project):
    older = Entry(action="manifest.push", project="apps", target="apps/secret@sha256:0")
    older.at = project.created_at - timedelta(seconds=1)
    limit(project, 1000)
    hold(project, 900)
    warn([older])
    assert warnings() == []
    warn([older, Entry(action="manifest.push", project="apps", target="apps/web@sha256:0")])
    assert [target for target, _ in warnings()] == ["apps/web"]


def test_nobody_is_warned_of_projects_without_a_limit(project, django_assert_num_queries):
    hold(project, 10**12)
    warn([Entry(action="manifest.push", project="apps")])
    assert warnings() == []
    with django_assert_num_queries(0):
        warn([Entry(action="manifest.pull", project="apps")])


@pytest.mark.django_db(transaction=True)
def test_pushes_at_once_never_take_more_than_is_allowed():
    project = project_create(name="apps", owner=None, storage_limit=50, origin=SYSTEM)
    row = Repository.objects.create(namespace=project.namespace, name="apps/web")

    def push(number: int) -> bool:
        try:
            with transaction.atomic():
                count(row.pk, {f"sha256:{number:064}": 10})
        except QuotaExceeded:
            return False
        else:
            return True
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        accepted = list(pool.map(push, range(16)))
    assert (accepted.count(True), usage(project.pk)) == (5, 50)
