"""GET and HEAD of manifests and blobs: the hot path.

`Answer`s are built once from the index and then served from memory, without a thread or a query, as long as their
repository's generation stands.
"""

from functools import lru_cache

from audit.spool import Spool, encoded
from registry import selectors, statements
from registry.distribution.cache import Answer
from registry.distribution.client import Client
from registry.distribution.messages import Request
from registry.oci.errors import Code, OCIError
from registry.oci.media_types import OCTET_STREAM
from registry.oci.names import check_digest, is_digest
from registry.ports import Caller
from registry.storage import paths
from registry.store import store

# Blobs up to this size are served from memory: configurations, signatures, small layers.
_IN_MEMORY = 64 * 1024
_IMMUTABLE = b"private, max-age=31536000, immutable"
_REVALIDATE = b"private, no-cache"
# The type of a manifest is its pusher's to choose. A browser that is shown it as a page must not run what is in it with
# the rights of whoever is logged in here.
_INERT = (b"content-security-policy", b"default-src 'none'; sandbox")


def manifest(request: Request) -> Answer:
    """GET and HEAD of a manifest. Raises MANIFEST_UNKNOWN or NAME_UNKNOWN."""
    repository, reference = request.name, request.params["reference"]
    by_digest = is_digest(reference)
    if by_digest:
        check_digest(reference)
    found = selectors.find_manifest(repository, reference)
    if found is None:
        if not selectors.repository_exists(repository):
            raise _no_repository(repository)
        raise OCIError(Code.MANIFEST_UNKNOWN, detail={"reference": reference})
    return Answer(
        repository=repository,
        namespace_created_at=found.namespace_created_at,
        generation=found.generation,
        reference=reference,
        digest=found.digest,
        headers=[
            *_headers(found.digest, found.media_type, len(found.payload), _IMMUTABLE if by_digest else _REVALIDATE),
            _INERT,
        ],
        etag=_etag(found.digest),
        size=len(found.payload),
        body=found.payload,
        is_manifest=True,
    )


def blob(request: Request) -> Answer:
    """GET and HEAD of a blob. Raises BLOB_UNKNOWN or NAME_UNKNOWN."""
    repository, digest = request.name, request.params["digest"]
    found = statements.find_blob(repository, check_digest(digest))
    if found is None:
        raise _no_repository(repository)
    if found.size is None:
        raise OCIError(Code.BLOB_UNKNOWN, detail={"digest": digest})
    path = paths.blob_path(digest)
    small = found.size <= _IN_MEMORY
    return Answer(
        repository=repository,
        namespace_created_at=found.namespace_created_at,
        generation=found.generation,
        reference=digest,
        digest=digest,
        headers=[*_headers(digest, OCTET_STREAM, found.size, _IMMUTABLE), (b"accept-ranges", b"bytes")],
        etag=_etag(digest),
        size=found.size,
        body=b"".join(store().read(path)) if small else None,
        file=None if small else store().local_path(path),
    )


def note_pull(spool: Spool, client: Client, caller: Caller, answer: Answer) -> None:
    """Tells the journal's spool that somebody pulled a manifest."""
    author = caller.name, caller.kind, caller.credential, client.address, client.user_agent
    spool.append(_pull(*author, answer.repository, answer.reference, answer.digest), client.request_id)


@lru_cache(maxsize=1024)
def _pull(
    actor: str, kind: str, credential: str, address: str, user_agent: str, repository: str, reference: str, digest: str
) -> str:
    """What the spool keeps of such a pull. Clients ask for the same again and again."""
    event = {
        "actor": actor,
        "kind": kind,
        "credential": credential,
        "address": address,
        "user_agent": user_agent,
        "action": "manifest.pull",
        "project": repository.partition("/")[0],
        "target": f"{repository}{'@' if is_digest(reference) else ':'}{reference}",
        "digest": digest,
    }
    return encoded(event)


def _headers(digest: str, media_type: str, size: int, caching: bytes) -> list[tuple[bytes, bytes]]:
    return [
        (b"content-type", media_type.encode("latin-1", "replace")),
        (b"content-length", str(size).encode()),
        (b"docker-content-digest", digest.encode()),
        (b"docker-distribution-api-version", b"registry/2.0"),
        (b"etag", _etag(digest)),
        (b"cache-control", caching),
        (b"x-content-type-options", b"nosniff"),
    ]


def _etag(digest: str) -> bytes:
    return f'"{digest}"'.encode()


def _no_repository(name: str) -> OCIError:
    return OCIError(Code.NAME_UNKNOWN, detail={"name": name})
