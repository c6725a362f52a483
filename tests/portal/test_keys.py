"""The keys that sign tokens."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from audit.models import Entry
from audit.origin import SYSTEM
from portal.access import tokens
from portal.access.identity import ANONYMOUS
from portal.access.keys import KeyRing, ensure_key, ring, rotate_keys
from portal.access.models import SigningKey
from portal.configuration.services import configuration_update, forget
from registry.ports import Unauthenticated


def token():
    return tokens.issue(ANONYMOUS, []).token


def test_the_first_token_makes_the_key(db):
    assert tokens.verify(token())
    key = SigningKey.objects.get()
    assert key.algorithm == "ES256"
    assert "ENCRYPTED" in key.private_key
    assert len(key.kid) == 43
    assert Entry.objects.filter(action="signingkey.create", target=key.kid).exists()


@pytest.mark.django_db(transaction=True)
def test_instances_that_start_together_agree_on_one_key():
    together = Barrier(6)

    def start(_):
        try:
            instance = KeyRing()
            together.wait()
            return instance.signing().kid
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        kids = set(pool.map(start, range(6)))
    assert kids == {SigningKey.objects.get().kid}


def test_rs256_can_be_chosen(db, settings):
    settings.TOKEN_ALGORITHM = "RS256"
    assert tokens.verify(token())
    assert SigningKey.objects.get().algorithm == "RS256"


def test_an_unknown_algorithm_is_named(db, settings):
    settings.TOKEN_ALGORITHM = "none"
    with pytest.raises(ImproperlyConfigured, match="none"):
        token()


def test_after_a_change_of_algorithm_the_old_tokens_are_still_good(db, settings):
    old = token()
    settings.TOKEN_ALGORITHM = "RS256"
    assert tokens.verify(token())
    assert tokens.verify(old)


@pytest.mark.django_db(transaction=True)
def test_a_rotated_key_verifies_until_its_tokens_have_expired(clock):
    old = token()
    new_kid = rotate_keys()
    assert ring.signing().kid == new_kid
    assert tokens.verify(old)
    clock.forward(hours=23)
    ring.forget()
    assert tokens.verify(old)
    clock.forward(hours=2)
    ring.forget()
    with pytest.raises(Unauthenticated, match="unknown key"):
        tokens.verify(old)
    rotate_keys()
    assert SigningKey.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_rotated_key_verifies_for_as_long_as_tokens_may_last(clock):
    configuration_update(changes={"token_expiration": 7 * 24 * 60}, origin=SYSTEM)
    old = token()
    rotate_keys()
    clock.forward(days=6)
    ring.forget()
    assert tokens.verify(old)
    forget()


def test_another_instance_learns_of_a_new_key_by_its_first_token(db, monkeypatch):
    token()
    other = KeyRing()
    other.signing()
    kid = rotate_keys()
    assert other.verifying(kid) is None
    monkeypatch.setattr("portal.access.keys.ASK_AGAIN_SECONDS", 0)
    assert other.verifying(kid).kid == kid


def test_an_instance_that_only_verifies_learns_that_a_key_is_gone(db, monkeypatch):
    token()
    kid = ring.signing().kid
    other = KeyRing()
    assert other.verifying(kid).kid == kid
    SigningKey.objects.all().delete()
    monkeypatch.setattr("portal.access.keys.FRESH_SECONDS", 0)
    assert other.verifying(kid) is None


def test_invented_key_ids_do_not_become_queries(db, django_assert_num_queries):
    token()
    with django_assert_num_queries(0):
        for number in range(100):
            assert ring.verifying(f"invented-{number}") is None


def test_with_another_secret_key_the_operator_is_told_what_to_do(db, settings):
    token()
    settings.SECRET_KEY = "another"
    ring.forget()
    with pytest.raises(ImproperlyConfigured, match="PORTOLAN_SECRET_KEY"):
        token()
    rotate_keys()
    ring.forget()
    assert tokens.verify(token())


def test_making_sure_of_the_key_twice_makes_it_once(db):
    ensure_key()
    ensure_key()
    assert SigningKey.objects.count() == 1


def test_keys_that_retired_long_ago_are_dropped(db, clock):
    for _ in range(3):
        rotate_keys()
        clock.forward(days=2)
    assert SigningKey.objects.count() == 2
    assert SigningKey.objects.get(retires_at=None).created_at == clock.now() - timedelta(days=2)
