"""The media types the registry understands. Any other manifest type is stored as it is."""

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_ARTIFACT = "application/vnd.oci.artifact.manifest.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"

IMAGES = frozenset({OCI_MANIFEST, DOCKER_MANIFEST, OCI_ARTIFACT})
INDEXES = frozenset({OCI_INDEX, DOCKER_LIST})

# Signed and unsigned schema 1, which every client stopped writing years ago.
SCHEMA1 = frozenset(
    {
        "application/vnd.docker.distribution.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
    }
)

OCTET_STREAM = "application/octet-stream"


def is_distributable(media_type: str) -> bool:
    """Whether a layer of this type has to be in the registry: foreign layers are fetched from elsewhere."""
    return ".nondistributable." not in media_type and ".foreign." not in media_type
