"""What the API takes and tells of projects: shared by the projects themselves and the search."""

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from portal.access.identity import Identity
from portal.access.policy import roles
from portal.allowlists.models import CVEAllowlist
from portal.allowlists.selectors import allowlist_for
from portal.api.wire.serializers import Flag, Moment, Text, Whole, Wire
from portal.errors import Invalid
from portal.projects.models import Project, Role
from portal.projects.rules import SETTINGS
from portal.projects.selectors import repository_counts, settings_of
from portal.retention.selectors import policy_ids

DERIVED = "retention_id"
"""A setting that follows from the project's retention policy: it is told, and clients may send back what they were told."""

# From the highest to the lowest.
RANKS = (Role.PROJECT_ADMIN, Role.MAINTAINER, Role.DEVELOPER, Role.GUEST, Role.LIMITED_GUEST)

IS_NAME = OpenApiParameter(
    "X-Is-Resource-Name",
    bool,
    OpenApiParameter.HEADER,
    description="The path has the project's name, even if a number.",
)
NAME_IN_LOCATION = OpenApiParameter(
    "X-Resource-Name-In-Location", bool, OpenApiParameter.HEADER, description="Location has the name, not the id."
)

ProjectMetadataSerializer: type[Wire] = type(
    "ProjectMetadataSerializer",
    (Wire,),
    {
        "__doc__": "A project's settings, all of them texts; those left out stay as they are.",
        **{key: Text(required=False) for key in (*SETTINGS, DERIVED)},
    },
)


class CVEAllowlistItemSerializer(Wire):
    """A vulnerability that is accepted."""

    cve_id = Text()


class CVEAllowlistSerializer(Wire):
    """Vulnerabilities that are accepted, until `expires_at` (seconds since 1970) where it is given."""

    id = Whole(read_only=True)
    project_id = Whole(required=False)
    expires_at = Whole(required=False)
    items = CVEAllowlistItemSerializer(many=True, required=False)
    creation_time = Moment(read_only=True)
    update_time = Moment(read_only=True)


class ProjectReqSerializer(Wire):
    """What a project is to be."""

    project_name = Text(max_length=255, default="")
    public = Flag(required=False)
    metadata = ProjectMetadataSerializer(required=False)
    cve_allowlist = CVEAllowlistSerializer(required=False)
    storage_limit = Whole(required=False)
    registry_id = Whole(required=False)


class ProjectSerializer(Wire):
    """A project. `current_user_role_id` is the highest of the caller's roles in it."""

    project_id = Whole()
    owner_id = Whole()
    name = Text()
    creation_time = Moment()
    update_time = Moment()
    owner_name = Text(required=False)  # With details only.
    togglable = Flag()
    current_user_role_id = Whole()
    current_user_role_ids = serializers.ListField(child=Whole())
    repo_count = Whole()
    metadata = ProjectMetadataSerializer()
    cve_allowlist = CVEAllowlistSerializer(required=False)  # Not in lists: it may have ten thousand items.


def wanted_settings(body: dict[str, Any], project: Project | None = None) -> dict[str, str]:
    """The settings in a body for the project, or a new one, where an empty text says nothing.

    Its own `public` counts if the metadata do not have one. Raises Invalid for the number of a retention policy that is not
    the project's.
    """
    given = {key: text for key, text in (body.get("metadata") or {}).items() if text}
    policy = given.pop(DERIVED, None)
    if policy is not None and (project is None or policy != shown_settings([project])[project.pk].get(DERIVED)):
        raise Invalid(f"{DERIVED} cannot be set: leave it out.")
    if body.get("public") is not None:
        given.setdefault("public", "true" if body["public"] else "false")
    return given


def wanted_allowlist(body: dict[str, Any], project: Project | None = None) -> dict[str, Any]:
    """The content of an allowlist in a body. Raises Invalid where it says that it is not the project's but another's."""
    if project is not None and body.get("project_id") not in {None, 0, project.pk}:
        raise Invalid(f"project_id in cve_allowlist is {project.pk}, or left out.")
    items = [item["cve_id"] for item in body.get("items") or []]
    return {"cves": items, "expires_at": body.get("expires_at") or None}


def shown_allowlist(row: CVEAllowlist, project_id: int) -> dict[str, Any]:
    """An allowlist as it is told; that of the system belongs to project 0."""
    return _present(
        id=row.pk,
        project_id=project_id,
        expires_at=row.expires_at,
        items=[{"cve_id": cve} for cve in row.cves],
        creation_time=row.created_at,
        update_time=row.updated_at,
    )


def shown_settings(projects: Sequence[Project]) -> dict[int, dict[str, str]]:
    """The settings of each project, by its id, with the number of its retention policy if it has one."""
    policies = policy_ids([project.pk for project in projects])
    derived = {pk: {DERIVED: str(policy)} for pk, policy in policies.items()}
    return {project.pk: settings_of(project) | derived.get(project.pk, {}) for project in projects}


def shown_project(project: Project, identity: Identity) -> dict[str, Any]:
    """One project with all that the caller may know of it."""
    allowlist = allowlist_for(project)
    return shown_projects([project], identity)[0] | {"cve_allowlist": shown_allowlist(allowlist, project.pk)}


def shown_projects(projects: Sequence[Project], identity: Identity, *, detail: bool = True) -> list[dict[str, Any]]:
    """The projects as the caller is told of them in lists, with a fixed number of queries."""
    ids = [project.pk for project in projects]
    held = roles(identity.user, ids) if identity.user else {}
    counts = repository_counts(ids)
    settings = shown_settings(projects)
    shown = []
    for project in projects:
        mine = [role for role in RANKS if role in held.get(project.pk, ())]
        shown.append(
            _present(
                project_id=project.pk,
                owner_id=project.owner_id,
                name=project.name,
                creation_time=project.created_at,
                update_time=project.updated_at,
                owner_name=project.owner.username if detail and project.owner else None,
                togglable=Role.PROJECT_ADMIN in mine or None,
                current_user_role_id=mine[0] if mine else None,
                current_user_role_ids=mine or None,
                repo_count=counts.get(project.pk, 0),
                metadata=settings[project.pk],
            )
        )
    return shown


def _present(**members: Any) -> dict[str, Any]:
    """What an answer says: the members that have a value. A serializer takes far longer for a long list."""
    return {name: value for name, value in members.items() if value is not None}
