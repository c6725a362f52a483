from datetime import timedelta

import pytest
from django.utils import timezone

from audit.consumers import Lag
from audit.models import Entry
from audit.origin import SYSTEM
from jobs.models import Job, Schedule, State, Trigger
from jobs.services import enqueue
from portal.configuration.services import configuration_update, forget
from portal.errors import Refused
from portal.immutability.services import immutable_rule_create
from portal.retention import running
from portal.retention.models import RetentionExecution
from portal.retention.services import retention_create, retention_delete, retention_run, retention_update
from registry import ports
from registry.models import Manifest, ManifestChild, Tag
from tests.retention.conftest import ALICE, left, perform, perform_job, policy, push, ran, rule, selectors, task


def test_a_run_deletes_what_no_rule_keeps_and_says_why(project):
    old, new = push("apps/team/app", "v1", days=2), push("apps/team/app", "v2")
    execution = ran(policy(project, rule("latestPushedK", 1)))
    assert left("apps/team/app") == {new.digest}
    found, log = task(execution)
    assert (found.repository, found.total, found.retained, found.deleted) == ("team/app", 2, 1, 1)
    assert found.status == State.SUCCESS
    lines = {line.split()[1]: line for line in log.splitlines() if line.startswith(("keep", "delete"))}
    assert lines[old.digest].startswith("delete")
    assert "[v1]" in lines[old.digest]
    assert lines[old.digest].endswith("no rule keeps it")
    assert lines[new.digest].endswith("rule 1: the 1 artifacts pushed last")


def moved(manifest, tag, *, days, pulled=None):
    """Points a tag at the manifest, so many days ago."""
    now = timezone.now()
    row, _ = Tag.objects.update_or_create(
        repository=manifest.repository, name=tag, defaults={"manifest": manifest, "pulled_at": pulled}
    )
    Tag.objects.filter(pk=row.pk).update(updated_at=now - timedelta(days=days))


@pytest.mark.parametrize("template", ["latestPushedK", "nDaysSinceLastPush", "latestActiveK", "lastXDays"])
def test_an_artifact_counts_as_pushed_when_the_last_of_its_tags_came_to_it(project, template):
    released, newer = push("apps/app", "v1", days=90), push("apps/app", "v2", days=30)
    moved(released, "production", days=0.5)
    _, log = task(ran(policy(project, rule(template, 1))))
    assert left("apps/app") == {released.digest}
    assert f"delete {newer.digest}" in log


@pytest.mark.parametrize("template", ["latestPulledN", "nDaysSinceLastPull"])
def test_an_artifact_counts_as_pulled_when_the_last_of_its_tags_was(project, template):
    released, _ = push("apps/app", "v1", days=90, pulled=80), push("apps/app", "v2", days=40, pulled=30)
    moved(released, "production", days=60, pulled=timezone.now())
    ran(policy(project, rule(template, 1)))
    assert left("apps/app") == {released.digest}


def test_deletions_are_journalled_for_whoever_asked_and_so_is_the_end(project):
    old, untagged = push("apps/app", "v1", days=2), push("apps/app", days=3)
    push("apps/app", "v2")
    ran(policy(project, rule("latestPushedK", 1)))
    deleted = set(Entry.objects.filter(action="manifest.delete").values_list("actor", "target"))
    assert deleted == {("alice", f"apps/app@{gone.digest}") for gone in (old, untagged)}
    cleaned = Entry.objects.get(action="retention.clean")
    assert (cleaned.actor, cleaned.project, cleaned.target) == ("alice", "apps", "apps/app")
    assert {key: cleaned.after[key] for key in ("total", "retained", "deleted", "artifacts")} == {
        "total": 3,
        "retained": 1,
        "deleted": 2,
        "artifacts": [f"app@{untagged.digest}", "app:v1"],
    }


def test_a_dry_run_only_tells(project):
    digests = {push("apps/app", f"v{days}", days=days).digest for days in range(3)}
    execution = ran(policy(project, rule("latestPushedK", 1)), dry_run=True)
    assert left("apps/app") == digests
    found, log = task(execution)
    assert (found.total, found.retained, found.deleted) == (3, 1, 0)
    assert log.count("no rule keeps it") == 2
    assert not Entry.objects.filter(action__in=["manifest.delete", "retention.clean"]).exists()


def test_repositories_are_judged_by_the_rules_about_them_and_others_left_alone(project):
    for repository in ("apps/team/a", "apps/team/b", "apps/other", "apps/off"):
        push(repository, "v1", days=2)
        push(repository, "v2")
    off = rule("latestPushedK", 0, repositories="off", disabled=True)
    execution = ran(policy(project, rule("latestPushedK", 1, repositories="team/*"), off))
    assert [len(left(name)) for name in ("apps/team/a", "apps/team/b", "apps/other", "apps/off")] == [1, 1, 2, 2]
    assert sorted(execution.tasks.values_list("repository", flat=True)) == ["team/a", "team/b"]


