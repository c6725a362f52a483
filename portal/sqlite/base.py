"""SQLite for many writers at once.

SQLite itself makes a writer that finds the database locked sleep and look again, for ever longer: with sixteen pushes at
once the lock lies idle most of the time. Here a transaction first takes its turn at a lock that wakes the next in line,
within the process and, through a file beside the database, between processes. Readers never wait, as ever in WAL mode.
"""

import fcntl
import os
import threading
from typing import Any, cast

from django.db.backends.sqlite3 import base
from django.db.utils import OperationalError

_PATIENCE = 20.0  # Seconds to wait for a turn; whoever holds the lock that long is in trouble.
_turns: dict[str, threading.Lock] = {}


class DatabaseWrapper(cast("Any", base.DatabaseWrapper)):  # type: ignore[misc] # The stubs lack what is private.
    """A connection whose transactions take turns."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._turn: int | None = None  # The descriptor of the locked file while a transaction is open.

    def _start_transaction_under_autocommit(self) -> None:
        self._take_turn()
        try:
            super()._start_transaction_under_autocommit()
        except BaseException:
            self._give_turn()
            raise

    def _commit(self) -> None:
        super()._commit()
        self._give_turn()

    def _rollback(self) -> None:
        try:
            super()._rollback()
        finally:
            self._give_turn()

    def _close(self) -> None:
        try:
            super()._close()
        finally:
            self._give_turn()

    def _take_turn(self) -> None:
        name = str(self.settings_dict["NAME"])
        if self._turn is not None or self.is_in_memory_db():
            return
        if not _lock_of(name).acquire(timeout=_PATIENCE):
            raise OperationalError("database is locked")
        try:
            self._turn = _locked_file(f"{name}-turn")
        except OSError as error:
            raise OperationalError(f"unable to lock the database: {error}") from error
        finally:
            if self._turn is None:  # Or nobody in this process would ever have a turn again.
                _lock_of(name).release()

    def _give_turn(self) -> None:
        if self._turn is not None:
            os.close(self._turn)  # The kernel unlocks a file that is closed, or whose process dies.
            self._turn = None
            _lock_of(str(self.settings_dict["NAME"])).release()


def _locked_file(path: str) -> int:
    """The descriptor of the file, made if need be, once it is locked."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _lock_of(name: str) -> threading.Lock:
    return _turns.setdefault(name, threading.Lock())


def _forget_turns() -> None:
    """In a forked child: the locks that threads of the parent held would never be released here."""
    _turns.clear()


os.register_at_fork(after_in_child=_forget_turns)
