"""Tells the registry which tags must stay as they are (`registry.ports.TagGate`)."""

from collections.abc import Collection

from portal.immutability.selectors import protected_tags


class PortalTagGate:
    """The immutable rules of projects."""

    def protected(self, namespace_id: int, repository: str, tags: Collection[str]) -> set[str]:
        """Those of the existing tags that may be neither moved nor deleted."""
        return protected_tags(namespace_id, repository, tags)
