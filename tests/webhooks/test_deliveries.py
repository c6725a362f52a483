import uuid

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from audit.journal import record
from audit.models import Entry
from audit.origin import SYSTEM
from jobs.models import Job, JobLog, State, Trigger
from jobs.run import Stopped
from portal.configuration.services import configuration_update, forget
from portal.outgoing import Undelivered
from portal.projects.services import project_create, project_delete
from portal.webhooks import followers
from portal.webhooks.followers import tell
from portal.webhooks.models import Delivery, WebhookPolicy
from portal.webhooks.services import webhook_delete, webhook_update
from registry.models import Manifest, Repository
from registry.services.clearing import clear_repository
from registry.services.repositories import delete_repository
from tests.webhooks.conftest import ALICE, DIGEST, carry_out, happened, policy, pushed, target


def test_a_push_is_told_in_harbors_format(project, receiver, settings):
    settings.EXTERNAL_URL = "https://registry.example.com"
    policy(project, target(receiver.url))
    pushed("latest", "v1")
    delivery = Delivery.objects.get()
    assert delivery.job.trigger == Trigger.EVENT
    log = carry_out(delivery)
    [(path, headers, body)] = receiver.requests
    assert path == "/hook"
    assert headers["Content-Type"] == "application/json"
    assert "Authorization" not in headers
    assert isinstance(body.pop("occur_at"), int)
    assert body == {
        "type": "PUSH_ARTIFACT",
        "operator": "alice",
        "event_data": {
            "resources": [
                {
                    "digest": DIGEST,
                    "tag": tag,
                    "resource_url": f"registry.example.com/apps/team/app:{tag}",
                }
                for tag in ("latest", "v1")
            ],
            "repository": {
                "name": "team/app",
                "namespace": "apps",
                "repo_full_name": "apps/team/app",
                "repo_type": "private",
            },
        },
    }
    assert "Delivered: 200" in log


def test_cloud_events_have_the_same_data_in_their_envelope(project, receiver):
    made = policy(project, target(receiver.url, payload_format="CloudEvents"))
    pushed("latest")
    delivery = Delivery.objects.get()
    carry_out(delivery)
    carry_out(delivery)
    (_, headers, body), (_, _, again) = receiver.requests
    assert headers["Content-Type"] == "application/cloudevents+json"
    assert body["specversion"] == "1.0"
    assert body["type"] == "harbor.artifact.pushed"
    assert body["source"] == f"/projects/{project.pk}/webhook/policies/{made.pk}"
    assert (body["operator"], body["requestid"]) == ("alice", "request-1")
    assert body["time"].endswith("Z")
    assert body["data"] == delivery.payload["event_data"]
    assert uuid.UUID(body["id"])
    assert again["id"] == body["id"]


def test_slack_gets_blocks_in_which_nobody_can_put_markup(project, receiver):
    policy(project, target(receiver.url, type="slack"), events=("QUOTA_EXCEED",))
    refused = {"adding": 2048, "used": 10, "limit": 1024, "digest": "<!channel> & ```", "tags": []}
    happened("quota.exceed", target="apps/app", after=refused, result="denied")
    carry_out(Delivery.objects.get())
    [(_, _, body)] = receiver.requests
    texts = [block["text"]["text"] for block in body["blocks"]]
    assert texts[0] == "*QUOTA_EXCEED* by alice"
    assert "&lt;!channel&gt; &amp; '''" in texts[1]


