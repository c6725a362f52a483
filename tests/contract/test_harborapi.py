"""harborapi, a client that others wrote, drives its whole surface; its models validate every answer."""

import ast
import asyncio
import inspect
from collections.abc import Awaitable, Callable
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
from harborapi import HarborAsyncClient, models
from harborapi.exceptions import (
    BadRequest,
    NotFound,
    PreconditionFailed,
    StatusError,
    UnprocessableEntity,
)

from tests.contract.conftest import Person, Pushed
from tests.contract.schema import BASE
from tests.support.api import unique
from tests.support.images import artifact, image
from tests.support.portolan import ADMIN, PASSWORD, Portolan
from tests.support.registry import Registry

# The plumbing that all other methods stand on.
PLUMBING = {
    *("authenticate", "construct_model", "log_response", "no_retry", "no_validation", "raw_mode"),
    *("get", "get_text", "get_file", "post", "put", "patch", "delete", "head"),
}
# Deprecated names of other methods, and robots as they were before Harbor 2.2, which its contract no longer has.
FORMER = {
    *("stop_audit_log_rotation", "get_audit_log_rotation", "get_audit_log_rotation_log"),
    *("update_audit_log_rotation_schedule", "create_audit_log_rotation_schedule"),
    *("get_audit_log_rotation_schedule", "get_audit_log_rotation_history"),
    *("get_robots_v1", "create_robot_v1", "get_robot_v1", "update_robot_v1", "delete_robot_v1"),
    "get_artifact_vulnerabilities",
}
# What belongs to groups that do not stand yet, with arguments to call it with.
_ARTIFACT = ("library", "app", "latest")
_SCHEDULE = models.Schedule(schedule=models.ScheduleObj(type="Manual"))
_REGISTRY = models.Registry(name="peer", url="http://127.0.0.1:9", type="harbor")
_SCANNER = models.ScannerRegistrationReq(name="scanner", url="http://127.0.0.1:9")
LATER: dict[str, tuple[Any, ...]] = {
    "check_registry_status": (models.RegistryPing(id=1),),
    "create_registry": (_REGISTRY,),
    "create_replication_policy": (models.ReplicationPolicy(name="policy"),),
    "create_scan_all_schedule": (_SCHEDULE,),
    "create_scanner": (_SCANNER,),
    "delete_registry": (1,),
    "delete_replication_policy": (1,),
    "delete_scanner": ("1",),
    "export_scan_data": (models.ScanDataExportRequest(projects=[1]),),
    "get_artifact_scan_report_log": (*_ARTIFACT, "1"),
    "get_artifact_vulnerability_reports": _ARTIFACT,
    "get_registries": (),
    "get_registry": (1,),
    "get_registry_adapters": (),
    "get_registry_info": (1,),
    "get_registry_providers": (),
    "get_replication": (1,),
    "get_replication_policies": (),
    "get_replication_policy": (1,),
    "get_replication_task_log": (1, 1),
    "get_replication_tasks": (1,),
    "get_replications": (),
    "get_scan_all_metrics": (),
    "get_scan_all_schedule": (),
    "get_scan_export": (1,),
    "get_scan_exports": (),
    "get_scanner": ("1",),
    "get_scanner_metadata": (1,),
    "get_scanners": (),
    "import_ldap_users": (["alice"],),
    "ping_ldap": (),
    "ping_scanner_adapter": (models.ScannerRegistrationSettings(name="scanner", url="http://127.0.0.1:9", auth=""),),
    "scan_artifact": _ARTIFACT,
    "search_ldap_groups": ("people",),
    "search_ldap_users": ("alice",),
    "set_default_scanner": ("1",),
    "start_replication": (1,),
    "stop_artifact_scan": _ARTIFACT,
    "stop_replication": (1,),
    "stop_scan_all_job": (),
    "test_oidc": (models.OIDCTestReq(url="http://127.0.0.1:9", verify_cert=False),),
    "update_registry": (1, models.RegistryUpdate(name="peer")),
    "update_replication_policy": (1, models.ReplicationPolicy(name="policy")),
    "update_scan_all_schedule": (_SCHEDULE,),
    "update_scanner": ("1", _SCANNER),
}

Scenario = Callable[..., Awaitable[None]]


