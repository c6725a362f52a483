"""Readers of the journal that work as it grows. An app registers its own in `<app>/followers.py`, imported at start.

Each worker process runs every follower in a thread of its own, so that a slow or failing one holds up nobody; whichever
process comes first takes the next entries.
"""

import logging
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from django.db import DatabaseError, close_old_connections, connection

from audit import consumers
from audit.cursor import START
from audit.journal import head

PAUSE = 1.0  # Seconds between two looks at the journal,
LONGEST_PAUSE = 60.0  # and at most, once the follower has failed; the wait doubles up to this.

Function = TypeVar("Function", bound=consumers.Handle)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Follower:
    """A registered reader; `follow` tells what the fields mean."""

    name: str
    handle: consumers.Handle
    start: Literal["head", "start"]
    outside: bool

    def subscribe(self) -> None:
        """Lets the journal know of it, unless it does."""
        if not consumers.subscribed(self.name):
            consumers.subscribe(self.name, head() if self.start == "head" else START)

    def catch_up(self, stopped: threading.Event) -> None:
        """Handles what is new until nothing is. Looks first: while there is nothing, no lock is taken or row written."""
        step = consumers.deliver if self.outside else consumers.advance
        while not stopped.is_set() and consumers.behind(self.name) and step(self.name, self.handle):
            pass

    def run(self, stopped: threading.Event) -> None:
        """Follows the journal until told to stop. A failure is told and tried again, later each time."""
        failures = 0
        while not stopped.wait(self._pause(failures)):
            close_old_connections()
            try:
                self.subscribe()
                self.catch_up(stopped)
                failures = 0
            except Exception as error:
                # Whatever it was, the entries wait where they are, and the reader must go on.
                failures += 1
                expected = isinstance(error, DatabaseError | OSError)
                logger.warning("The journal's follower %s failed: %s", self.name, error, exc_info=not expected)
                connection.close()
        connection.close()

    @staticmethod
    def _pause(failures: int) -> float:
        longest = min(LONGEST_PAUSE, PAUSE * 2.0 ** min(failures, 10))
        return longest * random.uniform(0.8, 1)  # noqa: S311 - keeps workers out of step


_followers: dict[str, Follower] = {}


def follow(
    name: str, *, start: Literal["head", "start"] = "head", outside: bool = False
) -> Callable[[Function], Function]:
    """Registers a function `(entries: list[Entry]) -> int | None`, which is given every entry of the journal in its order.

    It gives how many of the entries it took, if that is not all of them: the rest come again at once.

    start: whether it begins with what comes after it is first met ("head") or with the journal's first entry.
    outside: False for work in the database: it and the step of the cursor are one transaction, so every entry is
        handled exactly once, and the transaction must be short. True for work that reaches out of the database: it is
        called outside of any transaction, every entry is handled at least once, and the function must give up after
        `audit.consumers.LEASE` at the latest.

    A function that raises is given the same entries again later. Raises `ValueError` when the name is taken.
    """

    def register(function: Function) -> Function:
        if name in _followers:
            raise ValueError(f"There are two followers called {name}.")
        _followers[name] = Follower(name, function, start, outside)
        return function

    return register


def followers() -> list[Follower]:
    """Every registered follower, by name."""
    return [_followers[name] for name in sorted(_followers)]


def lags() -> dict[str, consumers.Lag]:
    """How far each follower is behind."""
    return {follower.name: consumers.lag(follower.name) for follower in followers()}
