"""Answers to hot pulls, kept in memory under their request paths and bounded by their bytes.

An entry may be used only while `registry.generations` says that its repository has not changed.
"""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

LIMIT = 48 * 1024 * 1024
_OVERHEAD = 1024  # Roughly what an entry takes besides its body.
_OF_THE_BODY = (b"content-type", b"content-length")


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

    def is_held(self, if_none_match: bytes) -> bool:
        """Whether an If-None-Match header names the content (RFC 9110, 13.1.2). Tags are quoted, so finding one is enough."""
        return self.etag in if_none_match or if_none_match.strip() == b"*"

    @property
    def kind(self) -> str:
        """What it is the content of: a manifest or a blob."""
        return "manifest" if self.is_manifest else "blob"

    @property
    def not_modified(self) -> list[tuple[bytes, bytes]]:
        """The headers for a client that holds the content: all but those that describe a body."""
        return [header for header in self.headers if header[0] not in _OF_THE_BODY]

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
