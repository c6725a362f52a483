"""Operations on manifests and tags (OCI Distribution Specification 1.1, "Pulling manifests", "Pushing Manifests")."""

from dataclasses import dataclass

from registry.distribution.messages import Request, Response
from registry.distribution.threads import in_database_thread
from registry.oci.errors import Code, OCIError
from registry.oci.manifest import SIZE_LIMIT
from registry.oci.names import check_digest, check_tag, is_digest
from registry.services import manifests, tags

_TAGS_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Target:
    """Where a manifest is to be stored: under a digest the client computed, or else its sha256; and under tags."""

    digest: str
    tags: list[str]


def target(request: Request) -> Target:
    """What a PUT is aimed at, found out before its body is read."""
    reference = request.params["reference"]
    if not is_digest(reference):
        return Target("", [check_tag(reference)])
    tags = [check_tag(tag) for tag in request.query_values("tag")]
    if len(tags) > _TAGS_AT_ONCE:
        raise OCIError(Code.TAG_INVALID, f"a push may set {_TAGS_AT_ONCE} tags at most", status=414)
    return Target(check_digest(reference), tags)


async def put(request: Request, target: Target) -> Response:
    """PUT: stores a manifest and moves the tags."""
    payload = await request.small_body(SIZE_LIMIT)
    if not payload:
        raise OCIError(Code.MANIFEST_INVALID, "the manifest is empty")
    stored = await in_database_thread(
        manifests.put_manifest,
        origin=request.origin,
        repository=request.name,
        digest=target.digest,
        tags=target.tags,
        payload=payload,
        content_type=request.header(b"content-type"),
    )
    headers = {"Location": f"/v2/{request.name}/manifests/{stored.digest}", "Docker-Content-Digest": stored.digest}
    if stored.subject:
        headers["OCI-Subject"] = stored.subject
    if target.digest and target.tags:
        headers["OCI-Tag"] = ", ".join(target.tags)
    return Response(201, headers)


def delete(request: Request) -> Response:
    """DELETE: by digest the manifest with its tags, by tag the tag alone."""
    reference = request.params["reference"]
    if is_digest(reference):
        manifests.delete_manifest(origin=request.origin, repository=request.name, digest=check_digest(reference))
    else:
        tags.delete_tag(origin=request.origin, repository=request.name, tag=check_tag(reference))
    return Response(202)
