"""What can be done to groups of users. Each verb validates, changes and journals in one transaction.

Who belongs to a group is said by the directory or the identity provider when people log in. An LDAP group is taken as it
is told, if its distinguished name could be one: whether the directory knows it is not asked.
"""

import re
from typing import Any

from django.db import transaction

from audit.journal import record
from audit.origin import Origin
from portal.accounts.models import UserGroup
from portal.accounts.names import LONGEST
from portal.errors import Invalid, Missing
from portal.rows import locked, once

LONGEST_DN = 1024
# As in RFC 4514: attribute=value, joined by commas or, within one level, by +. A backslash escapes what means something.
_PART = r' *(?:[a-z][a-z0-9-]*|[0-9]+(?:\.[0-9]+)*) *=(?:[^"+,;<>\\]|\\[ "#+,;<=>\\]|\\[0-9a-f]{2})+'
_DN = re.compile(rf"{_PART}(?:[+,]{_PART})*")


def group_get(group_id: int) -> UserGroup:
    """The group of that id. Raises Missing."""
    group = UserGroup.objects.filter(pk=group_id).first()
    if group is None:
        raise Missing(f"There is no user group {group_id}.")
    return group


def plain_dn(ldap_dn: str) -> str:
    """The form in which distinguished names are kept and compared."""
    return ldap_dn.strip().lower()


@transaction.atomic
def group_create(*, name: str, kind: int, ldap_dn: str = "", origin: Origin) -> UserGroup:
    """A new group without anybody in it; `kind` is a `UserGroup.Type`. Raises Invalid, or Conflict when it exists."""
    if kind not in UserGroup.Type.values:
        raise Invalid("group_type is 1 for a group of LDAP, 2 of HTTP authentication, 3 of OIDC.")
    ldap_dn = plain_dn(ldap_dn)
    if kind == UserGroup.Type.LDAP and not ldap_dn:
        raise Invalid("A group of LDAP needs its distinguished name, ldap_group_dn.")
    if len(ldap_dn) > LONGEST_DN or not ldap_dn.isprintable():
        raise Invalid(f"A distinguished name has at most {LONGEST_DN} printable characters.")
    if ldap_dn and not _DN.fullmatch(ldap_dn):
        raise Invalid("ldap_group_dn is no distinguished name such as cn=developers,ou=groups,dc=example,dc=org.")
    group = UserGroup(name=_checked(name), type=kind, ldap_dn=ldap_dn)
    _save(group)
    record(origin, "usergroup.create", target=name, after=_told(group))
    return group


@transaction.atomic
def group_ensure(*, name: str, kind: int, ldap_dn: str = "", origin: Origin) -> UserGroup:
    """The group of LDAP with that distinguished name, or else of that name and kind; created if need be. Raises Invalid."""
    known = UserGroup.objects.filter(type=kind)
    ldap_dn = ldap_dn.strip() if kind == UserGroup.Type.LDAP else ""
    found = known.filter(ldap_dn=plain_dn(ldap_dn)).first() if ldap_dn else known.filter(name=name).first()
    if found is not None:
        return found
    if ldap_dn and (not name or known.filter(name=name).exists()):
        name = ldap_dn[:LONGEST]  # Directories have groups of one name in several places.
    return group_create(name=name, kind=kind, ldap_dn=ldap_dn, origin=origin)


@transaction.atomic
def group_rename(*, group: UserGroup, name: str, origin: Origin) -> UserGroup:
    """Another name for the group. Raises Invalid, Missing or Conflict."""
    group = locked(group)
    before, group.name = group.name, _checked(name)
    _save(group)
    record(origin, "usergroup.update", target=name, before={"name": before}, after={"name": name})
    return group


@transaction.atomic
def group_delete(*, group: UserGroup, origin: Origin) -> None:
    """Removes the group, and with it the roles that projects gave it. Raises Missing."""
    group = locked(group)
    before = _told(group) | {"users": group.users.count()}
    record(origin, "usergroup.delete", target=group.name, before=before)
    group.delete()


def _checked(name: str) -> str:
    if not 0 < len(name) <= LONGEST or not name.isprintable():
        raise Invalid(f"A user group's name has 1 to {LONGEST} printable characters.")
    return name


def _save(group: UserGroup) -> None:
    with once(f"There is a user group {group.name} of this type, or of its LDAP name, already."):
        group.save()


def _told(group: UserGroup) -> dict[str, Any]:
    return {"type": UserGroup.Type(group.type).label, "ldap_dn": group.ldap_dn}
