"""Makes text and JSON from anywhere fit for every database column they may land in."""

import hashlib
import json
import math
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

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


def bounded_json(members: dict[str, Any], size: int) -> dict[str, Any]:
    """The object in at most `size` characters of JSON: its largest members give way to their size and digest.

    So does the object itself where even that is not enough.
    """
    left = len(_text(members))
    if left <= size:
        return members
    texts = {name: _text(member) for name, member in members.items()}
    told = dict(members)
    for name in sorted(texts, key=lambda name: -len(texts[name])):
        if left > size:
            told[name] = _omitted(texts[name])
            left += len(_text(told[name])) - len(texts[name])
    return told if left <= size else _omitted(_text(members))


def _text(value: Any) -> str:
    return json.dumps(value, cls=DjangoJSONEncoder)


def _omitted(text: str) -> dict[str, Any]:
    return {"omitted": len(text), "sha256": hashlib.sha256(text.encode()).hexdigest()}
