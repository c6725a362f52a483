"""Lists: tags, the catalog and referrers, each paged by key so that the last page costs what the first does."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from registry import selectors, statements
from registry.distribution.messages import Request, Response
from registry.models import Manifest
from registry.oci.errors import Code, OCIError
from registry.oci.manifest import SIZE_LIMIT
from registry.oci.media_types import OCI_INDEX
from registry.oci.names import check_digest

# Entries in a page of the catalog and of referrers: the most, and what a client gets that does not say.
_PAGE = 1000
_TAG_PAGE_LIMIT = 10_000


def tags(request: Request) -> Response:
    """GET /v2/<name>/tags/list: the names of a repository's tags."""
    limit = _page_size(request, default=_TAG_PAGE_LIMIT, most=_TAG_PAGE_LIMIT)
    names = _tags(request.name, request.query.get("last", ""), limit)
    return _page(request, {"name": request.name, "tags": names[:limit]}, names, limit)


def catalog(request: Request) -> Response:
    """GET /v2/_catalog: the names of all repositories."""
    limit = _page_size(request, default=_PAGE, most=_PAGE)
    names = selectors.repositories_after(request.query.get("last", ""), limit + 1)
    return _page(request, {"repositories": names[:limit]}, names, limit)


def referrers(request: Request) -> Response:
    """GET /v2/<name>/referrers/<digest>: an index of the manifests whose subject is the digest."""
    digest = check_digest(request.params["digest"])
    wanted = request.query.get("artifactType", "")
    last = request.query.get("last", "0")
    if not last.isdecimal():
        raise OCIError(Code.PAGINATION_NUMBER_INVALID, "last is not one this registry gave out")
    repository = statements.repository_named(request.name)
    found = selectors.referrers_after(repository.pk, digest, wanted, int(last[:18])) if repository else iter(())
    descriptors, next_after = _first_page(found)
    headers = {"Content-Type": OCI_INDEX}
    if wanted:
        headers["OCI-Filters-Applied"] = "artifactType"
    if next_after:
        query = {"last": str(next_after)} | ({"artifactType": wanted} if wanted else {})
        headers["Link"] = _link(request, query)
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": descriptors}
    return Response(200, headers, json.dumps(index).encode())


def _first_page(manifests: Iterator[Manifest]) -> tuple[list[dict[str, Any]], int]:
    """As many descriptors as fit a page, and the id to go on after; 0 when these are all.

    A page is measured in bytes too, since each manifest's annotations may take megabytes.
    """
    descriptors: list[dict[str, Any]] = []
    size = last = 0
    for manifest in manifests:
        if size >= SIZE_LIMIT or len(descriptors) >= _PAGE:
            return descriptors, last
        descriptors.append(_descriptor(manifest))
        size += len(json.dumps(descriptors[-1]))
        last = manifest.pk
    return descriptors, 0


def _descriptor(manifest: Manifest) -> dict[str, Any]:
    descriptor: dict[str, Any] = {"mediaType": manifest.media_type, "digest": manifest.digest, "size": manifest.size}
    if manifest.artifact_type:
        descriptor["artifactType"] = manifest.artifact_type
    if manifest.annotations:
        descriptor["annotations"] = manifest.annotations
    return descriptor


def _tags(repository: str, last: str, limit: int) -> list[str]:
    found = statements.repository_named(repository)
    if found is None:
        raise OCIError(Code.NAME_UNKNOWN, detail={"name": repository})
    return selectors.tags_after(found.pk, last, limit + 1)


def _page_size(request: Request, *, default: int, most: int) -> int:
    text = request.query.get("n", "")
    if not text:
        return default
    if not text.isdecimal():
        raise OCIError(Code.PAGINATION_NUMBER_INVALID, detail={"n": text[:32]})
    return min(int(text[:9]), most)


def _page(request: Request, content: dict[str, Any], names: list[str], limit: int) -> Response:
    headers = {"Content-Type": "application/json"}
    if limit and len(names) > limit:
        headers["Link"] = _link(request, {"n": str(limit), "last": names[limit - 1]})
    return Response(200, headers, json.dumps(content).encode() + b"\n")


def _link(request: Request, query: dict[str, str]) -> str:
    return f'<{request.scope["path"]}?{urlencode(query)}>; rel="next"'