def driven(scenario: Scenario) -> Callable[..., None]:
    """Runs an asynchronous test, its first argument the client of the administrator."""

    @wraps(scenario)
    def run(portolan_server: Portolan, **fixtures: Any) -> None:
        asyncio.run(_with_client(portolan_server.url, scenario, fixtures))

    wanted = list(inspect.signature(scenario).parameters.values())[1:]
    server = inspect.Parameter("portolan_server", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    run.__signature__ = inspect.Signature([server, *wanted])  # type: ignore[attr-defined]
    return run


async def _with_client(url: str, scenario: Scenario, fixtures: dict[str, Any]) -> None:
    client = HarborAsyncClient(url=url + BASE, username=ADMIN[0], secret=ADMIN[1], retry=None, timeout=60.0)
    try:
        await scenario(client, **fixtures)
    finally:
        await client.client.aclose()


def number(location: str) -> int:
    """The id at the end of a Location."""
    return int(location.rpartition("/")[2])


async def until(condition: Callable[[], Awaitable[Any]], what: str) -> None:
    """Waits until a condition holds. Raises TimeoutError, saying what did not happen."""
    for _ in range(1200):
        if await condition():
            return
        await asyncio.sleep(0.05)
    raise TimeoutError(what)


# --- The system -----------------------------------------------------------------------------------------------------------
@driven
async def test_the_system(client: HarborAsyncClient):
    assert await client.ping() == "Pong"
    assert (await client.health_check()).status == "healthy"
    assert (await client.get_system_info()).harbor_version
    assert (await client.get_system_volume_info()).storage
    assert (await client.get_statistics()).total_project_count is not None
    assert (await client.get_permissions()).project
    certificate = await client.get_system_certificate()
    assert certificate.response.status_code == 404


@driven
async def test_settings(client: HarborAsyncClient):
    before = (await client.get_config()).token_expiration.value
    await client.update_config(models.Configurations(token_expiration=before + 1))
    assert (await client.get_config()).token_expiration.value == before + 1
    await client.update_config(models.Configurations(token_expiration=before))


@driven
async def test_the_allowlist(client: HarborAsyncClient):
    listed = models.CVEAllowlist(items=[models.CVEAllowlistItem(cve_id="CVE-2026-0001")], expires_at=None)
    await client.update_cve_allowlist(listed)
    assert [item.cve_id for item in (await client.get_cve_allowlist()).items] == ["CVE-2026-0001"]
    await client.update_cve_allowlist(models.CVEAllowlist(items=[]))


@driven
async def test_audit_logs(client: HarborAsyncClient, pushed: Pushed):
    found = await client.get_audit_logs(query=f"resource=~{pushed.project}", sort="-op_time", limit=20)
    assert "create" in {row.operation for row in found}
    assert await client.get_project_logs(pushed.project)


@driven
async def test_search_and_icons(client: HarborAsyncClient, pushed: Pushed):
    found = await client.search(pushed.project)
    assert [row.repository_name for row in found.repository] == [pushed.name]
    shown = await client.get_artifact(pushed.project, pushed.repository, pushed.tag)
    assert (await client.get_icon(shown.icon)).content


# --- People ---------------------------------------------------------------------------------------------------------------
@driven
async def test_users(client: HarborAsyncClient):
    name = unique("user")
    wish = models.UserCreationReq(username=name, email=f"{name}@example.org", realname="A", password=PASSWORD)
    made = number(await client.create_user(wish))
    assert (await client.get_user(made)).username == name
    assert [row.username for row in await client.get_users(query=f"username={name}")] == [name]
    assert [row.user_id for row in await client.search_users_by_username(name)] == [made]
    assert (await client.get_user_by_username(name)).user_id == made
    await client.update_user(made, models.UserProfile(email=f"{name}@example.net", realname="B", comment="c"))
    await client.set_user_admin(made, is_admin=True)
    await client.set_user_password(made, new_password="Another-Secret-1")
    changed = await client.get_user(made)
    assert (changed.realname, changed.sysadmin_flag) == ("B", True)
    with pytest.raises(PreconditionFailed):  # Only people who log in by OIDC have one.
        await client.set_user_cli_secret(made, "Another-Secret-1")
    await client.delete_user(made)
    with pytest.raises(NotFound):
        await client.get_user(made)


@driven
async def test_the_current_user(client: HarborAsyncClient, project_id: int):
    assert (await client.get_current_user()).username == ADMIN[0]
    assert await client.get_current_user_permissions(f"/project/{project_id}", relative=True)


@driven
async def test_groups(client: HarborAsyncClient):
    name = unique("group")
    made = number(await client.create_usergroup(models.UserGroup(group_name=name, group_type=3)))
    assert (await client.get_usergroup(made)).group_name == name
    assert name in [row.group_name for row in await client.get_usergroups(group_name=name)]
    assert [row.group_name for row in await client.search_usergroups(name)] == [name]
    await client.update_usergroup(made, models.UserGroup(group_name=f"{name}-2"))
    assert (await client.get_usergroup(made)).group_name == f"{name}-2"
    await client.delete_usergroup(made)


@driven
async def test_robots(client: HarborAsyncClient, project: str, project_id: int):
    access = [models.Access(resource="repository", action="pull")]
    permission = models.RobotPermission(kind="project", namespace=project, access=access)
    wish = models.RobotCreate(name=unique("robot"), level="project", duration=30, permissions=[permission])
    made = await client.create_robot(wish)
    found = await client.get_robot(made.id)
    assert (found.name, found.level) == (made.name, "project")
    listed = await client.get_robots(query=f"Level=project,ProjectID={project_id}")
    assert [row.id for row in listed] == [made.id]
    found.description = "changed"
    await client.update_robot(made.id, found)
    assert (await client.get_robot(made.id)).description == "changed"
    assert await client.refresh_robot_secret(made.id, "Chosen-Secret-1") is not None
    await client.delete_robot(made.id)


# --- Projects -------------------------------------------------------------------------------------------------------------
@driven
async def test_projects(client: HarborAsyncClient):
    name = unique("project")
    wish = models.ProjectReq(project_name=name, metadata=models.ProjectMetadata(public="true"), storage_limit=2**30)
    assert await client.create_project(wish) == f"{BASE}/projects/{name}"
    assert await client.project_exists(name)
    assert not await client.project_exists(unique("nothing"))
    found = await client.get_project(name)
    assert (await client.get_project(found.project_id)).name == name
    assert [row.name for row in await client.get_projects(query=f"name={name}")] == [name]
    await client.update_project(name, models.ProjectReq(metadata=models.ProjectMetadata(public="false")))
    assert (await client.get_project(name)).metadata.public == "false"
    assert (await client.get_project_summary(name)).quota.hard.root == {"storage": 2**30}
    assert (await client.get_project_deletable(name)).deletable
    await client.delete_project(name)


@driven
async def test_lists_are_followed_to_their_end(client: HarborAsyncClient):
    stem = unique("project")
    for count in range(5):
        await client.create_project(models.ProjectReq(project_name=f"{stem}-{count}"))
    found = await client.get_projects(query=f"name=~{stem}-", sort="name", page_size=2)
    assert [row.name for row in found] == [f"{stem}-{count}" for count in range(5)]
    assert len(await client.get_projects(query=f"name=~{stem}-", page_size=2, limit=3)) == 3


@driven
async def test_metadata(client: HarborAsyncClient, project: str):
    await client.set_project_metadata(project, models.ProjectMetadata(auto_scan="true"))
    assert (await client.get_project_metadata(project)).auto_scan == "true"
    await client.update_project_metadata_entry(project, "auto_scan", {"auto_scan": "false"})
    assert await client.get_project_metadata_entry(project, "auto_scan") == {"auto_scan": "false"}
    await client.delete_project_metadata_entry(project, "auto_scan")


@driven
async def test_members(client: HarborAsyncClient, project: str, someone: Person):
    member = models.ProjectMember(role_id=3, member_user=models.UserEntity(username=someone.name))
    made = number(await client.add_project_member(project, member))
    assert (await client.get_project_member(project, made)).entity_name == someone.name
    await client.update_project_member_role(project, made, 2)
    found = await client.get_project_members(project, entity_name=someone.name)
    assert [row.role_id for row in found] == [2]
    await client.remove_project_member(project, made)
    assert await client.add_project_member_user(project, someone.id, 3)
    group = number(await client.create_usergroup(models.UserGroup(group_name=unique("group"), group_type=3)))
    assert await client.add_project_member_group(project, group, 3)


@driven
async def test_labels(client: HarborAsyncClient, project_id: int):
    wish = models.Label(name=unique("label"), color="#112233", scope="p", project_id=project_id)
    made = number(await client.create_label(wish))
    assert (await client.get_label(made)).name == wish.name
    assert [row.id for row in await client.get_labels(scope="p", project_id=project_id)] == [made]
    wish.description = "changed"
    await client.update_label(made, wish)
    assert (await client.get_label(made)).description == "changed"
    await client.delete_label(made)


@driven
async def test_quotas(client: HarborAsyncClient, project_id: int):
    found = await client.get_quotas(reference="project", reference_id=str(project_id))
    assert len(found) == 1
    await client.update_quota(found[0].id, models.QuotaUpdateReq(hard=models.ResourceList({"storage": 2**20})))
    assert (await client.get_quota(found[0].id)).hard.root == {"storage": 2**20}


# --- Content --------------------------------------------------------------------------------------------------------------
@driven
async def test_repositories(client: HarborAsyncClient, pushed: Pushed):
    assert [row.name for row in await client.get_repositories(pushed.project)] == [pushed.name]
    assert pushed.name in [row.name for row in await client.get_repositories(query=f"name={pushed.name}")]
    await client.update_repository(pushed.project, pushed.repository, models.Repository(description="hello"))
    assert (await client.get_repository(pushed.project, pushed.repository)).description == "hello"
    await client.delete_repository(pushed.project, pushed.repository)
    with pytest.raises(NotFound):
        await client.get_repository(pushed.project, pushed.repository)


@driven
async def test_artifacts(client: HarborAsyncClient, pushed: Pushed, registry: Registry):
    registry.push(pushed.name, artifact("application/example", subject=pushed.manifest))
    place = (pushed.project, pushed.repository)
    here = (*place, pushed.manifest.digest)
    found = await client.get_artifact(*here, with_label=True, with_accessory=True, with_immutable_status=True)
    assert (found.digest, found.type) == (pushed.manifest.digest, "IMAGE")
    assert [row.digest for row in await client.get_artifacts(*place, with_label=True)] == [pushed.manifest.digest]
    assert len(await client.get_project_artifacts(pushed.project, with_tag=True)) == 1
    assert [row.subject_artifact_digest for row in await client.get_artifact_accessories(*here)] == [found.digest]
    assert isinstance(await client.get_artifact_build_history(*here), list)
    assert await client.copy_artifact(pushed.project, "copy", f"{pushed.name}@{pushed.manifest.digest}")
    await client.delete_artifact(*here)
    with pytest.raises(NotFound):
        await client.get_artifact(*here)


@driven
async def test_tags_and_labels_of_an_artifact(client: HarborAsyncClient, pushed: Pushed):
    here = (pushed.project, pushed.repository, pushed.manifest.digest)
    await client.create_artifact_tag(*here, models.Tag(name="v1"))
    assert {row.name for row in await client.get_artifact_tags(*here, with_immutable_status=True)} == {"latest", "v1"}
    await client.delete_artifact_tag(*here, "v1")
    label = number(await client.create_label(models.Label(name=unique("label"), scope="g", color="#112233")))
    await client.add_artifact_label(*here, models.Label(id=label))
    assert [row.id for row in (await client.get_artifact(*here, with_label=True)).labels] == [label]
    await client.delete_artifact_label(*here, label)


# --- Rules and maintenance ------------------------------------------------------------------------------------------------
_EVERYWHERE = {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]}
_VERSIONS = [{"kind": "doublestar", "decoration": "matches", "pattern": "v*"}]


