"""Which repositories and tags a rule is about, as Harbor's clients write it down.

A selector is `{"kind": "doublestar", "decoration": "matches", "pattern": "v*", "extras": ""}`. A rule has a list of
them for tags, and in `{"repository": [...]}` one for repositories, whose names count without the project. What a rule
is about fits every one of its selectors.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from portal.errors import Invalid
from registry.oci import patterns

KIND = "doublestar"
TAGS = {"matches": True, "excludes": False}
REPOSITORIES = {"repoMatches": True, "repoExcludes": False}
MOST = 20

Selector = Mapping[str, str]
Scope = Mapping[str, Sequence[Selector]]


def checked_tags(selectors: Sequence[Selector]) -> list[dict[str, str]]:
    """The selectors of tags, with what was left out filled in. Raises Invalid."""
    return _checked(selectors, TAGS, "tag_selectors")


def checked_scope(scope: Scope) -> dict[str, list[dict[str, str]]]:
    """The selectors of repositories, with what was left out filled in. Raises Invalid."""
    if set(scope) != {"repository"}:
        raise Invalid('scope_selectors has the one key "repository".')
    return {"repository": _checked(scope["repository"], REPOSITORIES, "scope_selectors")}


def covers(scope: Scope, repository: str) -> bool:
    """Whether a rule is about the repository, whose name comes without the project."""
    return all(_fits(selector, repository, REPOSITORIES) for selector in scope["repository"])


def fits_tag(selector: Selector, tag: str) -> bool:
    """Whether the tag is one that the selector means."""
    return _fits(selector, tag, TAGS)


def takes_untagged(selector: Selector) -> bool:
    """Whether artifacts without a tag are among those that the selector means; they are unless it says otherwise."""
    matching = TAGS[selector["decoration"]]
    untagged = json.loads(selector["extras"]).get("untagged", matching) if selector["extras"] else matching
    return bool(untagged) == matching


def _fits(selector: Selector, text: str, decorations: Mapping[str, bool]) -> bool:
    return patterns.matches(selector["pattern"], text) == decorations[selector["decoration"]]


def _checked(selectors: Sequence[Selector], decorations: Mapping[str, bool], where: str) -> list[dict[str, str]]:
    if not 0 < len(selectors) <= MOST:
        raise Invalid(f"{where} takes 1 to {MOST} selectors.")
    # Every push and every page of tags works through all of them.
    if sum(len(selector["pattern"]) for selector in selectors) > patterns.LIMIT:
        raise Invalid(f"{where}: the patterns of a rule have at most {patterns.LIMIT} characters together.")
    return [_selector(selector, decorations, where) for selector in selectors]


def _selector(given: Selector, decorations: Mapping[str, bool], where: str) -> dict[str, str]:
    full = {"kind": KIND, "decoration": "", "pattern": "", "extras": "", **given}
    if full["kind"] != KIND:
        raise Invalid(f"{where}: the kind of a selector is {KIND}.")
    if full["decoration"] not in decorations:
        raise Invalid(f"{where}: the decoration of a selector is one of {', '.join(decorations)}.")
    if not full["pattern"]:
        raise Invalid(f"{where}: a selector needs a pattern; ** matches everything.")
    try:
        patterns.check(full["pattern"])
    except patterns.BadPattern as error:
        raise Invalid(f"{where}: {error}.") from None
    if len(full["extras"]) > patterns.LIMIT:
        raise Invalid(f"{where}: extras has at most {patterns.LIMIT} characters.")
    if full["extras"] and not isinstance(_parsed(full["extras"]), dict):
        raise Invalid(f'{where}: extras is a JSON object in a text, as in {{"untagged":true}}.')
    return full


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
