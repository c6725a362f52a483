"""What holds for every operation, by its declaration."""

from collections import Counter

from tests.api.catalogue import declared


def test_every_operation_that_changes_something_says_what_it_leaves_in_the_journal():
    silent = [
        str(one)
        for one in declared()
        if one.method not in ("GET", "HEAD") and bool(one.operation.journal) == bool(one.operation.changes_nothing)
    ]
    assert not silent, "declare `journal`, or in `changes_nothing` why there is nothing to tell"


def test_reading_leaves_nothing_in_the_journal():
    assert not [str(one) for one in declared() if one.method in ("GET", "HEAD") and one.operation.journal]


def test_no_two_operations_share_a_name():
    names = Counter(one.operation.id for one in declared())
    assert not [name for name, count in names.items() if count > 1]
