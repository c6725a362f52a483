"""The admin site: administrators look at everything, and change nothing."""

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit.models import Consumer, Entry, Seal, SpoolSegment
from audit.origin import SYSTEM
from jobs.models import Job, Pause, Schedule, WorkerPool
from portal.access.models import SigningKey
from portal.access.robots import Right, robot_create
from portal.accounts.models import LoginRecord, User, UserGroup
from portal.admin.tables import TABLES
from portal.allowlists.models import CVEAllowlist
from portal.configuration.models import Setting
from portal.immutability.models import ImmutableRule
from portal.labels.models import ArtifactLabel, Label
from portal.projects.models import Role
from portal.projects.services import member_add, project_create
from portal.retention.models import RetentionExecution, RetentionPolicy, RetentionTask
from portal.webhooks.models import Delivery, WebhookPolicy
from registry.models import Blob, BlobLink, Manifest, Repository, Tag, Upload
from tests.ops.conftest import PASSWORD, make_user

OURS = ("audit", "jobs", "registry", "replication", "portal")
# Rows that mean nothing by themselves: they are seen with what they belong to, or by a command.
PARTS = {
    "ManifestBlob",
    "ManifestChild",
    "JobLog",
    "NamespaceUsage",
    "NamespaceContent",
    "QuotaWarning",
    "RetentionLog",
}
SECRETS = {
    "password",
    "secret",
    "old_secret",
    "private_key",
    "payload",
    "digest_state",
    "writer_state",
    "outline",
    "targets",
}


