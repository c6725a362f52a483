"""Every path of the store, made here and nowhere else.

    blobs/<algorithm>/<first two digits>/<hex digest>     content, readable by digest
    uploads/<uuid>                                        an upload in progress; its form is the driver's own
    quarantine/<algorithm>/<hex digest>                   content that did not match its digest, kept for the operator

A path is made of parts of ASCII letters, digits, `.`, `_` and `-` that do not start with a dot, so that no path leaves the
store or meets a driver's own (dotted) files.
"""

import re
import uuid

from registry.storage.errors import InvalidPath

BLOBS = "blobs"
UPLOADS = "uploads"
QUARANTINE = "quarantine"

_PART = r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}"
_PATH = re.compile(rf"{_PART}(?:/{_PART}){{0,15}}", re.ASCII)
_DIGEST = re.compile(r"(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})", re.ASCII)
_BLOB = re.compile(rf"{BLOBS}/([a-z0-9]+)/([0-9a-f]{{2}})/(\2[0-9a-f]+)", re.ASCII)


def is_path(text: str) -> bool:
    """Whether the text follows the grammar of store paths."""
    return _PATH.fullmatch(text) is not None


def check_path(path: str) -> str:
    """The path, when it follows the grammar. Raises InvalidPath."""
    if not is_path(path):
        raise InvalidPath("not a path of the store", path=repr(path[:200]))
    return path


def blob_path(digest: str) -> str:
    """Where the content of a digest, as in `sha256:<hex>`, is kept. Raises InvalidPath when it is no such digest."""
    algorithm, hexadecimal = _split(digest)
    return f"{BLOBS}/{algorithm}/{hexadecimal[:2]}/{hexadecimal}"


def quarantine_path(digest: str) -> str:
    """Where content that claimed a digest falsely is put aside."""
    algorithm, hexadecimal = _split(digest)
    return f"{QUARANTINE}/{algorithm}/{hexadecimal}"


def upload_path(upload: uuid.UUID) -> str:
    """Where an upload in progress is kept."""
    return f"{UPLOADS}/{upload}"


def blob_digest(path: str) -> str | None:
    """The digest a path under blobs/ stands for; None when it is nothing that we stored."""
    found = _BLOB.fullmatch(path)
    digest = f"{found[1]}:{found[3]}" if found else ""
    return digest if _DIGEST.fullmatch(digest) else None


def upload_id(path: str) -> uuid.UUID | None:
    """The upload that a path under uploads/ belongs to; None when it is nothing that we stored."""
    folder, _, name = path.partition("/")
    try:
        found = uuid.UUID(name)
    except ValueError:
        return None
    return found if folder == UPLOADS and str(found) == name else None


def _split(digest: str) -> tuple[str, str]:
    if not _DIGEST.fullmatch(digest):
        raise InvalidPath("not a digest", path=repr(digest[:200]))
    algorithm, _, hexadecimal = digest.partition(":")
    return algorithm, hexadecimal
