"""Which answers are left out while the client has them already."""

from django.http import HttpResponseBase
from django.middleware.http import ConditionalGetMiddleware


class ConditionalMiddleware(ConditionalGetMiddleware):
    """Django's, which compares bodies: of a page the total and the links may change while its body stays."""

    def needs_etag(self, response: HttpResponseBase) -> bool:
        """Whether the body is all that a client would miss."""
        return "X-Total-Count" not in response and bool(super().needs_etag(response))
