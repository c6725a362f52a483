"""The kinds of work there are. An app registers its own in `<app>/jobs.py`, which is imported when Django starts."""

import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from jobs.run import JobRun

__all__ = ["JobRun", "Kind", "UnknownKind", "job", "kind_named", "kinds"]

Work = TypeVar("Work", bound=Callable[..., None])


class UnknownKind(LookupError):
    """No app of this installation has registered the kind."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A registered kind of work; `job` tells what the fields mean."""

    name: str
    function: Callable[..., None]
    attempts: int
    lease: timedelta
    exclusive: bool
    priority: int
    every: timedelta | None
    cron: str

    def check(self, args: dict[str, Any]) -> None:
        """Raises `TypeError` unless the function takes these keyword arguments and JSON can carry them."""
        try:
            inspect.signature(self.function).bind(None, **args)
            json.dumps(args, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise TypeError(f"Job {self.name} cannot take these arguments: {error}") from None


_kinds: dict[str, Kind] = {}


def job(
    name: str,
    *,
    lease: float = 60,
    attempts: int = 3,
    exclusive: bool = False,
    priority: int = 0,
    every: timedelta | None = None,
    cron: str = "",
) -> Callable[[Work], Work]:
    """Registers a function `(run: JobRun, **args) -> None` as the kind of work called `name`.

    lease: seconds without a sign of life after which another worker takes over. Keep it longer than any stretch in which
        the interpreter may be blocked; it is renewed in the background, not by the function.
    attempts: how often it may begin before it is given up; a shutdown of the worker does not count.
    exclusive: at most one job of the kind runs at a time, on all machines together.
    priority: higher goes first.
    every, cron: a schedule named like the kind, created once when a worker first meets it.

    The function may be cut off anywhere and begun again, so what it does must bear being done twice. It calls
    `run.checkpoint()` between steps. Raises `ValueError` when the name is taken or both `every` and `cron` are given.
    """

    def register(function: Work) -> Work:
        if name in _kinds:
            raise ValueError(f"There are two jobs called {name}.")
        if every and cron:
            raise ValueError(f"Job {name} has an interval and a cron expression: choose one.")
        _kinds[name] = Kind(name, function, attempts, timedelta(seconds=lease), exclusive, priority, every, cron)
        return function

    return register


def kind_named(name: str) -> Kind:
    """The registered kind. Raises `UnknownKind`."""
    try:
        return _kinds[name]
    except KeyError:
        known = ", ".join(sorted(_kinds)) or "none"
        raise UnknownKind(f"There is no job called {name!r}. Known: {known}.") from None


def kinds() -> list[Kind]:
    """Every registered kind, by name."""
    return [_kinds[name] for name in sorted(_kinds)]
