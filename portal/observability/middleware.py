"""Around every request that Django answers: its id, its line in the access log, its share of the metrics."""

import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from portal.clients import client_of_request
from portal.observability import access, metrics
from registry import context
from registry.distribution.client import Client
from registry.ports import Exchange

Answer = Callable[[HttpRequest], HttpResponse]


class RequestMiddleware:
    """Stands first, so that it sees what all others answer. Who finds out the caller names it in the client's `actor`."""

    def __init__(self, get_response: Answer) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The answer, with the request's id in X-Request-Id."""
        client = client_of_request(request)
        began = time.perf_counter()
        token = context.request_id.set(client.request_id)
        metrics.INFLIGHT.inc()
        try:
            response = self._get_response(request)
            response["X-Request-Id"] = client.request_id
            seconds = time.perf_counter() - began
            metrics.count_request(str(request.method), response.status_code, _operation(request), seconds)
            access.note(_exchange(request, response, client, seconds))
        finally:
            metrics.INFLIGHT.dec()
            context.request_id.reset(token)
        return response


def _operation(request: HttpRequest) -> str:
    """The route that matched, as it is written in the table of URLs."""
    return request.resolver_match.route if request.resolver_match else metrics.UNMATCHED


def _exchange(request: HttpRequest, response: HttpResponse, client: Client, seconds: float) -> Exchange:
    return Exchange(
        method=str(request.method),
        path=request.path,
        status=response.status_code,
        size=None if response.streaming else len(response.content),
        seconds=seconds,
        request_id=client.request_id,
        address=client.address,
        actor=client.actor,
    )
