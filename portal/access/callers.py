"""The callers the registry meets: one behind a token, one behind a name and password."""

import time
from datetime import datetime

from portal.access.identity import Identity
from portal.access.policy import can
from portal.access.tokens import Claims
from portal.projects.selectors import projects_of

NO_ACTIONS: frozenset[str] = frozenset()


class TokenCaller:
    """A caller with a verified token: the token says everything, so that asking costs no I/O."""

    __slots__ = ("_access", "_expires_at", "_projects", "credential", "kind", "name")

    def __init__(self, claims: Claims) -> None:
        self.name = claims.subject or "anonymous"
        self.kind = claims.kind
        self.credential = claims.jti
        self._access = claims.access
        self._projects = claims.projects
        self._expires_at = claims.expires_at

    @property
    def expired(self) -> bool:
        """Whether the token's time is over."""
        return time.time() >= self._expires_at

    def may(self, action: str, repository: str, created_at: datetime | None) -> bool:
        """Whether the token lists the action, and speaks of the project that bears the name today."""
        if action not in self._access.get(("repository", repository), NO_ACTIONS) or created_at is None:
            return False
        return self._projects.get(repository.partition("/")[0]) == created_at

    def covers(self, repository: str) -> bool:
        """Whether the token was asked for the repository. An anonymous caller can always do better: by logging in."""
        return self.kind != "anonymous" and ("repository", repository) in self._access

    def may_list_catalog(self) -> bool:
        """Whether the token lists the catalog."""
        return "*" in self._access.get(("registry", "catalog"), NO_ACTIONS)


class IdentityCaller:
    """A caller with Basic credentials: each question reads the database, so that a changed role counts at once."""

    __slots__ = ("_identity", "credential", "kind", "name")

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self.name = identity.name
        self.kind = identity.kind
        self.credential = identity.credential

    def may(self, action: str, repository: str, created_at: datetime | None) -> bool:
        """Whether the caller has the action in the repository's project. Blocks."""
        if created_at is None:
            return False
        project = projects_of([repository]).get(repository.partition("/")[0])
        return project is not None and can(self._identity, "repository", action, project)

    def covers(self, repository: str) -> bool:  # noqa: ARG002 - a password speaks for every repository.
        """Always true: there are no better credentials to ask for."""
        return True

    def may_list_catalog(self) -> bool:
        """Whether the caller may read the catalog. Blocks."""
        return can(self._identity, "catalog", "read")
