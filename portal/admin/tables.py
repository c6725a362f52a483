"""Which models the admin site shows, and which of their columns: a table for each."""

from dataclasses import dataclass
from typing import Any

from django.contrib.admin import ModelAdmin
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from audit.models import Consumer, Entry, Seal, SpoolSegment
from jobs.models import Job, Pause, Schedule, WorkerPool
from portal.access.models import Robot, RobotPermission, SigningKey
from portal.accounts.models import LoginRecord, User, UserGroup
from portal.admin.site import Site
from portal.allowlists.models import CVEAllowlist
from portal.api.wire.pages import total
from portal.configuration.models import Setting
from portal.immutability.models import ImmutableRule
from portal.labels.models import ArtifactLabel, Label
from portal.projects.models import Member, Project
from portal.retention.models import RetentionExecution, RetentionPolicy, RetentionTask
from portal.webhooks.models import Delivery, WebhookPolicy
from registry.models import Blob, BlobLink, Manifest, Namespace, Repository, Tag, Upload


class EstimatingPaginator(Paginator):  # type: ignore[type-arg] # It takes none when it runs.
    """Counts as the REST API does: what is large is estimated."""

    @cached_property
    def count(self) -> int:
        """The number of rows, or about that."""
        assert isinstance(self.object_list, QuerySet)
        return total(self.object_list)


