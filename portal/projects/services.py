"""What can be done to projects and their members. Each verb validates, changes and journals in one transaction.

Whether `origin` may do so is asked of `portal.access` before.
"""

from django.db import IntegrityError, transaction

from audit.journal import record
from audit.origin import Origin
from portal.accounts.models import User
from portal.errors import Conflict, Invalid, Missing, Refused
from portal.projects.models import LONGEST_NAME, NAME, Member, Project, Role
from registry.models import Namespace


@transaction.atomic
def project_create(*, name: str, public: bool = False, owner: User | None, origin: Origin) -> Project:
    """A new project with its namespace; the owner becomes its first projectAdmin.

    `owner` is None when nobody in particular creates it. Raises Invalid, or Conflict when the name is taken.
    """
    if len(name) > LONGEST_NAME or not NAME.fullmatch(name):
        raise Invalid(
            "A project name has 1 to 255 characters: lower-case letters and digits, with single . _ or - between them."
        )
    try:
        with transaction.atomic():
            namespace = Namespace.objects.create(name=name)
    except IntegrityError as error:
        raise Conflict(f"The project {name} exists already.") from error
    project = Project.objects.create(namespace=namespace, public=public, owner=owner)
    if owner is not None:
        Member.objects.create(project=project, user=owner, role=Role.PROJECT_ADMIN)
    after = {"public": public, "owner": owner.username if owner else ""}
    record(origin, "project.create", project=name, target=name, after=after)
    return project


@transaction.atomic
def project_update(*, project: Project, public: bool, origin: Origin) -> Project:
    """Makes the project public or private."""
    project = _locked(project)
    before, project.public = project.public, public
    project.save(update_fields=["public", "updated_at"])
    record(
        origin,
        "project.update",
        project=project.name,
        target=project.name,
        before={"public": before},
        after={"public": public},
    )
    return project


@transaction.atomic
def project_delete(*, project: Project, origin: Origin) -> None:
    """Removes an empty project with its members and its namespace. Raises Refused while it has repositories."""
    project = _locked(project)
    # The namespace's lock makes a push that is creating a repository wait, and then find no namespace.
    namespace = Namespace.objects.select_for_update().get(pk=project.pk)
    if namespace.repositories.exists():
        raise Refused(f"The project {project.name} has repositories: delete them first.")
    record(origin, "project.delete", project=project.name, target=project.name, before={"public": project.public})
    project.delete()
    namespace.delete()


@transaction.atomic
def member_add(*, project: Project, user: User, role: Role, origin: Origin) -> Member:
    """Gives a user a role in the project. Raises Conflict when they have one."""
    try:
        with transaction.atomic():
            member = Member.objects.create(project=project, user=user, role=role)
    except IntegrityError as error:
        raise Conflict(f"{user.username} is already a member of {project.name}.") from error
    record(origin, "member.add", project=project.name, target=user.username, after={"role": role.label})
    return member


@transaction.atomic
def member_update(*, project: Project, user: User, role: Role, origin: Origin) -> Member:
    """Changes a member's role. Raises Missing."""
    member = _member(project, user)
    before, member.role = Role(member.role), role
    member.save(update_fields=["role", "updated_at"])
    record(
        origin,
        "member.update",
        project=project.name,
        target=user.username,
        before={"role": before.label},
        after={"role": role.label},
    )
    return member


@transaction.atomic
def member_remove(*, project: Project, user: User, origin: Origin) -> None:
    """Takes a user's role in the project away. Raises Missing."""
    member = _member(project, user)
    member.delete()
    before = {"role": Role(member.role).label}
    record(origin, "member.remove", project=project.name, target=user.username, before=before)


def _locked(project: Project) -> Project:
    found = Project.objects.select_for_update(of=("self",)).filter(pk=project.pk).first()
    if found is None:
        raise Missing("The project no longer exists.")
    return found


def _member(project: Project, user: User) -> Member:
    member = Member.objects.select_for_update().filter(project=project, user=user).first()
    if member is None:
        raise Missing(f"{user.username} is not a member of {project.name}.")
    return member