@driven
async def test_immutable_rules(client: HarborAsyncClient, project: str):
    told = {"action": "immutable", "template": "immutable_template", "tag_selectors": _VERSIONS}
    rule = models.ImmutableRule.model_validate(told | {"scope_selectors": _EVERYWHERE})
    made = number(await client.create_project_immutable_tag_rule(project, rule))
    rule.id, rule.disabled = made, True
    await client.update_project_immutable_tag_rule(project, made, rule)
    found = await client.get_project_immutable_tag_rules(project)
    assert [(row.id, row.disabled) for row in found] == [(made, True)]
    with pytest.raises((BadRequest, UnprocessableEntity)):  # It sends the switch alone; we want the whole rule.
        await client.enable_project_immutable_tagrule(project, made)
    await client.delete_project_immutable_tag_rule(project, made)


@driven
async def test_retention(client: HarborAsyncClient, project_id: int, pushed: Pushed, registry: Registry):
    registry.push(pushed.name, image("newer"), "newer")
    told = {"action": "retain", "template": "latestPushedK", "params": {"latestPushedK": 1}, "tag_selectors": _VERSIONS}
    policy = models.RetentionPolicy(
        algorithm="or",
        rules=[models.RetentionRule.model_validate(told | {"scope_selectors": _EVERYWHERE})],
        trigger=models.RetentionRuleTrigger(kind="Schedule", settings={"cron": ""}, references={}),
        scope=models.RetentionPolicyScope(level="project", ref=project_id),
    )
    assert (await client.get_retention_metadata()).templates
    made = number(await client.create_retention_policy(policy))
    assert await client.get_project_retention_id(project_id) == made
    assert (await client.get_retention_policy(made)).rules[0].template == "latestPushedK"
    await client.update_retention_policy(made, policy)

    run = number(await client.start_retention_execution(made, dry_run=True))

    async def done() -> bool:
        return (await client.get_retention_executions(made))[0].status == "Success"

    await until(done, "the dry run succeeded")
    tasks = await client.get_retention_tasks(made, run)
    assert [row.total for row in tasks] == [2]
    assert await client.get_retention_execution_task_log(made, run, tasks[0].id)
    await client.stop_retention_execution(made, run)
    await client.delete_retention_policy(made)


