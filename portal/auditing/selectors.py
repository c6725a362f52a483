"""Who may read which entries of the journal."""

from django.db.models import Exists, OuterRef, QuerySet

from audit.models import Entry, EntryQuerySet
from portal.access.identity import Identity
from portal.access.policy import can
from portal.access.visibility import projects_with
from portal.projects.models import Project
from registry.models import Namespace

_MANY_PROJECTS = 1000


def entries_visible_to(identity: Identity) -> EntryQuerySet:
    """The entries that the caller may read: all, or those of the projects whose log they may list."""
    if can(identity, "audit-log", "list"):
        return Entry.objects.all()
    return entries_of(projects_with(identity, "log", "list"))


def entries_of(projects: QuerySet[Project], entries: EntryQuerySet | None = None) -> EntryQuerySet:
    """The entries about the projects, or those of `entries`, since each was created: another may have had its name."""
    created = dict(projects.values_list("namespace__name", "namespace__created_at")[:_MANY_PROJECTS])
    rows = Entry.objects.all() if entries is None else entries
    if len(created) == 1:  # Then an index has them in their order, however many they are.
        [(name, since)] = created.items()
        return rows.filter(project=name, at__gte=since)
    living = Namespace.objects.filter(name=OuterRef("project"), created_at__lte=OuterRef("at"))
    return rows.filter(Exists(living), project__in=list(created))
