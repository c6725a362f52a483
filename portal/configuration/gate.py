"""Tells the registry whether it is read-only (`registry.ports.WriteGate`)."""

from portal.configuration.services import value


class ReadOnlyGate:
    """Reads the configuration as the REST API does."""

    def read_only(self) -> bool:
        """Whether clients may change nothing at the moment."""
        return bool(value("read_only"))
