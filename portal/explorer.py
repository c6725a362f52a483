"""The REST API's explorer at Harbor's address for it: Swagger UI, with every file of it served from here."""

from csp.constants import SELF
from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from portal.failures import view


@csp_update({"img-src": [SELF, "data:"]})  # Swagger UI keeps its icons in its style sheet.
@view("GET", "HEAD")
def explorer(request: HttpRequest) -> HttpResponse:
    """The page; a browser's session is what its requests are made with."""
    return render(request, "explorer.html")
