"""A running digest equals hashlib's, however it was cut, saved and carried on."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.storage import hashing
from registry.storage.hashing import CannotRestore, RunningDigest

ALGORITHMS = ["sha256", "sha512"]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_states_can_be_saved_here(algorithm):
    assert RunningDigest(algorithm).save()


@settings(database=None)
@given(st.sampled_from(ALGORITHMS), st.lists(st.tuples(st.binary(max_size=300), st.booleans())))
def test_any_pieces_with_any_pauses_give_hashlibs_digest(algorithm, pieces):
    running, expected = RunningDigest(algorithm), hashlib.new(algorithm)
    for piece, pause in pieces:
        running.update(memoryview(piece) if pause else piece)
        expected.update(piece)
        if pause:
            running = RunningDigest.restore(algorithm, running.save())
        assert running.hexdigest() == expected.hexdigest()
    assert running.digest() == f"{algorithm}:{expected.hexdigest()}"


def test_a_saved_state_may_be_carried_on_twice():
    running = RunningDigest("sha256")
    running.update(b"a")
    saved = running.save()
    for end in (b"b", b"c"):
        restored = RunningDigest.restore("sha256", saved)
        restored.update(end)
        assert restored.hexdigest() == hashlib.sha256(b"a" + end).hexdigest()


def _foreign(state: bytes) -> bytes:
    return state.replace(b"1 sha256", b"9 sha256")


def _full_block(state: bytes) -> bytes:
    return state[:-8] + (64).to_bytes(4, "little") + state[-4:]


@pytest.mark.parametrize("damage", [_foreign, _full_block, lambda state: state[:-1], lambda _: b""])
def test_a_state_that_is_foreign_or_damaged_is_refused(damage):
    with pytest.raises(CannotRestore):
        RunningDigest.restore("sha256", damage(RunningDigest("sha256").save()))


def test_a_state_of_the_other_algorithm_is_refused():
    with pytest.raises(CannotRestore):
        RunningDigest.restore("sha512", RunningDigest("sha256").save())


def test_without_openssls_interface_digests_are_right_but_cannot_be_saved(monkeypatch):
    saved = RunningDigest("sha256").save()
    monkeypatch.setattr(hashing, "_NATIVE", {})
    running = RunningDigest("sha256")
    running.update(b"abc")
    assert running.digest() == "sha256:" + hashlib.sha256(b"abc").hexdigest()
    assert running.save() == b""
    with pytest.raises(CannotRestore):
        RunningDigest.restore("sha256", saved)


def test_other_algorithms_are_refused():
    with pytest.raises(ValueError, match="md5"):
        RunningDigest("md5")
