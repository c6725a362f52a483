"""What is inside an artifact, for people to read: the history of an image, the texts of a chart or a model.

Which kind has which addition, and what type it is answered with, are facts of Harbor's API.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from portal.artifacts.archives import file_in
from portal.errors import Invalid, Missing
from registry.models import Manifest
from registry.oci.artifact import CONFIG_LIMIT
from registry.oci.media_types import INDEXES
from registry.statements import find_blob
from registry.storage import paths
from registry.storage.errors import NotFound
from registry.store import store

BLOB_LIMIT = 16 * 1024 * 1024
"""Bytes of a blob that is shown, or looked into, as it is stored."""
NAMES = ("build_history", "values.yaml", "readme.md", "dependencies", "sbom", "license", "files")

_JSON = "application/json; charset=utf-8"
_TEXT = "text/plain; charset=utf-8"
_MARKDOWN = "text/markdown; charset=utf-8"
_SBOM = "application/vnd.goharbor.harbor.sbom.v1"
_MODEL_PATHS = ("org.cncf.model.filepath", "org.cnai.model.filepath")  # Annotations of a model's layers.
_DEEPEST = 32  # Folders in the tree of a model.
_MOST_STEPS = 1000  # Of a history that are shown.


@dataclass(frozen=True, slots=True)
class Addition:
    """A text and its media type."""

    content_type: str
    content: bytes


def offered(artifact: Manifest) -> list[str]:
    """The additions that an artifact of this kind has."""
    kind = "" if artifact.media_type in INDEXES else artifact.kind
    return [name for known, name in _READERS if known == kind]


def addition_of(artifact: Manifest, name: str) -> Addition:
    """One addition. Raises Invalid when artifacts of its kind have no such one, Missing when this one has not."""
    reader = _READERS.get((artifact.kind, name))
    if reader is None or artifact.media_type in INDEXES:
        raise Invalid(f"An artifact of the type {artifact.kind} has no {name}.")
    return reader(artifact, _dict(json.loads(bytes(artifact.payload))))


def _history(artifact: Manifest, document: dict[str, Any]) -> Addition:
    return _json(_list(_config(artifact, document).get("history"))[:_MOST_STEPS])


def _dependencies(artifact: Manifest, document: dict[str, Any]) -> Addition:
    found = [_dict(one) for one in _list(_config(artifact, document).get("dependencies"))]
    return _json([{key: _text(one.get(key)) for key in ("name", "version", "repository")} for one in found])


def _in_chart(file: str, content_type: str) -> "Reader":
    """A file in the folder that a chart's archive consists of; the case of its name does not matter."""

    def wanted(path: str) -> bool:
        parts = PurePosixPath(path).parts
        return len(parts) == 2 and parts[1].lower() == file  # noqa: PLR2004 - the folder and the file

    def read(artifact: Manifest, document: dict[str, Any]) -> Addition:
        # A chart is one archive: whoever lists more of them could have us unpack them all for each request.
        layer = next((each for each in _layers(document) if "tar" in _text(each.get("mediaType"))), {})
        with _blob(artifact, layer) as pieces:
            content = file_in(pieces, wanted)
        if content is None:
            raise Missing(f"The chart has no {file}.")
        return Addition(content_type, _readable(content))

    return read


def _in_model(names: tuple[str, ...], content_type: str) -> "Reader":
    """A document of a model, which is a layer of its own."""

    def read(artifact: Manifest, document: dict[str, Any]) -> Addition:
        for layer in _layers(document):
            media_type = _text(layer.get("mediaType"))
            if ".doc." not in media_type or _path(layer).lower() not in names:
                continue
            with _blob(artifact, layer) as pieces:
                content = file_in(pieces, lambda _: True) if ".tar" in media_type else b"".join(pieces)
            return Addition(content_type, _readable(content or b""))
        raise Missing(f"The model has no {names[0]}.")

    return read


def _files(_artifact: Manifest, document: dict[str, Any]) -> Addition:
    """The files of a model as a tree, as far as its layers tell their paths."""
    tree: dict[str, Any] = {}
    for layer in _layers(document):
        path = _path(layer)
        *folders, name = [part for part in path.split("/") if part not in {"", "."}] or [""]
        if not name or ".." in folders or len(folders) > _DEEPEST:
            continue
        place = tree
        for folder in folders:
            place = place.setdefault(folder, {})
            if not isinstance(place, dict):  # Another layer calls it a file.
                break
        else:
            place.setdefault(name, {} if path.endswith("/") else _size(layer))
    return _json(_told(tree))


def _told(tree: dict[str, Any]) -> list[dict[str, Any]]:
    folders = sorted((name, inside) for name, inside in tree.items() if isinstance(inside, dict))
    files = sorted((name, size) for name, size in tree.items() if not isinstance(size, dict))
    return [
        *({"name": name, "type": "directory", "children": _told(inside)} for name, inside in folders),
        *({"name": name, "type": "file", "size": size} for name, size in files),
    ]


def _sbom(artifact: Manifest, document: dict[str, Any]) -> Addition:
    for layer in _layers(document):
        with _blob(artifact, layer) as pieces:
            return Addition(_SBOM, b"".join(pieces))
    raise Missing("The artifact holds no bill of materials.")


Reader = Callable[[Manifest, dict[str, Any]], Addition]
_READERS: dict[tuple[str, str], Reader] = {
    ("IMAGE", "build_history"): _history,
    ("CHART", "readme.md"): _in_chart("readme.md", _MARKDOWN),
    ("CHART", "values.yaml"): _in_chart("values.yaml", _TEXT),
    ("CHART", "dependencies"): _dependencies,
    ("CNAI", "readme.md"): _in_model(("readme.md", "readme"), _MARKDOWN),
    ("CNAI", "license"): _in_model(("license", "license.txt"), _TEXT),
    ("CNAI", "files"): _files,
    ("SBOM", "sbom"): _sbom,
}


@contextmanager
def _blob(artifact: Manifest, descriptor: dict[str, Any], limit: int = BLOB_LIMIT) -> Iterator[Iterator[bytes]]:
    """The bytes of a blob in pieces. What the repository does not hold is not for its readers, wherever else it may be."""
    digest = _text(descriptor.get("digest"))
    found = find_blob(artifact.repository.name, digest)
    if found is None or found.size is None:
        raise Missing("The registry does not hold this part of the artifact.")
    if found.size > limit:
        raise Invalid(f"This part of the artifact is larger than {limit} bytes, too large to be shown.")
    try:
        pieces = store().read(paths.blob_path(digest))
    except NotFound:
        raise Missing("The store does not hold this part of the artifact.") from None
    with closing(pieces):
        yield pieces


def _config(artifact: Manifest, document: dict[str, Any]) -> dict[str, Any]:
    with _blob(artifact, _dict(document.get("config")), CONFIG_LIMIT) as pieces:
        content = b"".join(pieces)
    try:
        return _dict(json.loads(content, parse_constant=str))
    except (ValueError, RecursionError):
        raise Invalid("The configuration of the artifact cannot be read.") from None


def _json(value: Any) -> Addition:
    return Addition(_JSON, json.dumps(value).encode())


def _readable(content: bytes) -> bytes:
    return content.decode(errors="replace").encode()


def _layers(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [_dict(layer) for layer in _list(document.get("layers"))]


def _path(layer: dict[str, Any]) -> str:
    annotations = _dict(layer.get("annotations"))
    return next(filter(None, (_text(annotations.get(name)) for name in _MODEL_PATHS)), "")


def _size(layer: dict[str, Any]) -> int:
    size = layer.get("size")
    return size if isinstance(size, int) else 0


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