def url(model: type, page: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def rows(first: int, end: int) -> None:
    """A row in each table for each number."""
    user = User.objects.get(username="admin")
    for n in range(first, end):
        someone = make_user(f"user{n}")
        UserGroup.objects.create(name=f"group{n}", type=2)
        LoginRecord.objects.create(key=str(n), expires_at=someone.created_at)
        project = project_create(name=f"project{n}", owner=user, origin=SYSTEM)
        member_add(project=project, user=someone, role=Role.GUEST, origin=SYSTEM)
        rights = [Right("project", "repository", "pull", project)]
        robot_create(name="ci", project=project, rights=rights, origin=SYSTEM)
        label = Label.objects.create(name=f"label{n}", project=project)
        repository = Repository.objects.create(namespace=project.namespace, name=f"project{n}/app")
        digest = f"sha256:{n:064}"
        manifest = Manifest.objects.create(repository=repository, digest=digest, payload=b"hush-hush", size=9)
        ArtifactLabel.objects.create(label=label, manifest=manifest)
        Tag.objects.create(repository=repository, name="latest", manifest=manifest)
        blob = Blob.objects.create(digest=digest, size=1)
        BlobLink.objects.create(repository=repository, blob=blob)
        Upload.objects.create(repository=repository)
        job = Job.objects.create(kind="test.kind")
        Schedule.objects.create(
            name=f"s{n}", kind="test.kind", cron="0 0 0 * * *", next_run_at=user.created_at, last_job=job
        )
        CVEAllowlist.objects.create(project=project)
        ImmutableRule.objects.create(project=project, tag_selectors=[], scope_selectors=[], fingerprint=str(n))
        policy = RetentionPolicy.objects.create(project=project, rules=[])
        execution = RetentionExecution.objects.create(policy=policy, job=job, dry_run=True)
        RetentionTask.objects.create(execution=execution, repository="app")
        hook = WebhookPolicy.objects.create(project=project, name="ci", event_types=[], targets=["hush-hush"])
        Delivery.objects.create(policy=hook, job=job, target=0, payload={})
        Pause.objects.create(kind=f"kind{n}")
        WorkerPool.objects.create(pk=str(n), host="here", pid=n, concurrency=4)
        Consumer.objects.create(name=f"reader{n}")
        SpoolSegment.objects.create(name=f"segment{n}")
        Setting.objects.create(key=f"key{n}", value=n)
        seal = {"first_txid": 0, "first_id": 1, "last_txid": 0, "last_id": 1, "count": 1, "outline": b""}
        Seal.objects.create(number=n + 1, previous=str(n), digest=str(n), **seal)
        SigningKey.objects.create(kid=str(n), algorithm="ES256", private_key="hush-hush", retires_at=user.created_at)


def test_every_model_has_its_table_or_is_part_of_another():
    models = {model for model in apps.get_models() if model.__module__.partition(".")[0] in OURS}
    assert {model.__name__ for model in models - set(TABLES)} == PARTS


def test_no_table_shows_a_secret():
    for model, table in TABLES.items():
        columns = {field.name for field in model._meta.concrete_fields}
        assert columns & SECRETS <= set(table.hidden), f"{model.__name__} shows a secret"


def test_lists_and_rows_are_shown_with_the_same_number_of_queries_however_many_there_are(admin_client):
    def pages() -> dict[str, int]:
        counts = {}
        for model in TABLES:
            with CaptureQueriesContext(connection) as queries:
                listed = admin_client.get(url(model, "changelist"))
            counts[model.__name__] = len(queries)
            shown = admin_client.get(url(model, "change", model._default_manager.last().pk))
            assert (listed.status_code, shown.status_code) == (200, 200), model
            assert "hush-hush" not in listed.text + shown.text
        return counts

    rows(0, 1)
    pages()  # Whatever is remembered from now on.
    few = pages()
    rows(1, 8)
    assert pages() == few


def test_nothing_can_be_changed(admin_client):
    rows(0, 1)
    before = {model: model._default_manager.count() for model in TABLES}
    for model in TABLES:
        first = model._default_manager.first()
        answers = [
            admin_client.post(url(model, "add"), {}),
            admin_client.post(url(model, "change", first.pk), {}),
            admin_client.post(url(model, "delete", first.pk), {"post": "yes"}),
        ]
        assert [answer.status_code for answer in answers] == [403, 403, 403], model
        admin_client.post(url(model, "changelist"), {"action": "delete_selected", "_selected_action": first.pk})
    assert {model: model._default_manager.count() for model in TABLES} == before


def test_passwords_are_not_set_here(admin_client):
    assert admin_client.get("/admin/password_change/").status_code == 404
    assert "password_change" not in admin_client.get("/admin/").text


@pytest.mark.parametrize("name", ["", "ada"])
def test_only_administrators_get_in(db, name):
    client = Client()
    if name:
        client.force_login(make_user(name))
    for path in ("/admin/", url(User, "changelist"), url(Entry, "changelist")):
        answer = client.get(path)
        assert (answer.status_code, answer["Location"][:13]) == (302, "/admin/login/")


def test_one_logs_in_with_the_password_and_the_journal_knows(admin):
    client = Client()
    answer = client.post("/admin/login/?next=/admin/", {"username": "admin", "password": PASSWORD})
    assert (answer.status_code, answer["Location"]) == (302, "/admin/")
    assert client.get("/admin/").status_code == 200
    client.post("/admin/logout/")
    assert client.get("/admin/").status_code == 302
    actions = Entry.objects.filter(actor="admin").order_by("id").values_list("action", flat=True)
    assert list(actions) == ["user.login", "user.logout"]


def test_a_foreign_page_cannot_log_anybody_out(admin_client):
    admin_client.get("/admin/logout/")
    assert admin_client.get("/admin/").status_code == 200


@pytest.mark.parametrize(
    ("name", "password", "failed"), [("admin", "wrong", True), ("nobody", PASSWORD, True), ("ada", PASSWORD, False)]
)
def test_others_stay_outside_and_failures_count(admin, name, password, failed, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    make_user("ada")
    client = Client()
    answer = client.post("/admin/login/", {"username": name, "password": password})
    assert answer.status_code == 200
    assert client.get("/admin/").status_code == 302
    assert LoginRecord.objects.filter(failures=1).exists() is failed


def test_logins_are_limited(admin, settings):
    settings.RATE_LIMIT = 10
    client = Client()
    answers = [client.post("/admin/login/", {"username": "admin", "password": PASSWORD}) for _ in range(4)]
    assert "Too many logins" in answers[-1].text


def test_the_session_is_that_of_the_rest_api(admin):
    client = Client()
    client.post("/admin/login/", {"username": "admin", "password": PASSWORD})
    assert client.get("/api/v2.0/configurations").status_code == 200
