"""Tells the registry which tags must stay as they are (`registry.ports.TagGate`)."""

from collections.abc import Collection

from django.db import connection

from portal.immutability.selectors import protected_tags

# Asked while a push holds its locks: composing this by the ORM would take longer than running it. Few projects have rules.
_HAS_RULES = "SELECT 1 FROM immutability_immutablerule WHERE project_id = %s AND NOT disabled LIMIT 1"


class PortalTagGate:
    """The immutable rules of projects."""

    def protected(self, namespace_id: int, repository: str, tags: Collection[str]) -> set[str]:
        """Those of the existing tags that may be neither moved nor deleted."""
        with connection.cursor() as cursor:
            cursor.execute(_HAS_RULES, [namespace_id])
            has_rules = cursor.fetchone() is not None
        return protected_tags(namespace_id, repository, tags) if has_rules else set()
