"""Answers to hot pulls, kept in memory under their request paths and bounded by their bytes.

An entry may be used only while `registry.generations` says that its repository has not changed.
"""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

LIMIT = 48 * 1024 * 1024
_OVERHEAD = 1024  # Roughly what an entry takes besides its body.


@dataclass(slots=True, eq=False)
class Answer:
    """A ready answer to GET and HEAD of a manifest or blob. `body` or `file` holds the content."""

    repository: str
    namespace_created_at: datetime
    generation: int
    reference: str
    digest: str
    headers: list[tuple[bytes, bytes]]
    etag: bytes
    size: int
    body: bytes | None = None
    file: Path | None = None
    is_manifest: bool = False
    stamp: int | bytes | None = None
    checked_at: float = 0.0

    @property
    def weight(self) -> int:
        """Bytes of memory it takes."""
        return len(self.body or b"") + _OVERHEAD


class Cache:
    """The least recently used answers go first."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._weight = 0
        self._answers: OrderedDict[str, Answer] = OrderedDict()

    def get(self, path: str) -> Answer | None:
        """The answer kept for a path."""
        answer = self._answers.get(path)
        if answer is not None:
            self._answers.move_to_end(path)
        return answer

    def put(self, path: str, answer: Answer) -> None:
        """Keeps an answer, and lets go of the oldest ones that no longer fit."""
        self.drop(path)
        self._answers[path] = answer
        self._weight += answer.weight
        while self._weight > self._limit:
            _, oldest = self._answers.popitem(last=False)
            self._weight -= oldest.weight

    def drop(self, path: str) -> None:
        """Forgets a path."""
        answer = self._answers.pop(path, None)
        if answer is not None:
            self._weight -= answer.weight
