"""A small client of the REST API, for tests: one caller, by name and password, by session or anonymous."""

import itertools
import os
from typing import Any

import requests

BASE = "/api/v2.0"
_numbers = itertools.count(1)


class Api:
    """One caller of the server at `url`; `credentials` are (name, password), or None for anonymous."""

    def __init__(self, url: str, credentials: tuple[str, str] | None = None) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False  # No proxy and no .netrc of the machine.
        self.session.auth = credentials

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        """One request to a path of the server, such as a Location. Never raises on a status, follows no redirect."""
        return self.session.request(method, self.url + path, timeout=60, allow_redirects=False, **options)

    def get(self, path: str, **options: Any) -> requests.Response:
        """GET of a path below the base of the API."""
        return self.request("GET", BASE + path, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> requests.Response:
        """POST of JSON to a path below the base of the API."""
        return self.request("POST", BASE + path, json=json, **options)

    def put(self, path: str, json: Any = None, **options: Any) -> requests.Response:
        """PUT of JSON to a path below the base of the API."""
        return self.request("PUT", BASE + path, json=json, **options)

    def delete(self, path: str, **options: Any) -> requests.Response:
        """DELETE of a path below the base of the API."""
        return self.request("DELETE", BASE + path, **options)


def unique(word: str) -> str:
    """A name that no other test of this process uses, and none of another process."""
    return f"{word}-{os.getpid()}-{next(_numbers)}"


def id_of(answer: requests.Response) -> int:
    """The id of what was created, taken from its Location as clients take it."""
    return int(answer.headers["Location"].rpartition("/")[2])
