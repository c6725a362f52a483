"""What verbs do with rows, whatever the rows are: lock one, and save one that may be there only once."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.db import IntegrityError, models, transaction

from portal.errors import Conflict, Missing, PortalError

Row = TypeVar("Row", bound=models.Model)


def locked(row: Row, *related: str) -> Row:
    """The row as it is now, locked until the transaction ends, with what `related` leads to. Raises Missing."""
    rows = type(row)._default_manager.select_for_update(of=("self",)).filter(pk=row.pk)  # noqa: SLF001
    found = (rows.select_related(*related) if related else rows).first()
    if found is None:
        raise Missing(f"There is no {row._meta.verbose_name} {row.pk}.")  # noqa: SLF001
    return found


@contextmanager
def once(taken: str, refusal: type[PortalError] = Conflict) -> Iterator[None]:
    """Raises the refusal, saying `taken`, where a constraint finds that what is saved here is there already."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        raise refusal(taken) from error
