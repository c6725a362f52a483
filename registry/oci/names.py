"""The grammar of repository names, tags and digests (OCI Distribution Specification 1.1, "Pull"; Image Specification, "Digests")."""

import hashlib
import re

from registry.oci.errors import Code, OCIError

NAME_LIMIT = 255
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
NAME = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})+", re.ASCII)
TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}", re.ASCII)
DIGEST_LENGTHS = {"sha256": 64, "sha512": 128}
_DIGEST = re.compile(r"[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+", re.ASCII)
_HEX = re.compile(r"[a-f0-9]+", re.ASCII)


def check_name(name: str) -> str:
    """The name, if it is a repository name with a namespace. Raises NAME_INVALID."""
    if len(name) > NAME_LIMIT or not NAME.fullmatch(name):
        raise OCIError(Code.NAME_INVALID, detail={"name": name[:NAME_LIMIT]})
    return name


def check_tag(tag: str) -> str:
    """The tag, if it is one. Raises TAG_INVALID."""
    if not TAG.fullmatch(tag):
        raise OCIError(Code.TAG_INVALID, detail={"tag": tag[:NAME_LIMIT]})
    return tag


def check_digest(digest: str) -> str:
    """The digest, if we can verify its algorithm and it has the right form. Raises DIGEST_INVALID."""
    algorithm, _, encoded = digest.partition(":")
    length = DIGEST_LENGTHS.get(algorithm)
    if length is None or len(encoded) != length or not _HEX.fullmatch(encoded):
        known = ", ".join(DIGEST_LENGTHS)
        raise OCIError(
            Code.DIGEST_INVALID, f"invalid digest; known algorithms: {known}", detail={"digest": digest[:200]}
        )
    return digest


def is_digest(reference: str) -> bool:
    """Whether a manifest reference is meant as a digest: tags have no colon."""
    return ":" in reference


def has_digest_form(digest: str) -> bool:
    """Whether the text is a digest by the grammar, of any algorithm."""
    return len(digest) <= 135 and _DIGEST.fullmatch(digest) is not None  # noqa: PLR2004 - "sha512:" and 128 hex digits.


def digest_of(data: bytes, algorithm: str = "sha256") -> str:
    """The digest of some bytes."""
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


def repository_in(reference: str) -> str:
    """The repository's name in a reference, such as `team/app` in `team/app:tag` and `team/app@digest`."""
    return reference.partition("@")[0].partition(":")[0]


def namespace_of(name: str) -> str:
    """The first component of a repository name: the namespace it belongs to."""
    return name.partition("/")[0]
