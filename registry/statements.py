"""The statements of pushes and pulls, written out.

While a push's transaction runs, nobody else writes to SQLite, and others wait for the row on PostgreSQL. Composing these
statements through the ORM took ten times as long as running them; everything off these paths uses the ORM. They are in
the SQL that PostgreSQL and SQLite (from 3.35) share.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db import connection
from django.utils import timezone

from registry.models import Manifest, Repository, Upload

# Tells our advisory locks on PostgreSQL from others: this one is for a namespace's usage.
USAGE_LOCK = 7_201_936


class Linked(NamedTuple):
    """A blob as a repository links it."""

    blob_id: int
    size: int
    condemned: bool


class FoundBlob(NamedTuple):
    """A blob as one repository shows it."""

    generation: int
    namespace_created_at: datetime
    size: int | None  # None where the repository shows no such blob.


def _run(sql: str, parameters: Sequence[Any]) -> Any:
    """The first row the statement returns, or how many rows it changed where it returns none."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchone() if cursor.description else cursor.rowcount


def _all(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


def _now() -> Any:
    return connection.ops.adapt_datetimefield_value(timezone.now())


def _aware(instant: datetime) -> datetime:
    """A point in time as it was stored: SQLite keeps them in UTC and does not say so."""
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def namespace_created_at(name: str) -> datetime | None:
    """When the namespace was created; None when there is no such namespace."""
    row = _run("SELECT created_at FROM registry_namespace WHERE name = %s", [name])
    return _aware(row[0]) if row else None


def find_blob(repository: str, digest: str) -> FoundBlob | None:
    """The blob that the repository shows under the digest; None where there is no such repository."""
    sql = (
        "SELECT repository.generation, namespace.created_at, CASE WHEN link.id IS NOT NULL THEN blob.size END"
        " FROM registry_repository AS repository"
        " JOIN registry_namespace AS namespace ON namespace.id = repository.namespace_id"
        " LEFT JOIN registry_blob AS blob ON blob.digest = %s"
        " LEFT JOIN registry_bloblink AS link"
        " ON link.repository_id = repository.id AND link.blob_id = blob.id AND link.condemned_at IS NULL"
        " WHERE repository.name = %s"
    )
    row = _run(sql, [digest, repository])
    return FoundBlob(row[0], _aware(row[1]), row[2]) if row else None


def repository_named(name: str) -> Repository | None:
    """The repository, of which only the ids are read, if there is one."""
    row = _run("SELECT id, namespace_id FROM registry_repository WHERE name = %s", [name])
    return Repository(id=row[0], namespace_id=row[1], name=name) if row else None


def keep_repository(repository_id: int) -> bool:
    """Whether the repository is there; if so, nobody deletes it until the transaction ends. Pushes to it go on."""
    # Deleting gives the name up, which is a key of the row.
    lock = " FOR KEY SHARE" if connection.vendor == "postgresql" else ""
    sql = f"SELECT 1 FROM registry_repository WHERE id = %s AND deleted_at IS NULL{lock}"  # noqa: S608 - a constant
    return bool(_run(sql, [repository_id]))


def raise_generation(name: str) -> Repository | None:
    """Locks the repository and raises its generation."""
    sql = (
        "UPDATE registry_repository SET generation = generation + 1, updated_at = %s WHERE name = %s"
        " RETURNING id, namespace_id, generation"
    )
    row = _run(sql, [_now(), name])
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
        "SELECT upload.*, repository.namespace_id FROM registry_upload AS upload JOIN registry_repository AS repository"
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


def end_upload(upload: Upload) -> bool:
    """Deletes the upload's row; False when it was gone."""
    return bool(_run("DELETE FROM registry_upload WHERE id = %s", [upload.id.hex]))


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


def touch_manifests(repository_id: int, digests: Sequence[str]) -> None:
    """Notes that the manifests have lost a tag."""
    marks = ", ".join(["%s"] * len(digests))
    sql = f"UPDATE registry_manifest SET touched_at = %s WHERE repository_id = %s AND digest IN ({marks})"  # noqa: S608
    _run(sql, [_now(), repository_id, *digests])


def links_to(repository_id: int, digests: Sequence[str]) -> dict[str, Linked]:
    """Those of the blobs that the repository links, by digest."""
    marks = ", ".join(["%s"] * len(digests))
    sql = (  # Only placeholders are put in.
        "SELECT blob.digest, blob.id, blob.size, link.condemned_at IS NOT NULL FROM registry_bloblink AS link"  # noqa: S608
        " JOIN registry_blob AS blob ON blob.id = link.blob_id"
        f" WHERE link.repository_id = %s AND NOT blob.deleting AND blob.digest IN ({marks})"
    )
    rows = _all(sql, [repository_id, *digests])
    return {digest: Linked(blob_id, size, bool(condemned)) for digest, blob_id, size, condemned in rows}


_MANIFEST = [
    *("repository_id", "namespace_id", "digest", "payload", "size", "pushed_at"),
    # What may change when the same bytes are pushed again.
    *("media_type", "artifact_type", "config_media_type", "kind", "extra_attrs", "icon", "subject", "annotations"),
    *("total_size", "accessory_of", "accessory_kind", "touched_at"),
]


def store_manifest(manifest: Manifest) -> int:
    """Inserts the manifest, or describes anew the row that it has; its id.

    An accessory that was recognised by its tag stays one when it is pushed by its digest.
    """
    changes = {name: f"{name} = excluded.{name}" for name in _MANIFEST[6:]}
    for name in ("accessory_of", "accessory_kind"):
        changes[name] = f"{name} = COALESCE(NULLIF(excluded.{name}, ''), registry_manifest.{name})"
    sql = (  # Only names and placeholders are put in.
        f"INSERT INTO registry_manifest ({', '.join(_MANIFEST)}) VALUES ({', '.join(['%s'] * len(_MANIFEST))})"  # noqa: S608
        f" ON CONFLICT (repository_id, digest) DO UPDATE SET {', '.join(changes.values())} RETURNING id"
    )
    fields = {field.attname: field for field in Manifest._meta.concrete_fields}  # noqa: SLF001
    values = [fields[name].get_db_prep_save(getattr(manifest, name), connection) for name in _MANIFEST]
    return int(_run(sql, values)[0])


def use_blobs(manifest_id: int, blobs: Sequence[int]) -> None:
    """Notes that the manifest uses the blobs."""
    marks = ", ".join(["(%s, %s)"] * len(blobs))
    sql = f"INSERT INTO registry_manifestblob (manifest_id, blob_id) VALUES {marks} ON CONFLICT DO NOTHING"  # noqa: S608
    _run(sql, [value for blob_id in blobs for value in (manifest_id, blob_id)])


def count_content(repository_id: int, contents: Mapping[str, int], *, guarded: bool) -> list[tuple[int, int]]:
    """Makes digests with their sizes content of the repository's namespace; the namespace and size of each new one.

    guarded: whoever takes content out of the namespace's usage is waited for, and kept out until the transaction ends.
    """
    rows = [value for content in sorted(contents.items()) for value in content]
    marks = ", ".join(["(%s, %s)"] * len(contents))
    guard = ""
    if guarded and connection.vendor == "postgresql":
        guard = f", pg_advisory_xact_lock_shared({USAGE_LOCK}, repository.namespace_id::integer)"
    sql = (  # Only placeholders and a constant are put in.
        "INSERT INTO registry_namespacecontent (namespace_id, digest, size, folded)"  # noqa: S608
        " SELECT repository.namespace_id, added.column1, added.column2, %s"
        f" FROM registry_repository AS repository, (VALUES {marks}) AS added{guard} WHERE repository.id = %s"
        " ON CONFLICT (namespace_id, digest) DO NOTHING RETURNING namespace_id, size"
    )
    return _all(sql, [False, *rows, repository_id])


def hold_usage(namespace_id: int) -> None:
    """Waits for everybody who counts content of the namespace with a guard, and keeps them out; SQLite has one writer."""
    if connection.vendor == "postgresql":
        _run("SELECT pg_advisory_xact_lock(%s, %s)", [USAGE_LOCK, namespace_id])


def usage(namespace_id: int) -> int:
    """The bytes that count for what the namespace takes up."""
    sql = (
        "SELECT COALESCE((SELECT folded_bytes FROM registry_namespaceusage WHERE namespace_id = %s), 0)"
        " + COALESCE((SELECT SUM(size) FROM registry_namespacecontent WHERE namespace_id = %s AND NOT folded), 0)"
    )
    return int(_run(sql, [namespace_id, namespace_id])[0])
