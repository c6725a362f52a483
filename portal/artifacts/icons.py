"""Pictures of artifacts: one for each kind that people know, and those that artifacts bring along."""

from dataclasses import dataclass

from portal.errors import Missing
from registry.models import Manifest
from registry.oci.names import digest_of
from registry.storage import paths
from registry.storage.errors import NotFound
from registry.store import store

LIMIT = 256 * 1024  # bytes
_SVG = "image/svg+xml"
# How the files begin that browsers take for pictures and for nothing else.
_BEGINNINGS = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}

# What is drawn in a square of 24 for each kind.
_DRAWINGS = {
    "": "M5 3h9l5 5v13H5zM14 3v5h5",
    "IMAGE": "M3 8l9-5 9 5v8l-9 5-9-5zM3 8l9 5 9-5M12 13v8",
    "CHART": "M12 8a4 4 0 100 8 4 4 0 000-8M12 3v5M12 16v5M4 7.5l4.5 2.5M15.5 14l4.5 2.5M4 16.5l4.5-2.5M15.5 10L20 7.5",
    "CNAB": "M4 7h16v13H4zM4 7l3-4h10l3 4M9 11h6",
    "WASM": "M4 4h5a3 3 0 006 0h5v16H4zM7 11l1.5 6 1.5-4 1.5 4L13 11",
    "CNAI": "M12 4v16M4 8l8-4 8 4M4 16l8 4 8-4M4 8v8M20 8v8M4 8l8 4 8-4",
    "SBOM": "M6 3h12v18H6zM9 8h6M9 12h6M9 16h4",
}


@dataclass(frozen=True, slots=True)
class Icon:
    """A picture and its media type."""

    content_type: str
    content: bytes


def _drawn(path: str) -> Icon:
    line = f'<path d="{path}" fill="none" stroke="#4a6074" stroke-width="1.5" stroke-linejoin="round"/>'
    return Icon(_SVG, f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">{line}</svg>'.encode())


_BY_KIND = {kind: _drawn(path) for kind, path in _DRAWINGS.items()}
_DIGESTS = {kind: digest_of(icon.content) for kind, icon in _BY_KIND.items()}
_BY_DIGEST = {_DIGESTS[kind]: icon for kind, icon in _BY_KIND.items()}


def icon_digest(artifact: Manifest) -> str:
    """The digest of the picture of an artifact: its own, or that of its kind."""
    return artifact.icon or _DIGESTS.get(artifact.kind, _DIGESTS[""])


def icon_of(digest: str) -> Icon:
    """The picture of that digest, if it is ours or that of an artifact which says so. Raises Missing."""
    if digest in _BY_DIGEST:
        return _BY_DIGEST[digest]
    # Only what an artifact holds and calls its icon is shown to everybody, and of that only what is a picture.
    uses = Manifest.objects.filter(blob_uses__blob__digest=digest, blob_uses__blob__size__lte=LIMIT, icon=digest)
    content = _read(digest) if uses.exists() else b""
    for beginning, content_type in _BEGINNINGS.items():
        if content.startswith(beginning):
            return Icon(content_type, content)
    raise Missing("There is no such icon.")


def _read(digest: str) -> bytes:
    try:
        return b"".join(store().read(paths.blob_path(digest)))
    except NotFound:
        return b""
