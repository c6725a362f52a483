"""Logging in with a password: what is checked, what is remembered, and who is slowed down."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from threading import Barrier

import pytest
from django.contrib.auth import hashers
from django.db import connection

from audit.models import Entry
from audit.origin import SYSTEM, Origin
from portal.accounts import login as module
from portal.accounts import passwords, services, throttle
from portal.accounts.login import login
from portal.accounts.models import LoginRecord
from registry.ports import TooManyAttempts, Unauthenticated
from tests.portal.conftest import PASSWORD

HOME, STRANGER = "192.0.2.1", "198.51.100.7"


@pytest.fixture
def alice(make_user):
    return make_user("Alice")


@pytest.fixture
def argon2_runs(monkeypatch):
    """How often a password was really checked, or the time of a check was spent."""
    runs = []

    def counting(function):
        def run(*args, **kwargs):
            runs.append(function.__name__)
            return function(*args, **kwargs)

        return run

    monkeypatch.setattr(hashers, "check_password", counting(hashers.check_password))
    monkeypatch.setattr(hashers, "make_password", counting(hashers.make_password))
    return runs


def fail(times, *, name="alice", address=HOME):
    for _ in range(times):
        with pytest.raises(Unauthenticated):
            login(name, "Wrong-123", address=address)


def waits(name="alice", address=HOME, password="Wrong-123"):
    with pytest.raises(TooManyAttempts) as refusal:
        login(name, password, address=address)
    return refusal.value.retry_after


def test_a_user_logs_in_whatever_the_case_of_the_name(alice):
    assert login("ALICE", PASSWORD, address=HOME) == alice


def test_a_user_logs_in_by_mail_address_too(make_user):
    alice = make_user("alice", email="Alice@example.org")
    make_user("nameless")
    assert login("alice@EXAMPLE.org", PASSWORD, address=HOME) == alice
    fail(1, name="")


def test_who_is_called_like_an_address_comes_before_whose_it_is(make_user):
    make_user("alice", email="alice@example.org")
    other = make_user("alice@example.org")
    assert login("alice@example.org", PASSWORD, address=HOME) == other


def test_guesses_at_a_mail_address_are_slowed_down_and_named(make_user):
    make_user("alice", email="alice@example.org")
    fail(5, name="alice@example.org")
    assert waits(name="ALICE@example.org", password=PASSWORD)
    assert set(failures().values_list("target", flat=True)) == {"alice"}


def test_passwords_are_stored_with_argon2(db, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    user = services.user_create(username="alice", password=PASSWORD, origin=SYSTEM)
    assert user.password.startswith("argon2$argon2id$")
    assert login("alice", PASSWORD, address=HOME) == user


def test_a_password_is_checked_once_a_minute(alice, argon2_runs, monkeypatch):
    for _ in range(3):
        login("alice", PASSWORD, address=HOME)
    assert len(argon2_runs) == 1
    later = passwords.time.monotonic() + 61
    monkeypatch.setattr(passwords.time, "monotonic", lambda: later)
    login("alice", PASSWORD, address=HOME)
    assert len(argon2_runs) == 2


def test_a_remembered_password_helps_nobody_with_another(alice, argon2_runs):
    login("alice", PASSWORD, address=HOME)
    fail(1)
    assert len(argon2_runs) == 2


def test_the_memory_of_passwords_is_bounded(alice, monkeypatch):
    monkeypatch.setattr(passwords, "REMEMBERED_AT_MOST", 3)
    for number in range(10):
        passwords.verified.add(alice, f"password-{number}")
    assert (alice, "password-9") in passwords.verified
    assert len(passwords.verified._expiry) <= 3


def test_a_changed_password_counts_at_once(alice):
    login("alice", PASSWORD, address=HOME)
    services.user_set_password(user=alice, password="Another-123", origin=SYSTEM)
    with pytest.raises(Unauthenticated):
        login("alice", PASSWORD, address=HOME)
    assert login("alice", "Another-123", address=HOME)


def test_a_disabled_user_is_out_at_once(admin, alice):
    login("alice", PASSWORD, address=HOME)
    services.user_set_active(user=alice, is_active=False, origin=SYSTEM)
    with pytest.raises(Unauthenticated):
        login("alice", PASSWORD, address=HOME)


def test_an_unknown_name_costs_as_much_work_as_a_known_one(alice, argon2_runs):
    fail(1, name="nobody")
    fail(1, name="alice")
    assert len(argon2_runs) == 2


def test_too_long_a_queue_for_argon2_is_an_answer_not_a_hang(alice, monkeypatch):
    monkeypatch.setattr(passwords, "WAIT_SECONDS", 0)
    with passwords.turn():
        assert waits(password=PASSWORD) == 0


def test_a_flood_of_logins_leaves_threads_to_others(alice):
    with ExitStack() as queue:
        while passwords._line._value:
            queue.enter_context(passwords._line)
        assert waits(password=PASSWORD) == 1
    assert login("alice", PASSWORD, address=HOME)


def test_many_logins_with_the_same_password_cost_one_check(alice, argon2_runs):
    together = [passwords.matches(alice, PASSWORD) for _ in range(10)]
    assert together == [True] * 10
    assert len(argon2_runs) == 1


@pytest.mark.django_db(transaction=True)
def test_failures_at_the_same_moment_are_all_counted():
    together = Barrier(8)

    def guess(number):
        try:
            together.wait()
            attempt = throttle.Attempt(f"user{number % 2}", HOME)
            throttle.failed(attempt, Origin("anonymous", "anonymous"), account="")
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(guess, range(8)))
    assert sorted(LoginRecord.objects.values_list("failures", flat=True)) == [4, 4, 8]


def test_waits_grow_and_end(alice, clock):
    fail(5)
    seen = []
    for _ in range(12):
        seen.append(waits())
        clock.forward(seconds=seen[-1])
        fail(1)
    assert seen == [1 + s for s in (1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300)]
    clock.forward(seconds=301)
    assert login("alice", PASSWORD, address=HOME) == alice


def test_while_waiting_even_the_right_password_is_not_looked_at(alice, argon2_runs):
    login("alice", PASSWORD, address=HOME)
    fail(5)
    before = len(argon2_runs)
    assert waits(password=PASSWORD)
    assert len(argon2_runs) == before


def test_a_stranger_elsewhere_does_not_lock_the_owner_out(alice):
    fail(5, address=STRANGER)
    assert waits(address=STRANGER)
    assert login("alice", PASSWORD, address=HOME) == alice


def test_success_forgets_the_failures(alice):
    fail(4)
    login("alice", PASSWORD, address=HOME)
    fail(4)
    assert login("alice", PASSWORD, address=HOME) == alice


def test_a_quiet_hour_forgets_the_failures(alice, clock):
    login("alice", PASSWORD, address=HOME)
    fail(4)
    clock.forward(hours=1, seconds=1)
    fail(4)
    assert login("alice", PASSWORD, address=HOME) == alice


def test_one_password_tried_on_many_accounts_is_slowed_down_too(db, monkeypatch):
    monkeypatch.setattr(throttle, "ADDRESS", throttle.Limit(free=3, longest=60))
    for number in range(3):
        fail(1, name=f"user{number}")
    assert waits(name="user4")
    fail(1, name="user4", address=STRANGER)


def test_neighbours_of_a_guesser_who_logged_in_before_are_not_held_up(alice, make_user, monkeypatch):
    make_user("bob")
    monkeypatch.setattr(throttle, "ADDRESS", throttle.Limit(free=3, longest=60))
    login("alice", PASSWORD, address=HOME)
    for number in range(3):
        fail(1, name=f"user{number}")
    assert waits(name="bob", password=PASSWORD)
    assert login("alice", PASSWORD, address=HOME) == alice


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("", "unix", False),
    ],
)
def test_an_address_is_what_one_client_can_choose_from(one, other, same):
    assert (throttle.network(one) == throttle.network(other)) is same


def test_guesses_sent_side_by_side_see_each_others_failures(alice, monkeypatch):
    """All of them have passed the first check when the first one is verified."""
    fail(4)
    checks = []
    real = throttle.check

    def late(attempt):
        checks.append(attempt)
        # The first check of the second guess happened before the first guess failed.
        return None if len(checks) == 3 else real(attempt)

    monkeypatch.setattr(module.throttle, "check", late)
    fail(1)
    assert waits()


def test_old_records_disappear(alice, clock):
    fail(1, address=STRANGER)
    login("alice", PASSWORD, address=HOME)
    clock.forward(days=8)
    fail(1, name="bob", address="203.0.113.1")
    assert LoginRecord.objects.count() == 2


def test_a_good_login_writes_only_now_and_then(alice, clock, django_assert_num_queries):
    login("alice", PASSWORD, address=HOME)
    with django_assert_num_queries(2):
        login("alice", PASSWORD, address=HOME)
    clock.forward(days=4)
    login("alice", PASSWORD, address=HOME)
    assert LoginRecord.objects.get().trusted_until == clock.now() + timedelta(days=7)


def failures():
    return Entry.objects.filter(action="user.login_failed")


def test_a_flood_of_failures_leaves_a_short_trace(alice, clock):
    for _ in range(20):
        clock.forward(minutes=6)
        fail(1)
    entries = failures().order_by("id")
    assert [entry.after["failures"] for entry in entries] == [1, 2, 4, 8, 16]
    assert {(entry.target, entry.address, entry.result) for entry in entries} == {("Alice", HOME, "failure")}


def test_a_flood_of_names_leaves_a_short_trace(db, clock):
    for number in range(200):
        clock.forward(minutes=2)
        fail(1, name=f"user{number}")
    assert failures().count() == 50 + 2


def test_a_password_typed_into_the_name_field_is_not_kept(db):
    fail(1, name="MyPassw0rd")
    assert "MyPassw0rd" not in repr([(entry.target, entry.actor) for entry in failures()])
    assert not LoginRecord.objects.filter(key__icontains="passw").exists()
