"""Writers to SQLite take turns."""

import errno
import os

import pytest
from django.db import OperationalError, connection, transaction

from portal.sqlite import base

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="only SQLite's writers take turns"),
]


def test_a_turn_that_cannot_be_taken_leaves_the_next_one_to_others(monkeypatch):
    def no_descriptors(_path: str) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with monkeypatch.context() as patch:
        patch.setattr(base, "_locked_file", no_descriptors)
        with pytest.raises(OperationalError, match="unable to lock"), transaction.atomic():
            pass
    monkeypatch.setattr(base, "_PATIENCE", 0)  # Nobody else is writing, so there is nothing to wait for.
    with transaction.atomic():
        assert connection.in_atomic_block