def test_immutable_tags_are_kept_and_reported(project):
    kept = push("apps/app", "v1", "release", days=2)
    immutable_rule_create(
        project=project,
        tag_selectors=selectors("matches", "release"),
        scope_selectors={"repository": selectors("repoMatches", "**")},
        disabled=False,
        priority=0,
        origin=SYSTEM,
    )
    found, log = task(ran(policy(project, rule("latestPushedK", 0))))
    assert left("apps/app") == {kept.digest}
    assert (found.total, found.retained) == (1, 1)
    assert "immutable tag release" in log


def test_a_tag_that_became_immutable_meanwhile_is_kept(project, monkeypatch):
    kept = push("apps/app", "v1", days=2)

    class Gate:
        def protected(self, *_args):
            return {"v1"}

    monkeypatch.setattr(ports, "tags", Gate)
    found, log = task(ran(policy(project, rule("latestPushedK", 0))))
    assert left("apps/app") == {kept.digest}
    assert (found.retained, found.status) == (1, State.SUCCESS)
    assert f"Not deleted: {kept.digest}" in log


def test_members_of_an_index_and_accessories_go_with_what_they_belong_to(project):
    member, index = push("apps/app", days=5), push("apps/app", "v1", days=4)
    signature = push("apps/app", "sha256-abc.sig", days=5, accessory_of=index.digest, accessory_kind="signature.cosign")
    ManifestChild.objects.create(parent=index, digest=member.digest)
    found, _ = task(ran(policy(project, rule("always"))))
    assert found.total == 1
    assert left("apps/app") == {member.digest, index.digest, signature.digest}
    retention_update(policy=project.retention, rules=[rule("latestPushedK", 0)], cron="", origin=SYSTEM)
    ran(project.retention)
    assert left("apps/app") == set()


def test_nothing_is_deleted_while_the_registry_is_read_only(project):
    kept = push("apps/app", "v1", days=2)
    found = policy(project, rule("latestPushedK", 0))
    configuration_update(changes={"read_only": True}, origin=SYSTEM)
    forget()
    with pytest.raises(Refused):
        ran(found)
    assert left("apps/app") == {kept.digest}
    _, log = task(ran(found, dry_run=True))
    assert f"delete {kept.digest}" in log


def test_a_tagged_member_of_an_index_that_is_kept_stays(project):
    member, index = push("apps/app", "amd64", days=5), push("apps/app", "v1")
    ManifestChild.objects.create(parent=index, digest=member.digest)
    _, log = task(ran(policy(project, rule("latestPushedK", 1))))
    assert left("apps/app") == {member.digest, index.digest}
    assert "an index that is kept refers to it" in log


def test_what_cannot_be_read_is_kept_and_the_others_have_their_turn(project, monkeypatch):
    for repository in ("apps/bad", "apps/good"):
        push(repository, "v1", days=2)
    candidates = running._candidates

    def failing(name):
        if name == "apps/bad":
            raise ValueError("torn row")
        return candidates(name)

    monkeypatch.setattr(running, "_candidates", failing)
    execution = retention_run(policy=policy(project, rule("latestPushedK", 0)), dry_run=False, origin=ALICE)
    with pytest.raises(Refused, match="1 repositories cannot be read"):
        perform(execution)
    assert (len(left("apps/bad")), len(left("apps/good"))) == (1, 0)
    states = dict(execution.tasks.values_list("repository", "state"))
    assert states == {"bad": State.ERROR, "good": State.SUCCESS}
    monkeypatch.undo()
    perform(execution)
    assert not left("apps/bad")


def test_rules_about_pulls_wait_until_the_pulls_are_known(project, monkeypatch):
    kept = push("apps/app", "v1", days=2)
    since = timezone.now() - timedelta(hours=1)
    monkeypatch.setattr(running, "lag", lambda *_args, **_options: Lag(1, since))
    found = policy(project, rule("latestPulledN", 0))
    with pytest.raises(Refused):
        ran(found)
    assert left("apps/app") == {kept.digest}
    retention_update(policy=found, rules=[rule("latestPushedK", 0)], cron="", origin=SYSTEM)
    ran(found)
    assert left("apps/app") == set()


def test_a_tag_that_was_pushed_again_between_decision_and_deletion_keeps_the_artifact(project, monkeypatch):
    kept = push("apps/app", "v1", days=3)
    decide = running._Task._decide

    def decide_and_be_overtaken(self):
        doomed = decide(self)
        moved(kept, "v1", days=0)
        return doomed

    monkeypatch.setattr(running._Task, "_decide", decide_and_be_overtaken)
    _, log = task(ran(policy(project, rule("latestPushedK", 0))))
    assert left("apps/app") == {kept.digest}
    assert "it was pushed, pulled or tagged meanwhile" in log


