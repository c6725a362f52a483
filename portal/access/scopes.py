"""The `scope` parameters of a token request, as the distribution specification writes them: `type:name:actions`."""

from collections.abc import Iterable
from dataclasses import dataclass

from portal.errors import Invalid

MOST_SCOPES = 100


@dataclass(frozen=True, slots=True)
class Scope:
    """What a client wants a token for. The actions it lists say nothing: a token carries whatever the caller has."""

    type: str
    name: str


def parse_scopes(parameters: Iterable[str]) -> list[Scope]:
    """The distinct scopes of all parameters, each of which may hold several. Raises Invalid for too many."""
    scopes = list(dict.fromkeys(_parse(text) for parameter in parameters for text in parameter.split()))
    if len(scopes) > MOST_SCOPES:
        raise Invalid(f"A token takes at most {MOST_SCOPES} scopes: ask for several tokens.")
    return scopes


def _parse(text: str) -> Scope:
    kind, _, rest = text.partition(":")
    name, _, _ = rest.rpartition(":")
    return Scope(kind.partition("(")[0], name or rest)
