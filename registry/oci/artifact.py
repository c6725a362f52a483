"""What people see of a manifest: its kind, what its config tells, its size, what it is an accessory of.

The kinds, and which member of `extra_attrs` comes from where, are facts of Harbor's API. Nothing here fails on content
that is not as it should be: it tells less then.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from registry.oci import media_types
from registry.oci.manifest import Parsed
from registry.oci.names import has_digest_form

CONFIG_LIMIT = 4 * 1024 * 1024
UNKNOWN = "UNKNOWN"
FITTING = 256 * 1024
"""Characters of JSON: lists show the attributes of a hundred manifests at once."""
_LONGEST_KIND = 32

# By artifact type or the media type of the config.
KINDS = {
    "application/vnd.oci.image.config.v1+json": "IMAGE",
    "application/vnd.docker.container.image.v1+json": "IMAGE",
    "application/vnd.cncf.helm.config.v1+json": "CHART",
    "application/vnd.cnab.manifest.v1": "CNAB",
    "application/vnd.wasm.config.v1+json": "WASM",
    "application/vnd.cnai.model.manifest.v1+json": "CNAI",
    "application/vnd.cnai.model.config.v1+json": "CNAI",
    "application/vnd.cncf.model.manifest.v1+json": "CNAI",
    "application/vnd.cncf.model.config.v1+json": "CNAI",
    "application/vnd.goharbor.harbor.sbom.v1": "SBOM",
}
_WASM = "application/vnd.wasm.config.v1+json"
# Annotations that make an image's manifest that of a WebAssembly module.
_WASM_MARKS = {("module.wasm.image/variant", "compat"), ("run.oci.handler", "wasm")}
# What people define themselves has its name in the type of its config.
_NAMED = re.compile(r"application/vnd\.[^.]*\.([\w.-]+)\.config\.[^.]*\+json", re.ASCII)
_AUTHOR_LABELS = ("org.opencontainers.image.authors", "maintainer")
_ICON = "io.goharbor.artifact.v1alpha1.icon"

# By artifact type or config type: the accessories that are not just something with a subject.
_ACCESSORIES = {
    "application/vnd.dev.cosign.artifact.sig.v1+json": "signature.cosign",
    "application/vnd.dev.sigstore.bundle.v0.3+json": "signature.cosign",
    "application/vnd.cncf.notary.signature": "signature.notation",
    "application/vnd.goharbor.harbor.sbom.v1": "sbom.harbor",
}
_OTHER_ACCESSORY = "subject.accessory"
_NYDUS = "containerd.io/snapshot/nydus-bootstrap"  # Annotation of the last layer of an image that is an accelerator.
# Cosign's older way to name what it signs or attests: by a tag.
_COSIGN_TAG = re.compile(r"sha256-([0-9a-f]{64})\.(sig|att|sbom)", re.ASCII)
_COSIGN_SIGNATURE = "sig"


@dataclass(frozen=True, slots=True)
class Description:
    """What people see of a manifest. `size` is that of its config and layers, as it says itself."""

    kind: str = UNKNOWN
    config_media_type: str = ""
    extra_attrs: dict[str, Any] = field(default_factory=dict)
    icon: str = ""
    size: int = 0


@dataclass(frozen=True, slots=True)
class Member:
    """What an index says of one of its manifests."""

    digest: str
    platform: dict[str, Any]
    annotations: dict[str, Any]
    urls: list[str]


def wanted_config(document: dict[str, Any], media_type: str) -> str:
    """The digest of the config that `describe` would like to see, empty for none."""
    config = _dict(document.get("config"))
    digest = _text(config.get("digest"))
    wanted = media_type in media_types.IMAGES and _kind(document, media_type) != UNKNOWN
    return digest if wanted and _size(config) <= CONFIG_LIMIT and has_digest_form(digest) else ""


def describe(document: dict[str, Any], media_type: str, config: bytes | None = None) -> Description:
    """What a manifest is, by its document and its config, where that could be read."""
    kind = _kind(document, media_type)
    layers = [_dict(layer) for layer in _list(document.get("layers") or document.get("blobs"))]
    parts = [_dict(document.get("config")), *layers] if media_type not in media_types.INDEXES else []
    return Description(
        kind=kind,
        config_media_type=_config_type(document, media_type),
        extra_attrs=fitting(_attributes(kind, document, _parsed(config))),
        icon=next((layer["digest"] for layer in layers if _pictures(layer)), ""),
        size=sum(_size(part) for part in parts),
    )


def members(document: dict[str, Any], media_type: str) -> list[Member]:
    """What an index says of each of its manifests, once each."""
    entries = _list(document.get("manifests")) if media_type in media_types.INDEXES else []
    found = {
        entry["digest"]: Member(
            digest=entry["digest"],
            platform=_dict(entry.get("platform")),
            annotations=_dict(entry.get("annotations")),
            urls=[url for url in _list(entry.get("urls")) if isinstance(url, str)],
        )
        for entry in map(_dict, reversed(entries))
    }
    return list(reversed(found.values()))


def fitting(members: dict[str, Any]) -> dict[str, Any]:
    """As many of the members, in their order, as `FITTING` allows to keep beside a manifest."""
    kept, room = {}, FITTING
    for name, value in members.items():
        room -= len(json.dumps({name: value}))
        if room < 0:
            break
        kept[name] = value
    return kept


def accessory(parsed: Parsed, tags: Iterable[str]) -> tuple[str, str]:
    """The digest of the manifest that one pushed under these tags goes with, and how; empty for none."""
    if parsed.subject:
        layer = _dict(next(reversed(_list(parsed.document.get("layers"))), None))
        other = "accelerator.nydus" if _NYDUS in _dict(layer.get("annotations")) else _OTHER_ACCESSORY
        return parsed.subject, _ACCESSORIES.get(parsed.artifact_type, other)
    for match in filter(None, map(_COSIGN_TAG.fullmatch, tags)):
        kind = "signature.cosign" if match[2] == _COSIGN_SIGNATURE else _OTHER_ACCESSORY
        return f"sha256:{match[1]}", kind
    return "", ""


def is_accessory_tag(tag: str) -> bool:
    """Whether a tag says of its manifest that it signs or attests another one."""
    return _COSIGN_TAG.fullmatch(tag) is not None


def _kind(document: dict[str, Any], media_type: str) -> str:
    types = [_text(document.get("artifactType")), _config_type(document, media_type)]
    if media_type in media_types.INDEXES:
        named = _text(_dict(document.get("annotations")).get("org.opencontainers.artifactType"))
        if not named:
            return "IMAGE"
        types.insert(0, named)
    if known := next((KINDS[name] for name in types if name in KINDS), ""):
        return known
    named_types = (match[1].upper() for match in map(_NAMED.fullmatch, types) if match)
    return next((name for name in named_types if len(name) <= _LONGEST_KIND), UNKNOWN)


def _config_type(document: dict[str, Any], media_type: str) -> str:
    """The type of the config, which for an index is its own."""
    if media_type in media_types.INDEXES:
        return media_type
    annotations = _dict(document.get("annotations"))
    if any(annotations.get(name) == value for name, value in _WASM_MARKS):
        return _WASM
    return _text(_dict(document.get("config")).get("mediaType"))


def _attributes(kind: str, document: dict[str, Any], config: dict[str, Any]) -> dict[str, Any]:
    if kind == "IMAGE":
        return _image(config) if config else {}
    if kind != "WASM":
        return config
    real_type = _text(_dict(document.get("config")).get("mediaType"))
    if real_type != _WASM:
        return {"manifest.config.mediaType": real_type, **_image(config)}
    layer = _dict(next(iter(_list(document.get("layers"))), None))
    title = _text(_dict(layer.get("annotations")).get("org.opencontainers.image.title"))
    return {
        "manifest.config.mediaType": _WASM,
        "manifest.layers.mediaType": _text(layer.get("mediaType")),
        "org.opencontainers.image.title": title,
    }


def _image(config: dict[str, Any]) -> dict[str, Any]:
    settings = _dict(config.get("config"))
    labels = _dict(settings.get("Labels"))
    authors = [config.get("author"), *(labels.get(name) for name in _AUTHOR_LABELS)]
    return {
        "architecture": _text(config.get("architecture")),
        "os": _text(config.get("os")),
        "created": config.get("created"),
        "author": next(filter(None, map(_text, authors)), ""),
        "config": settings,
    }


def _pictures(layer: dict[str, Any]) -> bool:
    return _ICON in _dict(layer.get("annotations")) and has_digest_form(_text(layer.get("digest")))


def _parsed(config: bytes | None) -> dict[str, Any]:
    try:
        return _dict(json.loads(config or b"{}", parse_constant=str))
    except (ValueError, RecursionError):
        return {}


def _size(part: dict[str, Any]) -> int:
    size = part.get("size")
    return size if isinstance(size, int) and size > 0 else 0


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
