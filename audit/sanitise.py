"""Makes text and JSON from anywhere fit for every database column they may land in."""

import math
from typing import Any

DEEPEST = 64  # Lists and objects within each other.


def clean_text(text: str, size: int) -> str:
    """At most `size` characters, without the NULs and lone surrogates that PostgreSQL refuses."""
    text = text[:size]
    if "\0" in text:
        text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def clean_json(value: Any, room: int = DEEPEST) -> Any:
    """The same for every text inside a JSON value; numbers that JSON does not have become text.

    What lies deeper than `room` is left out, as "…": whoever reads it later may have less of a stack.
    """
    if isinstance(value, str):
        return clean_text(value, len(value))
    if not room and isinstance(value, dict | list | tuple):
        return "…"
    if isinstance(value, dict):
        return {clean_json(str(key)): clean_json(item, room - 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean_json(item, room - 1) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