@pytest.mark.parametrize(
    ("event_type", "action", "told", "reference"),
    [
        ("PULL_ARTIFACT", "manifest.pull", {"target": "apps/app:v1", "after": {"digest": DIGEST}}, ":v1"),
        ("PULL_ARTIFACT", "manifest.pull", {"target": f"apps/app@{DIGEST}"}, f"@{DIGEST}"),
        (  # As members of an index come, and what cosign, oras and buildx attach.
            "PUSH_ARTIFACT",
            "manifest.push",
            {"target": f"apps/app@{DIGEST}", "after": {"digest": DIGEST, "tags": []}},
            f"@{DIGEST}",
        ),
        (
            "PUSH_ARTIFACT",
            "manifest.copy",
            {"target": f"apps/app@{DIGEST}", "after": {"digest": DIGEST, "tags": []}},
            f"@{DIGEST}",
        ),
        (
            "DELETE_ARTIFACT",
            "manifest.delete",
            {"target": f"apps/app@{DIGEST}", "before": {"digest": DIGEST, "tags": ["v1"]}},
            ":v1",
        ),
        (
            "DELETE_ARTIFACT",
            "manifest.delete",
            {"target": f"apps/app@{DIGEST}", "before": {"digest": DIGEST, "tags": []}},
            f"@{DIGEST}",
        ),
    ],
)
def test_pushes_pulls_copies_and_deletions_are_told(project, settings, event_type, action, told, reference):
    settings.EXTERNAL_URL = "http://127.0.0.1:8080"
    policy(project, target("http://127.0.0.1:9/"), events=(event_type,))
    happened(action, **told)
    payload = Delivery.objects.get().payload
    [resource] = payload["event_data"]["resources"]
    assert payload["type"] == event_type
    assert resource["digest"] == DIGEST
    assert resource["tag"] == reference[1:]
    assert resource["resource_url"] == f"127.0.0.1:8080/apps/app{reference}"


def test_a_deleted_repository_is_told_artifact_by_artifact(project):
    other = DIGEST.replace("a", "b")
    policy(project, target("http://127.0.0.1:9/"), events=("DELETE_ARTIFACT",))
    artifacts = [{"digest": DIGEST, "tags": ["v1", "v2"]}, {"digest": other, "tags": []}]
    happened("repository.clear", target="apps/app", before={"artifacts": artifacts, "with": [DIGEST]})
    told = [delivery.payload for delivery in Delivery.objects.order_by("pk")]
    assert {(payload["type"], payload["operator"]) for payload in told} == {("DELETE_ARTIFACT", "alice")}
    assert [[resource["tag"] for resource in payload["event_data"]["resources"]] for payload in told] == [
        ["v1", "v2"],
        [other],
    ]


def test_what_was_too_long_for_the_journal_holds_nothing_up(project):
    policy(project, target("http://127.0.0.1:9/"), events=("DELETE_ARTIFACT",))
    omitted = {"omitted": 70_000, "sha256": "0" * 64}
    happened("repository.clear", target="apps/app", before={"artifacts": omitted, "with": []})
    happened("manifest.delete", target=f"apps/app@{DIGEST}", before={"digest": DIGEST, "tags": omitted})
    [resource] = Delivery.objects.get().payload["event_data"]["resources"]
    assert resource["tag"] == DIGEST


def test_a_full_project_is_told_with_what_was_refused(project):
    policy(project, target("http://127.0.0.1:9/"), events=("QUOTA_EXCEED", "QUOTA_WARNING"))
    numbers = {"adding": 2048, "used": 10, "limit": 1024}
    happened("quota.exceed", target="apps/app", after=numbers | {"digest": DIGEST, "tags": ["v1"]}, result="denied")
    happened("quota.exceed", target="apps/app", after=numbers, result="denied")  # A blob.
    happened("quota.warn", target="apps/app", after={"percent": 85, "used": 900, "limit": 1024})
    manifest, blob, warned = [delivery.payload["event_data"] for delivery in Delivery.objects.order_by("pk")]
    assert {told["repository"]["repo_full_name"] for told in (manifest, blob, warned)} == {"apps/app"}
    assert manifest["resources"] == [{"digest": DIGEST, "tag": "v1"}]
    assert "resources" not in blob
    assert manifest["custom_attributes"]["Details"] == (
        "adding 2.0 KiB of storage resource, which when updated to current usage of 10 B "
        "will exceed the configured upper limit of 1.0 KiB."
    )
    assert warned["custom_attributes"]["Details"] == ("quota usage reach 85%: resource storage used 900 B of 1.0 KiB")