class ReadOnly(ModelAdmin):  # type: ignore[type-arg] # Likewise.
    """Shows rows and changes none. A list has the one order that an index has, so that its pages come at once."""

    hidden: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    actions = None
    list_per_page = 50
    ordering = ("-pk",)
    paginator = EstimatingPaginator
    show_full_result_count = False
    sortable_by = ()

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - inlines pass one
        """Nobody."""
        return False

    has_change_permission = has_delete_permission = has_add_permission

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Django's rule, but what is hidden cannot be guessed by filters in the address either."""
        return lookup.partition("__")[0] not in self.hidden and super().lookup_allowed(lookup, value, request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The rows with what they refer to, less what is not shown of them."""
        return super().get_queryset(request).select_related(*self.related).defer(*self.hidden)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:  # noqa: ARG002 - Django's signature
        """Every column but the hidden ones."""
        fields = self.model._meta.concrete_fields  # noqa: SLF001
        return [field.name for field in fields if field.name not in self.hidden]

    get_readonly_fields = get_fields


@dataclass(frozen=True, slots=True)
class Table:
    """One model's page: the columns of its list, what can be searched for, and what nobody may see.

    A search looks for a beginning or the whole of a value, which indexes find; filters have a few fixed values.
    """

    columns: tuple[str, ...]
    search: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    order: str = "-pk"


TABLES: dict[type[Model], Table] = {
    User: Table(
        ("username", "email", "realname", "is_admin", "is_active", "created_at"),
        search=("username_key__startswith", "email__iexact"),
        filters=("is_admin", "is_active"),
        hidden=("password",),
    ),
    UserGroup: Table(("name", "type", "ldap_dn"), search=("name__startswith",), filters=("type",)),
    LoginRecord: Table(("key", "failures", "blocked_until", "trusted_until"), order="-expires_at"),
    Project: Table(
        ("name", "public", "owner", "storage_limit", "updated_at"),
        search=("namespace__name__startswith",),
        filters=("public",),
        related=("namespace", "owner"),
    ),
    Member: Table(
        ("project", "user", "group", "role"),
        search=("project__namespace__name__exact", "user__username__exact"),
        filters=("role",),
        related=("project__namespace", "user", "group"),
    ),
    Robot: Table(
        ("full_name", "project", "disabled", "expires_at", "last_used_at"),
        search=("login__startswith",),
        filters=("disabled",),
        hidden=("secret", "old_secret"),
        related=("project__namespace",),
    ),
    RobotPermission: Table(
        ("robot", "kind", "project", "resource", "action", "effect"),
        search=("robot__login__exact",),
        filters=("kind", "effect"),
        related=("robot", "project__namespace"),
    ),
    SigningKey: Table(("kid", "algorithm", "created_at", "retires_at"), hidden=("private_key",), order="-created_at"),
    Setting: Table(("key", "updated_at"), search=("key__startswith",), hidden=("value",), order="key"),
    Label: Table(("name", "project", "color"), search=("name__startswith",), related=("project__namespace",)),
    ArtifactLabel: Table(
        ("label", "manifest", "created_at"), search=("label__name__exact",), related=("label", "manifest")
    ),
    CVEAllowlist: Table(("project", "expires_at", "updated_at"), related=("project__namespace",)),
    ImmutableRule: Table(("project", "disabled"), filters=("disabled",), related=("project__namespace",)),
    RetentionPolicy: Table(("project", "cron", "updated_at"), related=("project__namespace",)),
    RetentionExecution: Table(("policy", "job", "dry_run", "created_at"), related=("policy", "job")),
    RetentionTask: Table(
        ("execution", "repository", "state", "total", "retained", "deleted"), filters=("state",), related=("execution",)
    ),
    WebhookPolicy: Table(
        ("name", "project", "enabled", "creator"),
        search=("name__startswith",),
        filters=("enabled",),
        hidden=("targets",),
        related=("project__namespace",),
    ),
    Delivery: Table(
        ("policy", "event_type", "notify_type", "job", "created_at"),
        search=("event_type__exact",),
        hidden=("payload",),
        related=("policy", "job"),
    ),
    Namespace: Table(("name", "created_at"), search=("name__startswith",)),
    Repository: Table(
        ("name", "created_at", "updated_at", "pull_count", "deleted_at"),
        search=("name__startswith",),
        related=("namespace",),
    ),
    Manifest: Table(
        ("digest", "repository", "kind", "media_type", "total_size", "pushed_at", "pulled_at"),
        search=("digest__exact",),
        hidden=("payload",),
        related=("repository",),
    ),
    Tag: Table(
        ("name", "repository", "manifest", "updated_at"),
        search=("repository__name__exact",),
        related=("repository", "manifest"),
    ),
    Blob: Table(("digest", "size", "created_at", "deleting"), search=("digest__exact",)),
    BlobLink: Table(
        ("blob", "repository", "created_at", "condemned_at"),
        search=("blob__digest__exact",),
        related=("blob", "repository"),
    ),
    Upload: Table(
        ("id", "repository", "offset", "started_by", "started_at", "updated_at"),
        search=("repository__name__exact",),
        hidden=("digest_state", "writer_state"),
        related=("repository",),
        order="-updated_at",
    ),
    Job: Table(
        ("number", "kind", "status", "trigger", "attempts", "created_at", "started_at", "finished_at"),
        search=("kind__exact",),
        filters=("state",),
    ),
    Pause: Table(("kind", "since"), order="kind"),
    WorkerPool: Table(("id", "host", "pid", "concurrency", "start_at", "heartbeat_at"), order="id"),
    Schedule: Table(("name", "kind", "cron", "every", "enabled", "next_run_at"), filters=("enabled",), order="name"),
    Entry: Table(
        ("at", "actor", "action", "project", "target", "result", "address", "count"),
        search=("actor__exact", "action__exact", "project__exact"),
    ),
    Seal: Table(("number", "made_at", "count", "digest"), hidden=("outline",)),
    Consumer: Table(("name", "txid", "last_id", "moved_at"), order="name"),
    SpoolSegment: Table(("name", "offset", "skipped", "updated_at"), order="-updated_at"),
}

site = Site()
for model, table in TABLES.items():
    site.register(
        model,
        ReadOnly,
        list_display=table.columns,
        search_fields=table.search,
        list_filter=table.filters,
        hidden=table.hidden,
        related=table.related,
        ordering=(table.order,),
    )
