"""Every path of the REST API, from the tables of its modules."""

from django.http import HttpRequest, HttpResponse
from django.urls import path, re_path, resolve
from django.views.decorators.csrf import csrf_exempt

from portal.api import (
    accessories,
    additions,
    allowlists,
    artifacts,
    auditlogs,
    configurations,
    gc,
    groups,
    icons,
    immutability,
    jobservice,
    labels,
    later,
    members,
    metadata,
    permissions,
    projects,
    purge,
    quotas,
    repositories,
    retentions,
    robots,
    scanners,
    search,
    statistics,
    systeminfo,
    tags,
    users,
    webhooks,
)
from portal.api.document import Document

# What does not stand yet comes first: its paths are words that others take for a parameter.
MODULES = (
    later,
    accessories,
    additions,
    allowlists,
    artifacts,
    auditlogs,
    configurations,
    gc,
    groups,
    icons,
    immutability,
    jobservice,
    labels,
    members,
    metadata,
    permissions,
    projects,
    purge,
    quotas,
    repositories,
    retentions,
    robots,
    scanners,
    search,
    statistics,
    systeminfo,
    tags,
    users,
    webhooks,
)


@csrf_exempt  # The resource itself checks the token, where there is a session.
def without_slash(request: HttpRequest, rest: str) -> HttpResponse:
    """What stands at a path, for clients that end it with a slash; some always do for `/quotas/`, others never."""
    found = resolve(f"/api/v2.0/{rest}")
    answer: HttpResponse = found.func(request, *found.args, **found.kwargs)
    return answer


urlpatterns = [
    path("openapi.json", Document.as_view()),
    *(path(route, view.as_view()) for module in MODULES for route, view in module.PATHS.items()),
    re_path(r"^(?P<rest>.*[^/])/$", without_slash),
]
