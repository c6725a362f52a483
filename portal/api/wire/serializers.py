"""Serializers as Harbor's contract wants them.

Types are what they say: no number passes for a text, no text for a number. What is not known is left out of an answer
instead of being null.
"""

from collections.abc import Callable, Sequence
from typing import Any

from rest_framework import serializers

_BIGGEST = 2**63 - 1


class Text(serializers.CharField):
    """A text, which may be empty; blanks at its ends are part of it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"allow_blank": True, "trim_whitespace": False, **options})

    def to_internal_value(self, data: Any) -> str:
        """The text. Surrogates that stand alone are none: no database takes them."""
        if not isinstance(data, str):
            self.fail("invalid")
        try:
            data.encode()
        except UnicodeEncodeError:
            self.fail("invalid")
        return str(super().to_internal_value(data))


class Whole(serializers.IntegerField):
    """A whole number of 64 bits."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"min_value": -_BIGGEST - 1, "max_value": _BIGGEST, **options})

    def to_internal_value(self, data: Any) -> int:
        """The number."""
        if type(data) is not int:
            self.fail("invalid")
        return int(super().to_internal_value(data))


class Flag(serializers.BooleanField):
    """True or false."""

    def to_internal_value(self, data: Any) -> bool:
        """The truth."""
        if type(data) is not bool:
            self.fail("invalid", input=data)
        return data


class Moment(serializers.DateTimeField):
    """A time, as in 2026-11-24T15:04:05Z."""


class Wire(serializers.Serializer[Any]):
    """The base of every serializer."""

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """The fields that have a value."""
        return {name: value for name, value in super().to_representation(instance).items() if value is not None}


def many(serializer: type[serializers.BaseSerializer[Any]], **context: Any) -> Callable[[Sequence[Any]], list[Any]]:
    """A function that renders a list of objects, as `pages.listed` wants it."""

    def show(rows: Sequence[Any]) -> list[Any]:
        return list(serializer(rows, many=True, context=context).data)

    return show
