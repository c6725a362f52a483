"""Who sent a Django request: the same rules about proxies as in the registry."""

from django.http import HttpRequest

from registry.distribution.client import Client, client_of

_TELLING = ("host", "user-agent", "x-forwarded-for", "x-forwarded-host", "x-request-id")


def client_of_request(request: HttpRequest) -> Client:
    """The sender; forwarded headers count only where a trusted proxy sent them."""
    sent = {name.encode(): request.headers.get(name, "").encode("latin-1", errors="replace") for name in _TELLING}
    return client_of({"client": (request.META.get("REMOTE_ADDR", ""), 0)}, {k: v for k, v in sent.items() if v})
