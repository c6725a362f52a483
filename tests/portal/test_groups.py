"""Groups of users."""

import pytest

from audit.models import Entry
from audit.origin import SYSTEM
from portal.accounts.groups import group_ensure
from portal.accounts.models import UserGroup
from portal.errors import Invalid

LDAP, OIDC = UserGroup.Type.LDAP, UserGroup.Type.OIDC


def ensure(name="", kind=OIDC, **options):
    return group_ensure(name=name, kind=kind, origin=SYSTEM, **options)


def test_a_group_is_made_when_it_is_first_spoken_of(db):
    staff = ensure("staff")
    assert ensure("staff") == staff
    assert ensure("staff", UserGroup.Type.HTTP) != staff
    assert Entry.objects.filter(action="usergroup.create", target="staff").count() == 2


def test_groups_of_ldap_are_told_apart_by_their_distinguished_names(db):
    here = ensure("ops", LDAP, ldap_dn="cn=ops,ou=here")
    assert ensure("whatever", LDAP, ldap_dn=" CN=Ops,OU=Here ") == here
    there = ensure("ops", LDAP, ldap_dn="cn=ops,ou=there")
    assert there != here
    assert there.name == "cn=ops,ou=there"
    assert ensure("ops", LDAP) == here


def test_a_group_of_ldap_is_not_made_from_its_name_alone(db):
    with pytest.raises(Invalid):
        ensure("ops", LDAP)
