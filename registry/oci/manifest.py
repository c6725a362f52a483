"""Reads what the registry must know of a manifest: what it refers to and what refers it to others.

Sources: OCI Image Specification 1.1 (manifest, index), Docker Image Manifest Version 2 Schema 2.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

from registry.oci import media_types
from registry.oci.errors import Code, OCIError
from registry.oci.names import has_digest_form

SIZE_LIMIT = 4 * 1024 * 1024
_MEDIA_TYPE_LIMIT = 255


@dataclass(frozen=True, slots=True)
class Parsed:
    """A manifest's references. `blobs` and `children` must be in the repository, `optional` may be."""

    media_type: str
    artifact_type: str = ""
    subject: str = ""
    blobs: tuple[str, ...] = ()
    children: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    annotations: dict[str, str] = field(default_factory=dict)
    document: dict[str, Any] = field(default_factory=dict)  # All of it; empty where it is not JSON.


def parse(payload: bytes, content_type: str) -> Parsed:
    """Reads a manifest sent with a Content-Type. Raises MANIFEST_INVALID with the reason.

    A type we do not know is opaque: what it seems to refer to is kept from garbage collection but not required.
    """
    content_type = content_type.partition(";")[0].strip().lower()
    known = content_type in media_types.IMAGES or content_type in media_types.INDEXES
    try:
        document = _load(payload)
    except ValueError as error:
        if content_type and not known and content_type not in media_types.SCHEMA1:
            return Parsed(_check_media_type(content_type))
        raise _invalid(f"the manifest is not JSON: {error}") from None
    media_type = _media_type(document, content_type)
    if media_type in media_types.SCHEMA1 or document.get("schemaVersion") == 1:
        raise _invalid("schema 1 manifests are not supported: push with Docker 1.10 or newer, or in OCI format")
    if media_type in media_types.INDEXES:
        return _index(document, media_type)
    if media_type in media_types.IMAGES:
        return _image(document, media_type)
    return _opaque(document, media_type)


def _invalid(reason: str) -> OCIError:
    return OCIError(Code.MANIFEST_INVALID, reason)


def _load(payload: bytes) -> dict[str, Any]:
    try:
        document = json.loads(payload.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(document, dict):
        raise ValueError("it is not an object")  # noqa: TRY004 - one exception for all that is wrong with the text.
    return document


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two values under one name would let two readers see two different images behind one digest."""
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a name appears twice in one object")
    return result


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number in JSON")


def _type_in(document: dict[str, Any], key: str) -> str:
    """A member that holds a media type; empty where it is missing."""
    value = document.get(key)
    if value is not None and not isinstance(value, str):
        raise _invalid(f"{key} is not a text")
    return _check_media_type(value or "")


def _check_media_type(media_type: str) -> str:
    if len(media_type) > _MEDIA_TYPE_LIMIT or not media_type.isascii() or not media_type.isprintable():
        raise _invalid(f"media types have at most {_MEDIA_TYPE_LIMIT} printable ASCII characters")
    return media_type


def _media_type(document: dict[str, Any], content_type: str) -> str:
    declared = _type_in(document, "mediaType")
    _check_media_type(content_type)
    if declared and content_type and declared.lower() != content_type:
        raise _invalid(f"Content-Type is {content_type!r} but the manifest's mediaType is {declared!r}")
    if not declared and not content_type:
        raise _invalid("neither a Content-Type nor a mediaType says what the manifest is")
    return declared or content_type


def _image(document: dict[str, Any], media_type: str) -> Parsed:
    _check_schema_version(document, media_type)
    if document.get("manifests") is not None:
        raise _invalid("an image manifest cannot have manifests")
    blobs: list[str] = []
    optional: list[str] = []
    config_type = ""
    if media_type != media_types.OCI_ARTIFACT:
        config = _descriptor(document.get("config"), "config")
        config_type = _type_in(config, "mediaType")
        blobs.append(config["digest"])
    key = "blobs" if media_type == media_types.OCI_ARTIFACT else "layers"
    for layer in _descriptors(document, key):
        distributable = media_types.is_distributable(_type_in(layer, "mediaType")) and not layer.get("urls")
        (blobs if distributable else optional).append(layer["digest"])
    return Parsed(
        media_type,
        artifact_type=_type_in(document, "artifactType") or config_type,
        subject=_subject(document),
        blobs=_distinct(blobs),
        optional=_distinct(optional),
        annotations=_annotations(document),
        document=document,
    )


def _index(document: dict[str, Any], media_type: str) -> Parsed:
    _check_schema_version(document, media_type)
    if document.get("config") is not None or document.get("layers") is not None:
        raise _invalid("an index cannot have config or layers")
    return Parsed(
        media_type,
        artifact_type=_type_in(document, "artifactType"),
        subject=_subject(document),
        children=_distinct([entry["digest"] for entry in _descriptors(document, "manifests", required=True)]),
        annotations=_annotations(document),
        document=document,
    )


def _opaque(document: dict[str, Any], media_type: str) -> Parsed:
    return Parsed(
        media_type,
        artifact_type=_type_in(document, "artifactType"),
        subject=_subject(document),
        optional=_distinct(list(_guessed_references(document))),
        annotations=_annotations(document),
        document=document,
    )


def _guessed_references(document: dict[str, Any]) -> Iterator[str]:
    for key in ("config", "layers", "blobs", "manifests"):
        value = document.get(key)
        for item in value if isinstance(value, list) else [value]:
            digest = item.get("digest") if isinstance(item, dict) else None
            if isinstance(digest, str) and has_digest_form(digest):
                yield digest


def _check_schema_version(document: dict[str, Any], media_type: str) -> None:
    expected = None if media_type == media_types.OCI_ARTIFACT else 2
    if document.get("schemaVersion") != expected:
        raise _invalid(f"schemaVersion must be {expected}" if expected else "schemaVersion does not belong here")


def _descriptors(document: dict[str, Any], key: str, *, required: bool = False) -> list[dict[str, Any]]:
    value = document.get(key)
    if value is None and not required:
        return []
    if not isinstance(value, list):
        raise _invalid(f"{key} is not a list")
    return [_descriptor(item, f"{key}[{position}]") for position, item in enumerate(value)]


def _descriptor(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _invalid(f"{where} is not a descriptor")
    digest, size = value.get("digest"), value.get("size")
    if not isinstance(digest, str) or not has_digest_form(digest):
        raise _invalid(f"{where} has no valid digest")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise _invalid(f"{where} has no valid size")
    _type_in(value, "mediaType")
    return value


def _subject(document: dict[str, Any]) -> str:
    value = document.get("subject")
    return "" if value is None else str(_descriptor(value, "subject")["digest"])


def _annotations(document: dict[str, Any]) -> dict[str, str]:
    value = document.get("annotations")
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise _invalid("annotations are not texts by name")
    return value


def _distinct(digests: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(digests))