def test_a_change_between_decision_and_deletion_keeps_the_artifact(project, monkeypatch):
    moved, gone = push("apps/app", "v1", days=3), push("apps/app", "v2", days=2)
    decide = running._Task._decide

    def decide_and_be_overtaken(self):
        doomed = decide(self)
        Tag.objects.create(repository=moved.repository, name="precious", manifest=moved)
        Manifest.objects.filter(pk=gone.pk).delete()
        return doomed

    monkeypatch.setattr(running._Task, "_decide", decide_and_be_overtaken)
    _, log = task(ran(policy(project, rule("latestPushedK", 0))))
    assert left("apps/app") == {moved.digest}
    assert f"Not deleted: {moved.digest}: it was pushed, pulled or tagged meanwhile" in log
    assert f"Not deleted: {gone.digest}: it is gone already" in log


@pytest.mark.parametrize("checkpoints", range(8))
def test_a_run_that_is_cut_off_anywhere_is_carried_on(project, checkpoints):
    for repository in ("apps/a", "apps/b"):
        for days in range(4):
            push(repository, f"v{days}", days=days)
    execution = ran(policy(project, rule("latestPushedK", 1)), checkpoints=checkpoints)
    assert execution.tasks.exclude(state=State.SUCCESS).exists()
    perform(execution)
    for repository in ("apps/a", "apps/b"):
        assert list(Tag.objects.filter(repository__name=repository).values_list("name", flat=True)) == ["v0"]
    told = execution.tasks.values_list("state", "total", "retained", "deleted")
    assert set(told) == {(State.SUCCESS, 4, 1, 3)}


def test_milder_rules_count_for_a_run_that_is_under_way(project):
    kept = push("apps/app", "v1", days=2)
    found = policy(project, rule("latestPushedK", 0))
    execution = ran(found, checkpoints=1)
    retention_update(policy=found, rules=[rule("always")], cron="", origin=SYSTEM)
    perform(execution)
    assert left("apps/app") == {kept.digest}


def test_a_repository_that_no_rule_is_about_any_more_is_left_alone(project):
    kept = push("apps/app", "v1", days=2)
    found = policy(project, rule("latestPushedK", 0))
    execution = ran(found, checkpoints=0)
    retention_update(policy=found, rules=[rule("latestPushedK", 0, repositories="other")], cron="", origin=SYSTEM)
    perform(execution)
    assert left("apps/app") == {kept.digest}


def test_a_run_whose_policy_was_deleted_ends(project):
    kept = push("apps/app", "v1", days=2)
    found = policy(project, rule("latestPushedK", 0))
    execution = retention_run(policy=found, dry_run=False, origin=ALICE)
    job = Job.objects.get(pk=execution.job_id)
    retention_delete(policy=found, origin=ALICE)
    job.refresh_from_db()
    assert job.state == State.STOPPED
    assert not RetentionExecution.objects.exists()
    assert left("apps/app") == {kept.digest}


def test_a_schedule_is_kept_in_step_with_the_policy_and_does_not_survive_it(project):
    found = retention_create(project=project, rules=[], cron="0 0 3 * * *", origin=SYSTEM)
    schedule = Schedule.objects.get(kind="retention.run")
    assert (schedule.cron, schedule.args) == ("0 0 3 * * *", {"policy": found.pk})
    retention_update(policy=found, rules=[], cron="", origin=SYSTEM)
    assert not Schedule.objects.filter(kind="retention.run").exists()
    retention_update(policy=found, rules=[], cron="0 0 4 * * *", origin=SYSTEM)
    assert Schedule.objects.filter(kind="retention.run").exists()
    job = enqueue("retention.run", policy=found.pk)
    found.delete()  # As it goes with its project.
    perform_job(job)
    assert not Schedule.objects.filter(kind="retention.run").exists()


def test_a_run_by_schedule_is_listed_with_the_others(project):
    push("apps/app", "v1", days=2)
    found = policy(project, rule("latestPushedK", 0))
    perform_job(enqueue("retention.run", trigger=Trigger.SCHEDULE, policy=found.pk))
    execution = found.executions.get()
    assert (execution.dry_run, execution.job.trigger) == (False, Trigger.SCHEDULE)
    assert left("apps/app") == set()


def test_asking_twice_gives_the_same_run_while_it_waits(project):
    found = policy(project, rule("always"))
    first = retention_run(policy=found, dry_run=False, origin=ALICE)
    assert retention_run(policy=found, dry_run=False, origin=ALICE) == first
    assert retention_run(policy=found, dry_run=True, origin=ALICE) != first


def test_a_repository_is_read_in_three_queries(project, django_assert_num_queries):
    for number in range(40):
        push("apps/app", f"v{number}", days=number)
    with django_assert_num_queries(3):
        assert len(running._candidates("apps/app")) == 40
