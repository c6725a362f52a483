"""Users: their names, their passwords, and who remains administrator."""

import pytest

from audit.models import Entry
from audit.origin import SYSTEM, Origin
from portal.accounts import services
from portal.accounts.models import User
from portal.errors import Conflict, Forbidden, Invalid, Missing, Refused


def test_a_name_can_be_taken_once_whatever_its_case(make_user):
    make_user("Alice")
    for twin in ("alice", "ALICE", "\uff21lice"):
        with pytest.raises(Conflict):
            make_user(twin)
    assert services.user_get("aLiCe").username == "Alice"


def test_a_mail_address_can_be_used_once(make_user):
    make_user("a", email="a@example.org")
    with pytest.raises(Conflict):
        make_user("b", email="A@example.org")
    make_user("c")
    make_user("d")


@pytest.mark.parametrize(
    "name", ["", " a", "a ", "x" * 256, *(f"a{c}b" for c in ',"~#%$:'), "a\0b", "a\nb", "a\u202eb"]
)
def test_names_that_could_mislead_or_break_a_client_are_refused(make_user, name):
    with pytest.raises(Invalid):
        make_user(name)


@pytest.mark.parametrize("password", ["Short-1", "nodigits-X", "NOLOWER-1", "noupper-1", "Aa1" + "x" * 126])
def test_weak_passwords_are_refused(db, password):
    with pytest.raises(Invalid):
        services.user_create(username="a", password=password, origin=SYSTEM)


@pytest.mark.parametrize("profile", [{"email": "no address"}, {"realname": "x" * 256}, {"comment": "a\0b"}])
def test_a_profile_that_cannot_be_kept_is_refused(make_user, profile):
    with pytest.raises(Invalid):
        make_user("a", **profile)


def test_the_last_administrator_stays(make_user):
    boss = make_user("boss", is_admin=True)
    for verb, change in [
        (services.user_set_admin, {"is_admin": False}),
        (services.user_set_active, {"is_active": False}),
        (services.user_delete, {}),
    ]:
        with pytest.raises(Refused):
            verb(user=boss, origin=SYSTEM, **change)
    make_user("second", is_admin=True)
    services.user_set_admin(user=boss, is_admin=False, origin=SYSTEM)
    assert not User.objects.get(username="boss").is_admin


def test_nobody_deletes_themselves(admin, make_user):
    boss = make_user("boss", is_admin=True)
    with pytest.raises(Forbidden):
        services.user_delete(user=boss, origin=Origin("BOSS", "user"))


def test_nobody_deletes_the_built_in_administrator(admin, make_user):
    make_user("boss", is_admin=True)
    with pytest.raises(Forbidden):
        services.user_delete(user=admin, origin=Origin("boss", "user"))


def test_what_was_deleted_meanwhile_cannot_be_changed(make_user):
    gone = make_user("gone")
    services.user_delete(user=User.objects.get(pk=gone.pk), origin=SYSTEM)
    with pytest.raises(Missing):
        services.user_set_password(user=gone, password="Other-123", origin=SYSTEM)


def test_every_change_is_journaled_without_the_password(admin, make_user):
    user = make_user("bob")
    origin = Origin("admin", "user", address="192.0.2.1")
    services.user_update(user=user, email="b@example.org", realname="Bob", comment="", origin=origin)
    services.user_set_password(user=user, password="Another-123", origin=origin)
    services.user_set_admin(user=user, is_admin=True, origin=origin)
    services.user_set_active(user=user, is_active=False, origin=origin)
    services.user_delete(user=user, origin=origin)
    entries = list(Entry.objects.filter(actor="admin", target="bob").order_by("id"))
    verbs = ["update", "set_password", "set_admin", "set_active", "delete"]
    assert [entry.action for entry in entries] == [f"user.{verb}" for verb in verbs]
    assert "Another-123" not in repr([(entry.before, entry.after) for entry in entries])
