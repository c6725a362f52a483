"""Operations on manifests and tags (OCI Distribution Specification 1.1, "Pulling manifests", "Pushing Manifests")."""

from registry.distribution.messages import Request, Response
from registry.distribution.threads import in_database_thread
from registry.oci.errors import Code, OCIError
from registry.oci.manifest import SIZE_LIMIT
from registry.oci.names import check_digest, check_tag, is_digest
from registry.services import manifests

_TAGS_AT_ONCE = 100


async def put(request: Request) -> Response:
    """PUT: stores a manifest and moves the tag."""
    reference = request.params["reference"]
    by_digest = is_digest(reference)
    digest = check_digest(reference) if by_digest else ""
    tags = [check_tag(tag) for tag in (request.query_values("tag") if by_digest else [reference])]
    if len(tags) > _TAGS_AT_ONCE:
        raise OCIError(Code.TAG_INVALID, f"a push may set {_TAGS_AT_ONCE} tags at most", status=414)
    payload = await request.small_body(SIZE_LIMIT)
    if not payload:
        raise OCIError(Code.MANIFEST_INVALID, "the manifest is empty")
    stored = await in_database_thread(
        manifests.put_manifest,
        origin=request.origin,
        repository=request.name,
        digest=digest,
        tags=tags,
        payload=payload,
        content_type=request.header(b"content-type"),
    )
    headers = {"Location": f"/v2/{request.name}/manifests/{stored.digest}", "Docker-Content-Digest": stored.digest}
    if stored.subject:
        headers["OCI-Subject"] = stored.subject
    if by_digest and tags:
        headers["OCI-Tag"] = ", ".join(tags)
    return Response(201, headers)


async def delete(request: Request) -> Response:
    """DELETE: by digest the manifest with its tags, by tag the tag alone."""
    reference = request.params["reference"]
    if is_digest(reference):
        check_digest(reference)
        await in_database_thread(
            manifests.delete_manifest, origin=request.origin, repository=request.name, digest=reference
        )
    else:
        check_tag(reference)
        await in_database_thread(manifests.delete_tag, origin=request.origin, repository=request.name, tag=reference)
    return Response(202)
