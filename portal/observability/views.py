"""What monitoring asks for: metrics, and whether this instance may get requests."""

from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from portal.clients import client_of_request
from portal.errors import Code, error_response
from portal.failures import view
from portal.health import readiness
from portal.observability.scrape import exposition

_OTHER_PROXIES = ("X-Forwarded-For", "Forwarded", "Via")


@view("GET", "HEAD")
def metrics(request: HttpRequest) -> HttpResponse:
    """Every metric of this machine, in Prometheus' text format, for the networks in PORTOLAN_METRICS."""
    if not _may_scrape(request):
        return error_response(Code.FORBIDDEN, "Metrics are shown to the networks that PORTOLAN_METRICS names.")
    return HttpResponse(exposition(), content_type=CONTENT_TYPE_PLAIN_0_0_4, headers={"Cache-Control": "no-store"})


@view("GET", "HEAD")
def ready(_request: HttpRequest) -> HttpResponse:
    """200 when this instance can do its work, 503 with the parts that it lacks when it cannot."""
    lacking = readiness()
    body = {"status": "not ready" if lacking else "ready", "lacking": lacking}
    return JsonResponse(body, status=503 if lacking else 200, headers={"Cache-Control": "no-store"})


def _may_scrape(request: HttpRequest) -> bool:
    client = client_of_request(request)
    if not client.behind_proxy and any(name in request.headers for name in _OTHER_PROXIES):
        return False  # A proxy that we were not told of has sent it, on behalf of we do not know whom.
    try:
        address = ip_address(client.address)
    except ValueError:
        return False
    return any(address in network for network in settings.METRICS_NETWORKS)
