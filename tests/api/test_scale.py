"""The measurement of `make bench BENCH="--mode lists"`, at a small scale: every list answers on a seeded PostgreSQL."""

import pytest

from bench.lists import LISTS, seeded

pytestmark = pytest.mark.slow


def test_every_list_of_a_seeded_registry_answers():
    with seeded(0.001) as site:
        for path in LISTS.values():
            site.measure(path, rounds=1)  # Raises for whatever is not a success.