@driven
async def test_garbage_collection(client: HarborAsyncClient):
    wish = models.Schedule(schedule=models.ScheduleObj(type="Manual"), parameters={"dry_run": True})
    made = number(await client.create_gc_schedule(wish))

    async def done() -> bool:
        return (await client.get_gc_job(made)).job_status == "Success"

    await until(done, "garbage was collected")
    assert made in [row.id for row in await client.get_gc_jobs(limit=50)]
    assert await client.get_gc_log(made)
    wish.schedule = models.ScheduleObj(type="Daily", cron="0 0 0 * * *")
    await client.update_gc_schedule(wish)
    assert await client.get_gc_schedule()
    await client.update_gc_schedule(models.Schedule(schedule=models.ScheduleObj(type="None")))


@driven
async def test_purging_the_journal(client: HarborAsyncClient):
    wanted = {"audit_retention_hour": 24 * 365, "include_event_types": "create_artifact", "dry_run": True}
    wish = models.Schedule(schedule=models.ScheduleObj(type="Manual"), parameters=wanted)
    made = number(await client.create_purge_job_schedule(wish))

    async def done() -> bool:
        return (await client.get_purge_job(made)).job_status == "Success"

    await until(done, "the journal was purged")
    assert made in [row.id for row in await client.get_purge_job_history(limit=50)]
    assert await client.get_purge_job_log(made)
    await client.stop_purge_job(made)
    wish.schedule = models.ScheduleObj(type="Daily", cron="0 0 0 * * *")
    await client.update_purge_job_schedule(wish)
    assert (await client.get_purge_job_schedule()).schedule.cron == "0 0 0 * * *"
    wish.schedule = models.ScheduleObj(type="None")
    await client.update_purge_job_schedule(wish)


