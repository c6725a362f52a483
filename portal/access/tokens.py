"""Registry tokens: what they say, signing them, verifying them.

The claims are those docker clients and Harbor know. One claim is ours: `portolan` holds the kind of caller and, for each
project the token gives rights in, the instant it was created. A project that was deleted and made anew under the same
name has another instant, so the old token is worthless there, whatever the clocks of several instances say.
"""

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import jwt

from portal.access.identity import Identity
from portal.access.keys import LEEWAY, ring
from portal.access.policy import granted
from portal.access.scopes import Scope
from portal.configuration.services import value
from portal.projects.selectors import projects_of
from registry.ports import Unauthenticated

ISSUER = "harbor-token-issuer"
AUDIENCE = "harbor-registry"
ACTIONS = ("pull", "push", "delete", "scanner-pull")
REQUIRED = ["iss", "aud", "exp", "nbf", "iat", "jti", "access", "portolan"]


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says."""

    subject: str  # empty for an anonymous caller
    kind: str
    jti: str
    expires_at: float  # seconds since the epoch, leeway included
    access: dict[tuple[str, str], frozenset[str]]  # (type, name) -> actions
    projects: dict[str, datetime]  # name -> when the project was created


@dataclass(frozen=True, slots=True)
class Issued:
    """A signed token."""

    token: str
    issued_at: datetime
    expires_in: int  # seconds


def issue(identity: Identity, scopes: Sequence[Scope]) -> Issued:
    """A token with every right the identity has in the scopes."""
    now = int(time.time())
    lifetime = value("token_expiration") * 60
    access, projects = _access(identity, scopes)
    claims = {
        "iss": ISSUER,
        "sub": "" if identity.kind == "anonymous" else identity.name,
        "aud": AUDIENCE,
        "exp": now + lifetime,
        "nbf": now,
        "iat": now,
        "jti": secrets.token_hex(8),
        "access": access,
        "portolan": {"kind": identity.kind, "projects": projects},
    }
    key = ring.signing()
    token = jwt.encode(claims, key.private, key.algorithm, headers={"kid": key.kid})
    return Issued(token, datetime.fromtimestamp(now, UTC), lifetime)


def verify(token: str) -> Claims:
    """What the token says. Raises Unauthenticated when it is malformed, foreign or expired."""
    try:
        key = ring.verifying(str(jwt.get_unverified_header(token).get("kid", "")))
        if key is None:
            raise Unauthenticated("the token was signed by an unknown key")
        claims = jwt.decode(
            token,
            key.public,
            algorithms=[key.algorithm],
            issuer=ISSUER,
            audience=AUDIENCE,
            leeway=LEEWAY,
            options={"require": REQUIRED, "strict_aud": True},
        )
        return _claims(claims)
    except jwt.ExpiredSignatureError as error:
        raise Unauthenticated("the token has expired") from error
    except (jwt.InvalidTokenError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise Unauthenticated("the token is not valid") from error


def _claims(claims: dict[str, Any]) -> Claims:
    ours = claims["portolan"]
    return Claims(
        subject=claims["sub"],
        kind=ours["kind"],
        jti=claims["jti"],
        expires_at=claims["exp"] + LEEWAY.total_seconds(),
        access={(entry["type"], entry["name"]): frozenset(entry["actions"]) for entry in claims["access"]},
        projects={name: datetime.fromisoformat(at) for name, at in ours["projects"].items()},
    )


def _access(identity: Identity, scopes: Sequence[Scope]) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The `access` claim, and the creation instants of the projects it speaks of."""
    projects = projects_of(scope.name for scope in scopes if scope.type == "repository")
    rights = {name: granted(identity, "repository", ACTIONS, project) for name, project in projects.items()}
    entries = [{"type": s.type, "name": s.name, "actions": _actions(identity, s, rights)} for s in scopes]
    return entries, {name: project.created_at.isoformat() for name, project in projects.items() if rights[name]}


def _actions(identity: Identity, scope: Scope, rights: dict[str, list[str]]) -> list[str]:
    """The actions of one scope; none where the project or the type is unknown."""
    if (scope.type, scope.name) == ("registry", "catalog"):
        return granted(identity, "catalog", ("read",)) and ["*"]
    namespace, _, rest = scope.name.partition("/")
    return rights.get(namespace, []) if scope.type == "repository" and rest else []
