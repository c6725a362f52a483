"""What the registry learns from the journal: how often and when its content was pulled."""

from collections import Counter
from datetime import datetime
from typing import Any

from django.db import connection

from audit.models import Entry
from jobs.followers import follow
from registry.models import Repository

_RAISE = (
    "UPDATE registry_repository SET pull_count = pull_count + pulled.column2 FROM (VALUES {}) AS pulled"
    " WHERE registry_repository.id = pulled.column1"
)
_TOUCH = (
    "UPDATE {} SET pulled_at = pulled.column3 FROM (VALUES {}) AS pulled"
    " WHERE repository_id = pulled.column1 AND {} = pulled.column2 AND (pulled_at IS NULL OR pulled_at < pulled.column3)"
)


@follow("registry.pull-statistics")
def count_pulls(entries: list[Entry]) -> None:
    """Takes in a batch of the journal, with four statements however many pulls it tells of."""
    pulls = [entry for entry in entries if entry.action == "manifest.pull"]
    known = _repositories({_name(entry.target)[0] for entry in pulls})
    counts: Counter[int] = Counter()
    manifests: dict[tuple[int, str], datetime] = {}
    tags: dict[tuple[int, str], datetime] = {}
    for entry in pulls:
        name, tag = _name(entry.target)
        repository, created_at = known.get(name, (0, entry.at))
        if not repository or entry.at < created_at:  # One of that name that was deleted, perhaps made again since.
            continue
        counts[repository] += entry.count
        _note(manifests, repository, (entry.after or {}).get("digest"), entry.at)
        _note(tags, repository, tag, entry.at)
    _update(_RAISE, [(repository, count) for repository, count in sorted(counts.items())])
    _update(_TOUCH.format("registry_manifest", "{}", "digest"), [(*key, at) for key, at in sorted(manifests.items())])
    _update(_TOUCH.format("registry_tag", "{}", "name"), [(*key, at) for key, at in sorted(tags.items())])


def _repositories(names: set[str]) -> dict[str, tuple[int, datetime]]:
    """The id of each repository that is there, and since when."""
    found = Repository.objects.filter(name__in=names, deleted_at=None)
    return {name: (pk, created_at) for pk, name, created_at in found.values_list("pk", "name", "created_at")}


def _name(target: str) -> tuple[str, str]:
    """The repository and the tag of what was pulled; no tag where it was pulled by digest."""
    if "@" in target:
        return target.partition("@")[0], ""
    name, _, tag = target.partition(":")
    return name, tag


def _note(pulled: dict[tuple[int, str], datetime], repository: int, name: str | None, at: datetime) -> None:
    if name:
        pulled[repository, name] = max(at, pulled.get((repository, name), at))


def _update(sql: str, rows: list[tuple[Any, ...]]) -> None:
    if not rows:
        return
    marks = ", ".join([f"({', '.join(['%s'] * len(rows[0]))})"] * len(rows))
    adapt = connection.ops.adapt_datetimefield_value
    values = [adapt(value) if isinstance(value, datetime) else value for row in rows for value in row]
    with connection.cursor() as cursor:
        cursor.execute(sql.format(marks), values)
