"""Every route, tried by every kind of caller."""

from collections.abc import Iterator

import pytest
from django.test import Client as Site
from django.urls import URLPattern, get_resolver

from audit.origin import SYSTEM
from portal.access.authorizer import PortalAuthorizer
from portal.api.urls import MODULES
from registry import ports
from registry.distribution import routes
from registry.distribution.app import Distribution
from registry.oci.names import digest_of
from registry.services.uploads import begin_upload
from tests.authz import matrix
from tests.authz.world import World
from tests.registry.client import Client
from tests.registry.conftest import push, upload
from tests.support.images import image

CONTENT, BLOB = image(), b"a blob"
SHORTCUT = "/api/v2.0/^(?P<rest>.*[^/])/$"  # It only leads to the same path without its last slash.


@pytest.fixture
def authorizer() -> Iterator[PortalAuthorizer]:
    before, fresh = ports.authorizer(), PortalAuthorizer()
    ports.bind(fresh)
    yield fresh
    ports.bind(before)


@pytest.fixture
def client(transactional_db, loop, store_dir, authorizer) -> Iterator[Client]:
    async def make() -> Distribution:
        return Distribution()

    app = loop.run_until_complete(make())
    yield Client(app, loop)
    app._spool.close()


class Attempts:
    """Tries rows of the matrix, each on a repository in which everything there is to read and delete exists."""

    def __init__(self, client: Client, world: World) -> None:
        self._client = client
        self._repository = world.repository
        self._admin = Client(client.app, client._loop, headers={"authorization": world.headers["admin"][0]})

    def __call__(self, row: matrix.Row, authorization: str) -> int:
        method, route = row
        url = self._url(method, route)
        headers = {"authorization": authorization} if authorization else {}
        if "manifests" in route:
            headers["content_type"] = CONTENT.media_type
        body = (CONTENT.data if "manifests" in route else BLOB) if method in ("PUT", "PATCH") else b""
        return self._client.request(method, url, body=body, headers=headers).status

    def _url(self, method: str, route: str) -> str:
        self._stock(method, route)
        url = route.replace("<name>", self._repository).replace("<reference>", "latest")
        if "<upload>" in url:
            upload_id = begin_upload(origin=SYSTEM, repository=self._repository).pk
            url = url.replace("<upload>", str(upload_id)) + (f"?digest={digest_of(BLOB)}" if method == "PUT" else "")
        return url.replace("<digest>", digest_of(BLOB))

    def _stock(self, method: str, route: str) -> None:
        probe = f"/v2/{self._repository}/" + (
            "manifests/latest" if "manifests" in route else f"blobs/{digest_of(BLOB)}"
        )
        if self._admin.head(probe).status == 404:
            push(self._admin, CONTENT, "latest", repository=self._repository)
            upload(self._admin, BLOB, self._repository)


@pytest.mark.parametrize("public", [False, True], ids=["private", "public"])
def test_the_data_plane(client, public):
    world = World(public).build()
    attempt = Attempts(client, world)
    expected = matrix.table(matrix.PUBLIC if public else matrix.PRIVATE)
    wrong = []
    for row, statuses in expected.items():
        for caller, status in statuses.items():
            for authorization in world.headers[caller]:
                got = attempt(row, authorization)
                if got != status:
                    wrong.append(f"{' '.join(row)} by {caller} ({authorization[:6]}): {got}, not {status}")
    assert not wrong, "\n".join(wrong)


def test_the_site(client):
    world = World(public=True).build()
    site = Site(enforce_csrf_checks=True, raise_request_exception=False)
    wrong = []
    for row, statuses in matrix.table(matrix.SITE).items():
        method, path = row
        query = {"service": "harbor-registry", "scope": f"repository:{world.repository}:pull"}
        for caller, status in statuses.items():
            authorization = world.headers[caller][0]
            headers = {"authorization": authorization} if authorization else {}
            got = site.generic(
                method, path, QUERY_STRING="&".join(f"{k}={v}" for k, v in query.items()), headers=headers
            )
            if got.status_code != status:
                wrong.append(f"{method} {path} by {caller}: {got.status_code}, not {status}")
    assert not wrong, "\n".join(wrong)


def test_every_route_of_the_data_plane_is_in_the_matrix():
    declared = {(method, route.path) for route in routes.ROUTES for method in route.operations}
    assert set(matrix.table(matrix.PRIVATE)) == declared
    assert set(matrix.table(matrix.PUBLIC)) == declared


def paths(patterns, prefix="/") -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            yield prefix + str(pattern.pattern)
        else:
            yield from paths(pattern.url_patterns, prefix + str(pattern.pattern))


def test_every_url_of_the_site_is_in_a_matrix():
    rest = {f"/api/v2.0/{path}" for module in MODULES for path in module.PATHS}
    others = {path for path in paths(get_resolver().url_patterns) if not path.startswith("/admin/")}
    assert others - rest - {SHORTCUT} == {path for _, path in matrix.table(matrix.SITE)}
