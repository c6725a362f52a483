"""The control plane: the site, its settings and its wiring."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """Registers the operator's commands and, once every app is loaded, binds the ports."""

    name = "portal"

    def ready(self) -> None:
        """Wires the planes together; this app stands last in INSTALLED_APPS."""
        from portal import checks  # noqa: F401 - importing registers them.
        from portal.wiring import wire

        wire()
