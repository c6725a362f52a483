"""Lists in pages: `page`, `page_size`, `X-Total-Count` and `Link`, as Harbor's clients follow them."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import connection
from django.db.models import QuerySet
from django.utils.encoding import escape_uri_path
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.wire import parameters
from portal.errors import Unprocessable

SMALL, LARGE = 10, 100
# A page_size of 0 or -1 asks for all there is; so much is put into one answer, and Link leads to the rest.
WHOLE = 1000
COUNTED_UP_TO = 100_000
_LAST_PAGE = 10**9

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is asked for."""

    number: int
    size: int  # As asked for: 0 or less stands for the whole.

    @property
    def rows(self) -> slice:
        """The part as a slice."""
        length = self.size if self.size > 0 else WHOLE
        return slice((self.number - 1) * length, self.number * length)


def page_of(request: Request) -> Page:
    """The page a request asks for. Raises Unprocessable."""
    # Clients that leave the page to us send 0.
    number, size = parameters.whole(request, "page", 1) or 1, parameters.whole(request, "page_size", SMALL)
    if not 1 <= number <= _LAST_PAGE:
        raise Unprocessable("page in query counts from 1")
    if size > LARGE:
        raise Unprocessable(f"page_size in query is at most {LARGE}")
    return Page(number, size)


def answer(request: Request, page: Page, total: int, items: Iterable[Any]) -> Response:
    """The items of a page, with the total and the way to the pages beside it."""
    response = Response(list(items))
    response["X-Total-Count"] = str(total)
    links = []
    if page.number > 1:
        links.append(_link(request, page.number - 1, page.size, "prev"))
    if page.rows.stop < total:
        links.append(_link(request, page.number + 1, page.size, "next"))
    if links:
        response["Link"] = " , ".join(links)
    return response


def _link(request: Request, number: int, size: int, relation: str) -> str:
    query = request.query_params.copy()
    query["page"], query["page_size"] = str(number), str(size)
    return f'<{escape_uri_path(request.path)}?{query.urlencode(safe="=~[]{}(),")}>; rel="{relation}"'


def listed(
    request: Request,
    rows: QuerySet[Any],
    show: Callable[[Sequence[Any]], Iterable[Any]],
    *,
    whole: QuerySet[Any] | None = None,
) -> Response:
    """A page of the rows, in their order, as `show` renders a list of them; one count and two queries.

    The keys of the page are found first and its rows then fetched, so that skipping to a late page costs no more than
    walking an index. `whole` gives the rows their related objects where `rows` is only good for finding them.
    """
    page = page_of(request)
    found = fetched(rows, rows if whole is None else whole, page)
    return answer(request, page, total(rows), show(found))


def fetched(rows: QuerySet[Any], whole: QuerySet[Any], page: Page) -> list[Any]:
    """The rows of a page, in their order: found by `rows` and read by `whole`."""
    keys = list(rows.values_list("pk", flat=True)[page.rows])
    by_key = {row.pk: row for row in whole.order_by().filter(pk__in=keys)}
    return [by_key[key] for key in keys if key in by_key]


def part(request: Request, items: Sequence[T], show: Callable[[Sequence[T]], Iterable[Any]]) -> Response:
    """A page of a short list that is in memory."""
    page = page_of(request)
    return answer(request, page, len(items), show(items[page.rows]))


def total(rows: QuerySet[Any]) -> int:
    """How many rows there are: exact up to `COUNTED_UP_TO`, beyond that PostgreSQL's estimate.

    Counting ten million rows takes a second, and nobody reads the last digits of the answer.
    """
    rows = rows.order_by()
    if connection.vendor != "postgresql":
        return rows.count()
    counted = rows.values("pk")[: COUNTED_UP_TO + 1].count()
    return counted if counted <= COUNTED_UP_TO else max(counted, _estimate(rows))


def _estimate(rows: QuerySet[Any]) -> int:
    plan = json.loads(rows.values("pk").explain(format="JSON"))
    return int(plan[0]["Plan"]["Plan Rows"])
