"""Compares what a namespace is said to take up with what is there, and writes it anew.

Usage is kept exact by whoever adds and removes; this is for what happened before it was kept, and for doubts.
"""

from django.db import connection, transaction

from audit.journal import record
from audit.origin import Origin
from registry import statements
from registry.models import Namespace

# Everything that counts, by the manifests and links that are there; of blobs that are only linked, those that count now.
_TRUTH = """
    SELECT manifest.digest, manifest.size FROM registry_manifest AS manifest
        JOIN registry_repository AS repository ON repository.id = manifest.repository_id
        WHERE repository.namespace_id = %(namespace)s
    UNION SELECT blob.digest, blob.size FROM registry_blob AS blob
        JOIN registry_manifestblob AS used ON used.blob_id = blob.id
        JOIN registry_manifest AS manifest ON manifest.id = used.manifest_id
        JOIN registry_repository AS repository ON repository.id = manifest.repository_id
        WHERE repository.namespace_id = %(namespace)s
    UNION SELECT blob.digest, blob.size FROM registry_blob AS blob
        JOIN registry_namespacecontent AS content
            ON content.digest = blob.digest AND content.namespace_id = %(namespace)s
        JOIN registry_bloblink AS link ON link.blob_id = blob.id
        JOIN registry_repository AS repository ON repository.id = link.repository_id
        WHERE repository.namespace_id = %(namespace)s
"""
_COMPARE = f"""
    SELECT COALESCE((SELECT folded_bytes FROM registry_namespaceusage WHERE namespace_id = %(namespace)s), 0)
        + COALESCE((SELECT SUM(size) FROM registry_namespacecontent
            WHERE namespace_id = %(namespace)s AND NOT folded), 0),
        COALESCE((SELECT SUM(size) FROM ({_TRUTH}) AS truth), 0)
"""  # noqa: S608 - constants
_REWRITE = (
    f"""
    DELETE FROM registry_namespacecontent WHERE namespace_id = %(namespace)s
        AND digest NOT IN (SELECT digest FROM ({_TRUTH}) AS truth)
    """,  # noqa: S608 - constants
    f"""
    INSERT INTO registry_namespacecontent (namespace_id, digest, size, folded)
        SELECT %(namespace)s, digest, size, %(folded)s FROM ({_TRUTH}) AS truth WHERE TRUE
        ON CONFLICT (namespace_id, digest) DO UPDATE SET size = excluded.size, folded = excluded.folded
    """,  # noqa: S608 - constants
    """
    INSERT INTO registry_namespaceusage (namespace_id, folded_bytes)
        SELECT %(namespace)s, COALESCE(SUM(size), 0) FROM registry_namespacecontent
        WHERE namespace_id = %(namespace)s AND folded
        ON CONFLICT (namespace_id) DO UPDATE SET folded_bytes = excluded.folded_bytes
    """,
)


def compare(namespace_id: int) -> tuple[int, int]:
    """The bytes that the namespace is said to take up, and those it does, both of the same moment."""
    with connection.cursor() as cursor:
        cursor.execute(_COMPARE, {"namespace": namespace_id})
        told, true = cursor.fetchone()
    return int(told), int(true)


@transaction.atomic
def recount(*, namespace_id: int, origin: Origin) -> bool:
    """Writes the usage of a namespace anew from what is there; False when it was right."""
    statements.hold_usage(namespace_id)
    namespace = Namespace.objects.filter(pk=namespace_id).first()
    told, true = compare(namespace_id)
    if namespace is None or told == true:
        return False
    with connection.cursor() as cursor:
        for statement in _REWRITE:
            cursor.execute(statement, {"namespace": namespace_id, "folded": True})
    name = namespace.name
    record(origin, "usage.recount", project=name, target=name, before={"bytes": told}, after={"bytes": true})
    return True
