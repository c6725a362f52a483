"""Small images, indexes and artifacts made in pure Python: exact bytes and their digests."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
OCI_EMPTY = "application/vnd.oci.empty.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


def digest_of(data: bytes, algorithm: str = "sha256") -> str:
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


@dataclass(frozen=True)
class Content:
    """Bytes with a media type."""

    media_type: str
    data: bytes

    @cached_property
    def digest(self) -> str:
        return digest_of(self.data)

    def descriptor(self, **extra: Any) -> dict[str, Any]:
        """How another manifest refers to this; `extra` adds members such as platform."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.data), **extra}


@dataclass(frozen=True)
class Manifest(Content):
    """A manifest with all it needs: its blobs, and for an index its members."""

    blobs: tuple[Content, ...] = ()
    members: tuple["Manifest", ...] = ()

    @property
    def document(self) -> dict[str, Any]:
        return json.loads(self.data)


def tar_of(files: Mapping[str, bytes]) -> bytes:
    """A tar archive that is the same whenever it is made."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def image(text: str = "hello", *, docker: bool = False, architecture: str = "amd64", layers: int = 1) -> Manifest:
    """An image whose content, and so whose digest, follows from `text`; OCI, or Docker v2 schema 2."""
    tars = [tar_of({f"file-{number}.txt": f"{text} {number}\n".encode()}) for number in range(layers)]
    packed = [Content(DOCKER_LAYER if docker else OCI_LAYER, gzip.compress(tar, mtime=0)) for tar in tars]
    document = {
        "architecture": architecture,
        "os": "linux",
        "config": {"Cmd": ["/file-0.txt"]},
        "rootfs": {"type": "layers", "diff_ids": [digest_of(tar) for tar in tars]},
    }
    config = Content(DOCKER_CONFIG if docker else OCI_CONFIG, _json(document))
    return manifest(config, packed, media_type=DOCKER_MANIFEST if docker else OCI_MANIFEST)


def manifest(config: Content, layers: Sequence[Content], *, media_type: str = OCI_MANIFEST, **extra: Any) -> Manifest:
    """A manifest over any config and layers; `extra` adds members such as subject or annotations."""
    document = {"schemaVersion": 2, "mediaType": media_type, "config": config.descriptor()}
    document |= {"layers": [layer.descriptor() for layer in layers], **extra}
    return Manifest(media_type, _json(document), blobs=(config, *layers))


def index(members: Sequence[Manifest], *, docker: bool = False, **extra: Any) -> Manifest:
    """An index (or Docker's manifest list) of images, each with the platform its config tells."""
    media_type = DOCKER_LIST if docker else OCI_INDEX
    entries = [member.descriptor(**_platform(member)) for member in members]
    document = {"schemaVersion": 2, "mediaType": media_type, "manifests": entries, **extra}
    return Manifest(media_type, _json(document), members=tuple(members))


def artifact(
    artifact_type: str, payload: bytes = b"payload", *, subject: Manifest | None = None, **annotations: str
) -> Manifest:
    """An artifact that is no image: an empty config, one layer, perhaps a subject it speaks about."""
    extra: dict[str, Any] = {"artifactType": artifact_type}
    if subject:
        extra["subject"] = subject.descriptor()
    if annotations:
        extra["annotations"] = annotations
    return manifest(Content(OCI_EMPTY, b"{}"), [Content("application/octet-stream", payload)], **extra)


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, indent=2).encode()


def _platform(member: Manifest) -> dict[str, Any]:
    if member.members or not member.blobs:
        return {}
    config = json.loads(member.blobs[0].data)
    return {"platform": {"os": config["os"], "architecture": config["architecture"]}} if "os" in config else {}


def write_layout(directory: Path, content: Manifest, tag: str) -> None:
    """Writes an OCI image layout, from which clients copy, to `directory`."""
    blobs = directory / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    for part in _parts(content):
        (blobs / part.digest.removeprefix("sha256:")).write_bytes(part.data)
    entry = content.descriptor(annotations={"org.opencontainers.image.ref.name": tag})
    (directory / "index.json").write_bytes(_json({"schemaVersion": 2, "manifests": [entry]}))
    (directory / "oci-layout").write_bytes(_json({"imageLayoutVersion": "1.0.0"}))


def _parts(content: Manifest) -> list[Content]:
    return [content, *content.blobs, *(part for member in content.members for part in _parts(member))]