@driven
async def test_webhooks(client: HarborAsyncClient, project: str):
    target = models.WebhookTargetObject(type="http", address="http://127.0.0.1:9/hook")
    policy = models.WebhookPolicy(name=unique("hook"), targets=[target], event_types=["PUSH_ARTIFACT"], enabled=True)
    assert "PUSH_ARTIFACT" in [event.root for event in (await client.get_webhook_supported_events(project)).event_type]
    made = number(await client.create_webhook_policy(project, policy))
    assert (await client.get_webhook_policy(project, made)).name == policy.name
    policy.enabled = False
    await client.update_webhook_policy(project, made, policy)
    assert [row.enabled for row in await client.get_webhook_policies(project)] == [False]
    assert await client.get_webhook_jobs(project, made) == []
    assert isinstance(await client.get_webhook_policy_last_trigger(project), list)
    await client.delete_webhook_policy(project, made)


# --- What does not stand yet ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("method", sorted(LATER))
@driven
async def test_a_method_of_a_later_version_says_so(client: HarborAsyncClient, method: str):
    with pytest.raises(StatusError) as refusal:
        await getattr(client, method)(*LATER[method])
    assert refusal.value.status_code == 501
    assert refusal.value.errors[0].code == "NOT_IMPLEMENTED"


@driven
async def test_a_file_of_a_later_version_is_an_error(client: HarborAsyncClient):
    assert (await client.download_scan_export(1)).response.status_code == 501


@driven
async def test_a_project_has_no_scanner(client: HarborAsyncClient, project: str):
    with pytest.raises(NotFound):
        await client.get_project_scanner(project)
    with pytest.raises(NotFound):
        await client.set_project_scanner(project, "1")
    assert await client.get_project_scanner_candidates(project) == []


# --- Nothing is left out --------------------------------------------------------------------------------------------------
def test_every_public_method_is_driven_or_excused():
    public = {name for name, _ in inspect.getmembers(HarborAsyncClient, inspect.isfunction) if name[0] != "_"}
    nodes = ast.walk(ast.parse(Path(__file__).read_text()))
    called = {node.func.attr for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)}
    assert public - called == PLUMBING | FORMER | set(LATER)
