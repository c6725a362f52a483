"""Answers that are a text: logs of jobs, `Pong`."""

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes

TEXT = {(200, "text/plain"): OpenApiTypes.STR}
"""The `answers` of an operation that gives a text."""


def plain(text: str) -> HttpResponse:
    """The text as it stands."""
    return HttpResponse(text, content_type="text/plain; charset=utf-8")
