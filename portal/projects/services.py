"""What can be done to projects and their members. Each verb validates, changes and journals in one transaction.

Whether `origin` may do so is asked of `portal.access` before. A project's row is locked by whoever changes the project
or what belongs to it; its namespace's row, which comes first, by whoever deletes it.
"""

from collections.abc import Mapping
from typing import TypeVar

from django.db import IntegrityError, models, transaction

from audit.journal import record
from audit.origin import Origin
from portal.accounts.models import User, UserGroup
from portal.configuration.services import value
from portal.errors import Conflict, Invalid, Missing, Refused
from portal.projects.models import Member, Project, Role
from portal.projects.rules import SETTINGS, check_name, check_settings, check_storage_limit
from portal.projects.selectors import obstacle_to_deletion, settings_of
from registry.models import Namespace
from registry.services.namespaces import delete_namespace

Row = TypeVar("Row", bound=models.Model)


@transaction.atomic
def project_create(
    *,
    name: str,
    public: bool = False,
    owner: User | None,
    settings: Mapping[str, str] | None = None,
    storage_limit: int | None = None,
    origin: Origin,
) -> Project:
    """A new project with its namespace; the owner becomes its first projectAdmin.

    `owner` is None when nobody in particular creates it. `settings` are texts by key, and may say `public` as well. Without
    a `storage_limit` (in bytes, -1 for none) it has the configured one. Raises Invalid, or Conflict when the name is taken.
    """
    limit = value("storage_per_project") if storage_limit is None else check_storage_limit(storage_limit)
    project = Project(public=public, owner=owner and _locked(owner), storage_limit=limit)
    _set(project, check_settings(settings or {}))
    try:
        with transaction.atomic():
            project.namespace = Namespace.objects.create(name=check_name(name))
    except IntegrityError as error:
        raise Conflict(f"The project {name} exists already.") from error
    project.save(force_insert=True)
    if owner is not None:
        Member.objects.create(project=project, user=owner, role=Role.PROJECT_ADMIN)
    after = {
        "public": project.public,
        "owner": owner.username if owner else "",
        "settings": project.metadata,
        "storage_limit": limit,
    }
    record(origin, "project.create", project=name, target=name, after=after)
    return project


@transaction.atomic
def project_update(*, project: Project, settings: Mapping[str, str], origin: Origin) -> Project:
    """Sets what `settings` names, such as `public`, and leaves the rest. Raises Invalid or Missing."""
    project = _locked(project)
    wanted = check_settings(settings)
    before = {key: text for key, text in settings_of(project).items() if key in wanted}
    _set(project, wanted)
    project.save(update_fields=["public", "metadata", "updated_at"])
    record(origin, "project.update", project=project.name, target=project.name, before=before, after=wanted)
    return project


@transaction.atomic
def project_setting_add(*, project: Project, settings: Mapping[str, str], origin: Origin) -> None:
    """Sets what was not set so far. Raises Invalid, Missing, or Conflict when one of them is."""
    wanted = check_settings(settings)
    project = _locked(project)
    for key in wanted.keys() & settings_of(project).keys():
        raise Conflict(f"The project {project.name} has a {key} already: update it instead.")
    project_update(project=project, settings=wanted, origin=origin)


@transaction.atomic
def project_setting_remove(*, project: Project, key: str, origin: Origin) -> None:
    """Sets a setting back to what it is where nobody set it, if somebody has. Raises Missing for an unknown one."""
    if key not in SETTINGS:
        raise Missing(f"A project has no setting {key[:64]!r}.")
    project = _locked(project)
    before = settings_of(project).get(key)
    if before is None:
        return
    if key == "public":
        project.public = False
    else:
        del project.metadata[key]
    project.save(update_fields=["public", "metadata", "updated_at"])
    record(origin, "project.update", project=project.name, target=project.name, before={key: before}, after={})


@transaction.atomic
def project_delete(*, project: Project, origin: Origin) -> None:
    """Removes an empty project with all that belongs to it. Raises Missing, or Refused while it has repositories."""
    # A push that is creating a repository waits for the namespace's lock, and then finds no namespace of the name.
    namespace = _locked(project.namespace, while_others_refer=False)
    # Only now the project: a push to a repository that is there holds its row and then asks for the namespace's.
    if obstacle := obstacle_to_deletion(project):
        raise Refused(obstacle)
    project = _locked(project)
    before = {"public": project.public, "settings": project.metadata, "storage_limit": project.storage_limit}
    record(origin, "project.delete", project=project.name, target=project.name, before=before)
    project.delete()
    delete_namespace(namespace)


def project_held(project: Project) -> Project:
    """The project as it is now, which nobody deletes before the transaction ends. Raises Missing.

    Whatever is created in a project begins with this: the foreign key alone would fail at the commit.
    """
    return _locked(project)


@transaction.atomic
def member_add(
    *, project: Project, user: User | None = None, group: UserGroup | None = None, role: int, origin: Origin
) -> Member:
    """Gives a user, or everybody in a group, a role in the project. Raises Conflict when they have one, or Missing."""
    # Who deletes a user locks them first as well, and then the projects they own.
    member = Member(user=user and _locked(user), group=group and _locked(group), role=_role(role))
    member.project = _locked(project)
    try:
        with transaction.atomic():
            member.save()
    except IntegrityError as error:
        raise Conflict(f"{member.holder} is already a member of {project.name}.") from error
    _record_member(origin, "member.add", member, after=Role(member.role))
    return member


@transaction.atomic
def member_update(*, member: Member, role: int, origin: Origin) -> Member:
    """Changes a member's role. Raises Invalid or Missing."""
    member = _locked(member)
    before, member.role = Role(member.role), _role(role)
    member.save(update_fields=["role", "updated_at"])
    _record_member(origin, "member.update", member, before=before, after=Role(member.role))
    return member


@transaction.atomic
def member_remove(*, member: Member, origin: Origin) -> None:
    """Takes a member's role in the project away. Raises Missing."""
    member = _locked(member)
    _record_member(origin, "member.remove", member, before=Role(member.role))
    member.delete()


def _set(project: Project, settings: Mapping[str, str]) -> None:
    """Puts checked settings into the project, `public` into its column."""
    if "public" in settings:
        project.public = settings["public"] == "true"
    project.metadata = {**project.metadata, **{key: text for key, text in settings.items() if key != "public"}}


def _role(role: int) -> Role:
    if role not in Role.values:
        raise Invalid(f"role_id is one of {', '.join(f'{each.value} ({each.label})' for each in Role)}.")
    return Role(role)


def _record_member(
    origin: Origin, action: str, member: Member, *, before: Role | None = None, after: Role | None = None
) -> None:
    kind = {"holder": "group"} if member.group else {}  # A user and a group may share a name.
    told = [{"role": role.label, **kind} if role else None for role in (before, after)]
    record(origin, action, project=member.project.name, target=str(member.holder), before=told[0], after=told[1])


def _locked(row: Row, *, while_others_refer: bool = True) -> Row:
    """The row as it is now, locked; new rows may refer to it meanwhile unless it is about to go. Raises Missing."""
    rows = type(row)._default_manager.select_for_update(of=("self",), no_key=while_others_refer)  # noqa: SLF001
    found = rows.filter(pk=row.pk).first()
    if found is None:
        raise Missing(f"{row} does not exist any more.")
    return found
