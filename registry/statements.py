"""The statements of a push, written out.

While a push's transaction runs, nobody else writes to SQLite, and others wait for the row on PostgreSQL. Composing these
statements through the ORM took ten times as long as running them; everything off that path uses the ORM. They are in the
SQL that PostgreSQL and SQLite (from 3.35) share.
"""

import json
from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.utils import timezone

from registry.models import Namespace, Repository, Upload


def _run(sql: str, parameters: Sequence[Any]) -> Any:
    """The first row the statement returns, or how many rows it changed where it returns none."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchone() if cursor.description else cursor.rowcount


def _now() -> Any:
    return connection.ops.adapt_datetimefield_value(timezone.now())


def namespace_named(name: str) -> Namespace | None:
    """The namespace, if there is one."""
    found = Namespace.objects.raw("SELECT id, name, created_at FROM registry_namespace WHERE name = %s", [name])
    return next(iter(found), None)


def repository_id(name: str) -> int | None:
    """The repository's id, if there is one."""
    row = _run("SELECT id FROM registry_repository WHERE name = %s", [name])
    return row[0] if row else None


def raise_generation(name: str) -> Repository | None:
    """Locks the repository and raises its generation."""
    sql = (
        "UPDATE registry_repository SET generation = generation + 1 WHERE name = %s"
        " RETURNING id, namespace_id, generation"
    )
    row = _run(sql, [name])
    return Repository(id=row[0], namespace_id=row[1], generation=row[2], name=name) if row else None


def begin_upload(upload: Upload) -> None:
    """Inserts a new upload."""
    _run(
        'INSERT INTO registry_upload (id, repository_id, "offset", algorithm, digest_state, writer_state, started_at,'
        " updated_at, started_by) VALUES (%s, %s, 0, %s, %s, '{}', %s, %s, %s)",
        [upload.id.hex, upload.repository_id, upload.algorithm, b"", (now := _now()), now, upload.started_by],
    )


def find_upload(upload_id: str, repository: str) -> Upload | None:
    """The upload with this id (in hexadecimal), if it belongs to the repository."""
    sql = (
        "SELECT upload.* FROM registry_upload AS upload JOIN registry_repository AS repository"
        " ON repository.id = upload.repository_id WHERE upload.id = %s AND repository.name = %s"
    )
    return next(iter(Upload.objects.raw(sql, [upload_id, repository])), None)


def upload_is_at(upload: Upload) -> bool:
    """Whether the upload still exists and has this offset."""
    return bool(_run('SELECT 1 FROM registry_upload WHERE id = %s AND "offset" = %s', [upload.id.hex, upload.offset]))


def advance_upload(upload: Upload, *, offset: int, digest_state: bytes, writer_state: dict[str, Any]) -> bool:
    """Moves the upload on from its offset; False when somebody else has moved it."""
    sql = (
        'UPDATE registry_upload SET "offset" = %s, digest_state = %s, writer_state = %s, updated_at = %s'
        ' WHERE id = %s AND "offset" = %s'
    )
    values = [offset, digest_state, json.dumps(writer_state), _now(), upload.id.hex, upload.offset]
    return bool(_run(sql, values))


def end_upload(upload: Upload) -> None:
    """Deletes the upload's row."""
    _run("DELETE FROM registry_upload WHERE id = %s", [upload.id.hex])


def is_being_deleted(digest: str) -> bool:
    """Whether garbage collection is deleting the blob's bytes."""
    return bool(_run("SELECT 1 FROM registry_blob WHERE digest = %s AND deleting", [digest]))


def store_blob(digest: str, size: int) -> int:
    """Inserts the blob, or locks the row that it has; its id."""
    sql = (
        "INSERT INTO registry_blob (digest, size, created_at, deleting) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT (digest) DO UPDATE SET deleting = excluded.deleting RETURNING id"
    )
    return int(_run(sql, [digest, size, _now(), False])[0])


def link_blob(repository_id: int, blob_id: int) -> None:
    """Makes a blob a member of the repository, or takes back its condemnation there."""
    sql = (
        "INSERT INTO registry_bloblink (repository_id, blob_id, created_at) VALUES (%s, %s, %s)"
        " ON CONFLICT (repository_id, blob_id) DO UPDATE SET condemned_at = NULL"
    )
    _run(sql, [repository_id, blob_id, _now()])


def tagged_digest(repository_id: int, tag: str) -> str:
    """The digest a tag points to; empty when there is no such tag."""
    sql = (
        "SELECT manifest.digest FROM registry_tag AS tag JOIN registry_manifest AS manifest"
        " ON manifest.id = tag.manifest_id WHERE tag.repository_id = %s AND tag.name = %s"
    )
    row = _run(sql, [repository_id, tag])
    return str(row[0]) if row else ""


def move_tag(repository_id: int, tag: str, manifest_id: int) -> None:
    """Points the tag at the manifest, making the tag if need be."""
    sql = (
        "INSERT INTO registry_tag (repository_id, name, manifest_id, created_at, updated_at) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT (repository_id, name) DO UPDATE"
        " SET manifest_id = excluded.manifest_id, updated_at = excluded.updated_at"
    )
    _run(sql, [repository_id, tag, manifest_id, (now := _now()), now])


def links_to(repository_id: int, digests: Sequence[str]) -> dict[str, tuple[int, bool]]:
    """The ids of those blobs that the repository links, by digest, each with whether it is condemned there."""
    marks = ", ".join(["%s"] * len(digests))
    sql = (  # Only placeholders are put in.
        "SELECT blob.digest, blob.id, link.condemned_at FROM registry_bloblink AS link JOIN registry_blob AS blob"  # noqa: S608
        f" ON blob.id = link.blob_id WHERE link.repository_id = %s AND NOT blob.deleting AND blob.digest IN ({marks})"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [repository_id, *digests])
        return {digest: (blob_id, condemned_at is not None) for digest, blob_id, condemned_at in cursor.fetchall()}
