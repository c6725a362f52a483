"""Fills a database with made-up rows, to see how the system behaves when it is large.

The rows are made by the database itself, in statements that PostgreSQL and SQLite share. A tenth of everything is in one
place (the first project, its first repository, the first artifact there), since that is how it comes in practice and
what makes lists slow. There are no bytes behind the blobs, and nobody can log in as one of the made-up users.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.management.color import no_style
from django.db import connection, transaction
from django.db.models import Field, Max, Model
from django.utils import timezone

from audit.models import Entry
from portal.accounts.models import User
from portal.labels.models import Label
from portal.projects.models import Member, Project
from registry.models import Manifest, Namespace, NamespaceUsage, Repository, Tag

BATCH = 50_000
_YEAR = 365 * 24 * 3600  # seconds

_FULL = {
    "users": 1_000,
    "projects": 1_000,
    "members": 5_000,
    "labels": 10_000,
    "repositories": 100_000,
    "artifacts": 1_000_000,
    "tags": 2_000_000,
    "entries": 10_000_000,
}

# What the two databases write differently.
_WORDS = {
    "postgresql": {
        "ago": "now() - ({}) * interval '1 second'",
        "json": "'{}'::jsonb",
        "bytes": "convert_to('{{}}', 'UTF8')",
    },
    "sqlite": {
        "ago": "strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', '-' || ({}) || ' seconds')",
        "json": "'{}'",
        "bytes": "CAST('{{}}' AS BLOB)",
    },
}


@dataclass(frozen=True, slots=True)
class Fill:
    """How the rows of one model are made: for the number `i`, counted from 1, an expression for each column.

    `{users}`, `{projects}` and so on stand for how many of those there are, `{user}`, `{project}` ... for the id before the
    first of them, and `{spread}` for a time in the last year that differs from row to row, `{long_ago}` for one before.
    """

    what: str
    model: type[Model]
    columns: dict[str, str]
    keyed: bool = True  # Whether its id is ours to count.


def _there(count: str) -> str:
    """A number from 1 to `count` for `i`: every tenth time the first, otherwise in turn."""
    return f"(CASE WHEN i %% 10 = 0 THEN 1 ELSE i %% {{{count}}} + 1 END)"


_DIGEST = "'sha256:' || md5(CAST({} AS TEXT)) || md5(CAST({} AS TEXT) || 'x')"
_REPOSITORY = _there("repositories")
_ACTIONS = "(CASE i %% 3 WHEN 0 THEN 'pull' WHEN 1 THEN 'push' ELSE 'delete' END)"

FILLS = [
    Fill("users", User, {"username": "'seed-user-' || i", "username_key": "'seed-user-' || i", "password": "'!'"}),
    Fill("projects", Namespace, {"name": "'seed-' || i", "created_at": "{long_ago}"}),
    Fill("projects", Project, {"namespace_id": "{project} + i", "public": "i %% 2 = 0"}, keyed=False),
    Fill("projects", NamespaceUsage, {"namespace_id": "{project} + i", "folded_bytes": "i * 1000"}, keyed=False),
    Fill(
        "members",
        Member,
        {
            "project_id": "{project} + i %% {projects} + 1",
            "user_id": "{user} + (i / {projects} * 7 + i) %% {users} + 1",
            "role": "i %% 5 + 1",
        },
    ),
    Fill("labels", Label, {"name": "'label-' || i", "project_id": "{project} + i %% {projects} + 1"}),
    Fill(
        "repositories",
        Repository,
        {
            "namespace_id": "{project} + " + _there("projects"),
            "name": "'seed-' || " + _there("projects") + " || '/app-' || i",
            "created_at": "{spread}",
            "pull_count": "i",
        },
    ),
    Fill(
        "artifacts",
        Manifest,
        {
            "repository_id": "{repository} + " + _REPOSITORY,
            "namespace_id": "{project} + " + _there("projects").replace("i %%", f"{_REPOSITORY} %%"),
            "digest": _DIGEST.replace("{}", "i"),
            "media_type": "'application/vnd.oci.image.manifest.v1+json'",
            "artifact_type": "'application/vnd.oci.image.config.v1+json'",
            "config_media_type": "'application/vnd.oci.image.config.v1+json'",
            "kind": "'IMAGE'",
            "payload": "{bytes}",
            "size": "500",
            "total_size": "i * 10",
            "pushed_at": "{spread}",
        },
    ),
    Fill(
        "tags",
        Tag,
        {
            # Its artifact is number i modulo their count, or every twentieth time the first; the repository is that one's.
            "repository_id": "{repository} + CASE WHEN i %% 20 = 0 OR {artifact_of} %% 10 = 0 THEN 1"
            " ELSE {artifact_of} %% {repositories} + 1 END",
            "name": "'v' || i",
            "manifest_id": "{manifest} + CASE WHEN i %% 20 = 0 THEN 10 ELSE {artifact_of} END",
            "created_at": "{spread}",
        },
    ),
    Fill(
        "entries",
        Entry,
        {
            "at": "{spread}",
            "actor": "'seed-user-' || (i %% {users} + 1)",
            "kind": "'user'",
            "address": "'10.0.0.' || (i %% 250)",
            "action": "'manifest.' || " + _ACTIONS,
            "project": "'seed-' || " + _there("projects"),
            "target": "'seed-' || " + _there("projects") + " || '/app-' || (i %% {repositories}) || ':v' || i",
        },
        keyed=False,
    ),
]

Progress = Callable[[str, int, int], None]


def counts(scale: float) -> dict[str, int]:
    """How many rows of each kind there are at a scale, where 1 stands for a large site."""
    return {what: max(10, round(count * scale)) for what, count in _FULL.items()}


def seed(scale: float, progress: Progress = lambda *_: None) -> dict[str, int]:
    """Adds the rows and says how many of each kind; `progress` is told what, how many are done, and how many there will be."""
    wanted = counts(scale)
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        connection.connection.create_function("md5", 1, lambda text: hashlib.md5(text.encode()).hexdigest())  # noqa: S324
    before = {
        "user": _last_id(User),
        "project": _last_id(Namespace),
        "repository": _last_id(Repository),
        "manifest": _last_id(Manifest),
    }
    for fill in FILLS:
        first = _last_id(fill.model) if fill.keyed else 0
        statement, parameters = _statement(fill, wanted, before, first)
        for start in range(1, wanted[fill.what] + 1, BATCH):
            end = min(start + BATCH - 1, wanted[fill.what])
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement, [start, end, *parameters])
            progress(fill.model.__name__, end, wanted[fill.what])
    _settle()
    return wanted


def _last_id(model: type[Model]) -> int:
    return model._default_manager.aggregate(last=Max("pk"))["last"] or 0  # noqa: SLF001


def _statement(fill: Fill, wanted: dict[str, int], before: dict[str, int], first: int) -> tuple[str, list[Any]]:
    """The INSERT of a model's rows from one number to another, its first two parameters."""
    words = _WORDS[connection.vendor]
    names: dict[str, Any] = {
        **wanted,
        **before,
        "artifact_of": f"(i %% {wanted['artifacts']} + 1)",
        "bytes": words["bytes"].replace("{{}}", "{}"),
        "spread": words["ago"].format(f"(i * 7919) %% {_YEAR}"),
        "long_ago": words["ago"].format(f"{_YEAR} + i"),
    }
    columns = {name: expression.format(**names) for name, expression in fill.columns.items()}
    if fill.keyed:
        columns["id"] = f"{first} + i"
    parameters = []
    for field in fill.model._meta.concrete_fields:  # noqa: SLF001
        if field.column not in columns and _needs_value(field):
            columns[str(field.column)] = words["json"] if field.get_internal_type() == "JSONField" else "%s"
            if field.get_internal_type() != "JSONField":
                parameters.append(_default(field))
    table = fill.model._meta.db_table  # noqa: SLF001
    quoted = ", ".join(connection.ops.quote_name(name) for name in columns)
    numbers = "SELECT CAST(%s AS BIGINT) UNION ALL SELECT i + 1 FROM numbers WHERE i < %s"
    rows = f"SELECT {', '.join(columns.values())} FROM numbers"  # noqa: S608 - nothing in it comes from outside.
    return f"WITH RECURSIVE numbers(i) AS ({numbers}) INSERT INTO {table} ({quoted}) {rows}", parameters


def _needs_value(field: "Field[Any, Any]") -> bool:
    return not (field.primary_key or field.null or field.has_db_default())


def _default(field: "Field[Any, Any]") -> Any:
    if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
        return field.get_db_prep_save(timezone.now(), connection)
    return field.get_db_prep_save(field.get_default(), connection)


def _settle() -> None:
    """Ids go on after ours, and the planner learns what is there."""
    models = [fill.model for fill in FILLS if fill.keyed]
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), models):
            cursor.execute(statement)
        cleans = connection.vendor == "postgresql" and not connection.in_atomic_block
        cursor.execute("VACUUM ANALYZE" if cleans else "ANALYZE")
