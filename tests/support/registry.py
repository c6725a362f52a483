"""A small client of any OCI registry, for tests and benchmarks: plain HTTP with the token dance, push and pull."""

import base64
import re
from collections.abc import Iterator
from typing import Any

import requests

from tests.support.images import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, Content, Manifest, digest_of

ACCEPT = f"{OCI_MANIFEST}, {OCI_INDEX}, {DOCKER_MANIFEST}, {DOCKER_LIST}, */*"


class Registry:
    """One client of the registry at `url`, anonymous or as (user, password). Not for use by several threads at once."""

    def __init__(self, url: str, credentials: tuple[str, str] | None = None) -> None:
        self.url = url.rstrip("/")
        self.session = requests.Session()
        self.session.trust_env = False  # No proxy and no .netrc of the machine.
        self._credentials = credentials
        self._tokens: dict[str, str] = {}

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        """One request, repeated with a token when it was challenged; `path` may be a whole URL. Never raises on a status."""
        url = path if path.startswith("http") else self.url + path
        headers = dict(options.pop("headers", None) or {})
        if "Authorization" in headers:
            return self._send(method, url, headers, options)
        key = f"{method} {_repository(url)}"
        if key in self._tokens:
            headers["Authorization"] = self._tokens[key]
        response = self._send(method, url, headers, options)
        if response.status_code != requests.codes.unauthorized:
            return response
        self._tokens[key] = headers["Authorization"] = self._authorize(response)
        return self._send(method, url, headers, options)

    def _send(self, method: str, url: str, headers: dict[str, str], options: dict[str, Any]) -> requests.Response:
        return self.session.request(method, url, headers=headers, timeout=120, **options)

    def _authorize(self, challenged: requests.Response) -> str:
        scheme, _, rest = challenged.headers["WWW-Authenticate"].partition(" ")
        if scheme == "Basic" and self._credentials:
            return "Basic " + base64.b64encode(":".join(self._credentials).encode()).decode()
        fields = dict(re.findall(r'(\w+)="([^"]*)"', rest))
        return "Bearer " + self.token(
            *fields.get("scope", "").split(), realm=fields["realm"], service=fields["service"]
        )

    def token(self, *scopes: str, realm: str = "", service: str = "harbor-registry") -> str:
        """A token for scopes such as `repository:library/hello:pull,push`. Raises HTTPError when it is refused."""
        answer = self.session.get(
            realm or f"{self.url}/service/token",
            params={"service": service, "scope": list(scopes)},
            auth=self._credentials,
            timeout=30,
        )
        answer.raise_for_status()
        return answer.json()["token"]

    # --- content ----------------------------------------------------------------------------------------------------
    def push(self, repository: str, content: Manifest, tag: str = "") -> str:
        """Pushes all a manifest needs and then itself, under `tag` or its digest. Gives the digest."""
        for blob in content.blobs:
            self.push_blob(repository, blob)
        for member in content.members:
            self.push(repository, member)
        return self.put_manifest(repository, content, tag)

    def put_manifest(self, repository: str, content: Content, tag: str = "") -> str:
        path = f"/v2/{repository}/manifests/{tag or content.digest}"
        answer = self.request("PUT", path, data=content.data, headers={"Content-Type": content.media_type})
        answer.raise_for_status()
        return answer.headers["Docker-Content-Digest"]

    def push_blob(self, repository: str, blob: Content) -> None:
        """Uploads a blob in one piece, unless it is there."""
        if self.request("HEAD", f"/v2/{repository}/blobs/{blob.digest}").ok:
            return
        location = self.start_upload(repository)
        joint = "&" if "?" in location else "?"
        answer = self.request("PUT", f"{location}{joint}digest={blob.digest}", data=blob.data)
        answer.raise_for_status()

    def start_upload(self, repository: str) -> str:
        """Opens an upload session and gives its whole URL."""
        answer = self.request("POST", f"/v2/{repository}/blobs/uploads/")
        answer.raise_for_status()
        return self.absolute(answer.headers["Location"])

    def pull(self, repository: str, reference: str) -> Manifest:
        """A manifest with everything below it, every byte checked against its digest."""
        answer = self.request("GET", f"/v2/{repository}/manifests/{reference}", headers={"Accept": ACCEPT})
        answer.raise_for_status()
        found = Manifest(answer.headers["Content-Type"], answer.content)
        expected = reference if ":" in reference else answer.headers["Docker-Content-Digest"]
        assert digest_of(found.data, expected.partition(":")[0]) == expected
        document = found.document
        blobs = [document["config"], *document["layers"]] if "config" in document else []
        return Manifest(
            found.media_type,
            found.data,
            blobs=tuple(self.pull_blob(repository, blob) for blob in blobs),
            members=tuple(self.pull(repository, member["digest"]) for member in document.get("manifests", ())),
        )

    def pull_blob(self, repository: str, descriptor: dict[str, Any]) -> Content:
        answer = self.request("GET", f"/v2/{repository}/blobs/{descriptor['digest']}")
        answer.raise_for_status()
        assert digest_of(answer.content, descriptor["digest"].partition(":")[0]) == descriptor["digest"]
        return Content(descriptor["mediaType"], answer.content)

    def delete(self, repository: str, reference: str) -> None:
        """Deletes a manifest by digest, or a tag."""
        self.request("DELETE", f"/v2/{repository}/manifests/{reference}").raise_for_status()

    # --- listing ----------------------------------------------------------------------------------------------------
    def tags(self, repository: str, page: int | None = None) -> list[str]:
        """All tags, `page` at a time."""
        query = f"?n={page}" if page else ""
        return [tag for answer in self._pages(f"/v2/{repository}/tags/list{query}") for tag in answer["tags"] or ()]

    def referrers(self, repository: str, digest: str, artifact_type: str = "") -> list[dict[str, Any]]:
        """The descriptors of the manifests whose subject is `digest`."""
        query = f"?artifactType={artifact_type}" if artifact_type else ""
        pages = self._pages(f"/v2/{repository}/referrers/{digest}{query}")
        return [descriptor for answer in pages for descriptor in answer["manifests"]]

    def _pages(self, path: str) -> Iterator[dict[str, Any]]:
        while path:
            answer = self.request("GET", path)
            answer.raise_for_status()
            yield answer.json()
            path = self.absolute(answer.links["next"]["url"]) if "next" in answer.links else ""

    def absolute(self, location: str) -> str:
        """A Location or Link target as a whole URL."""
        return location if location.startswith("http") else self.url + location


def _repository(url: str) -> str:
    found = re.search(r"/v2/(.+)/(?:manifests|blobs|tags|referrers)/", url)
    return found[1] if found else ""