def test_the_end_of_retention_is_told(project):
    policy(project, target("http://127.0.0.1:9/"), events=("TAG_RETENTION",))
    after = {"policy": 5, "rules": [], "total": 3, "retained": 1, "deleted": 2, "artifacts": ["app:v1"]}
    happened("retention.clean", target="apps/app", after=after)
    told = Delivery.objects.get().payload["event_data"]["retention"]
    assert (told["total"], told["retained"], told["retention_policy_id"]) == (3, 1, 5)
    assert told["deleted_artifact"] == [{"type": "image", "status": "SUCCESS", "name_tag": "app:v1"}]


def test_only_what_a_policy_is_for_is_told(project):
    policy(project, target("http://127.0.0.1:9/"))
    disabled = policy(project, target("http://127.0.0.1:9/"))
    WebhookPolicy.objects.filter(pk=disabled.pk).update(enabled=False)
    project_create(name="other", owner=None, origin=SYSTEM)
    pushed("v1", repository="other/app")
    happened("label.create", target="red")
    assert not Delivery.objects.exists()


def test_every_policy_and_every_target_has_its_delivery(project):
    policy(project, target("http://127.0.0.1:9/a"), target("http://127.0.0.1:9/b"))
    policy(project, target("http://127.0.0.1:9/c"))
    pushed("v1")
    assert Delivery.objects.count() == 3
    assert Job.objects.filter(kind="webhooks.deliver", state=State.PENDING).count() == 3


def test_nothing_is_told_while_notifications_are_off(project):
    policy(project, target("http://127.0.0.1:9/"))
    configuration_update(changes={"notification_enable": False}, origin=SYSTEM)
    forget()
    pushed("v1")
    assert not Delivery.objects.exists()


def test_the_secret_is_sent_and_kept_sealed(project, receiver):
    made = policy(project, target(receiver.url, auth_header="Bearer s3cret"))
    assert "s3cret" not in str(WebhookPolicy.objects.values_list("targets", flat=True).get())
    pushed("v1")
    log = carry_out(Delivery.objects.get())
    assert receiver.requests[0][1]["Authorization"] == "Bearer s3cret"
    assert "s3cret" not in log
    webhook_delete(policy=made, origin=SYSTEM)
    for entry in Entry.objects.filter(action__startswith="webhook."):
        assert "s3cret" not in f"{entry.before} {entry.after}"
        assert "/hook" not in f"{entry.before} {entry.after}"


@pytest.mark.parametrize("status", [301, 400, 500])
def test_what_is_no_success_is_a_failure_and_no_redirect_is_followed(project, receiver, status):
    receiver.answers_with(status, Location=receiver.url)
    policy(project, target(receiver.url))
    pushed("v1")
    delivery = Delivery.objects.get()
    with pytest.raises(Undelivered, match=f"127.0.0.1 answered {status}"):
        carry_out(delivery)
    assert len(receiver.requests) == 1
    receiver.answers_with(204)
    assert "Delivered: 204" in carry_out(delivery)


def test_what_waits_goes_to_the_new_address_and_nowhere_once_the_policy_is_gone(project, receiver):
    made = policy(project, target("http://127.0.0.1:9/"))
    pushed("v1")
    pushed("v2")
    first, second = Delivery.objects.order_by("pk")
    given = {"name": made.name, "description": "", "enabled": True, "event_types": ["PUSH_ARTIFACT"]}
    webhook_update(policy=made, **given, targets=[target(receiver.url)], origin=SYSTEM)
    carry_out(Delivery.objects.get(pk=first.pk))
    assert len(receiver.requests) == 1
    webhook_delete(policy=made, origin=SYSTEM)
    with pytest.raises(Stopped):
        carry_out(second)
    assert len(receiver.requests) == 1


def switch_policy(project, *, on):
    project.webhooks.update(enabled=on)


def switch_all(project, *, on):
    configuration_update(changes={"notification_enable": on}, origin=SYSTEM)
    forget()


@pytest.mark.parametrize("switch", [switch_policy, switch_all])
def test_what_waits_when_it_is_switched_off_is_stopped_and_not_sent(project, receiver, switch):
    policy(project, target(receiver.url))
    pushed("v1")
    switch(project, on=False)
    with pytest.raises(Stopped):
        carry_out(Delivery.objects.get())
    assert receiver.requests == []
    assert "Switched off" in JobLog.objects.get().text
    switch(project, on=True)
    carry_out(Delivery.objects.get())
    assert len(receiver.requests) == 1


def test_a_project_goes_with_its_policies_and_deliveries(project):
    policy(project, target("http://127.0.0.1:9/"))
    pushed("v1")
    project_delete(project=project, origin=SYSTEM)
    assert not Delivery.objects.exists()


def test_a_new_project_is_told_nothing_of_an_older_one_of_its_name(project):
    after = {"digest": DIGEST, "tags": ["secret"]}
    with transaction.atomic():
        record(ALICE, "manifest.push", project="apps", target=f"apps/app@{DIGEST}", after=after)
    project_delete(project=project, origin=SYSTEM)
    policy(project_create(name="apps", owner=None, origin=SYSTEM), target("http://127.0.0.1:9/"))
    tell(list(Entry.objects.filter(action="manifest.push")))
    assert not Delivery.objects.exists()
    pushed("v1")
    assert Delivery.objects.count() == 1


def test_nor_of_what_is_cleared_away_of_it_only_now(project):
    row = Repository.objects.create(namespace=project.namespace, name="apps/app")
    digest = Manifest.objects.create(repository=row, digest=DIGEST, media_type="", payload=b"{}", size=2).digest
    delete_repository(name="apps/app", origin=ALICE)
    project_delete(project=project, origin=SYSTEM)
    policy(
        project_create(name="apps", owner=None, origin=SYSTEM),
        target("http://127.0.0.1:9/"),
        events=("DELETE_ARTIFACT",),
    )
    clear_repository(row.pk, origin=ALICE, name="apps/app")
    cleared = Entry.objects.get(action="repository.clear")
    assert (cleared.project, cleared.target, cleared.before["artifacts"][0]["digest"]) == ("", "apps/app", digest)
    tell([cleared])
    assert not Delivery.objects.exists()


def test_a_crowd_of_targets_is_served_in_short_transactions_and_few_statements(project, monkeypatch):
    monkeypatch.setattr(followers, "AT_ONCE", 20)
    for _ in range(3):
        policy(project, *[target("http://127.0.0.1:9/")] * 5)
    with transaction.atomic():
        for number in range(4):
            record(SYSTEM, "manifest.push", project="apps", target=f"apps/app@{number}", after={"digest": DIGEST})
    entries = list(Entry.objects.filter(action="manifest.push").order_by("id"))
    with CaptureQueriesContext(connection) as queries:
        assert tell(entries) == 2
    assert Delivery.objects.count() == 2 * 15
    assert len(queries) < 15
    assert tell(entries[2:]) == 2
    assert Job.objects.filter(kind="webhooks.deliver").count() == 4 * 15
    assert {delivery.job.kind for delivery in Delivery.objects.all()} == {"webhooks.deliver"}


def test_a_batch_of_events_is_looked_up_in_two_queries(project):
    policy(project, target("http://127.0.0.1:9/"), events=("PULL_ARTIFACT",))
    [entry] = happened("manifest.pull", target="apps/app:v1", after={"digest": DIGEST})
    counts = []
    for pulls in (2, 20):
        Delivery.objects.all().delete()
        with CaptureQueriesContext(connection) as queries:
            tell([entry] * pulls)
        assert Delivery.objects.count() == pulls
        counts.append(len([query for query in queries if query["sql"].startswith("SELECT")]))
    assert counts == [2, 2]
