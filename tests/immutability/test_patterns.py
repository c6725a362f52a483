import pytest

from portal.errors import Invalid
from portal.immutability.patterns import checked_scope, checked_tags, covers, fits_tag, takes_untagged


def selector(decoration: str, pattern: str, extras: str = "") -> dict[str, str]:
    return {"kind": "doublestar", "decoration": decoration, "pattern": pattern, "extras": extras}


@pytest.mark.parametrize(
    ("selectors", "covered", "not_covered"),
    [
        ([selector("repoMatches", "**")], ["app", "team/app"], []),
        ([selector("repoMatches", "team/*")], ["team/app"], ["app", "team/a/b"]),
        ([selector("repoExcludes", "team/**")], ["app"], ["team/app", "team/a/b"]),
        ([selector("repoMatches", "team/**"), selector("repoExcludes", "**/old")], ["team/app"], ["team/old", "app"]),
    ],
)
def test_a_rule_is_about_the_repositories_that_fit_all_of_its_selectors(selectors, covered, not_covered):
    scope = checked_scope({"repository": selectors})
    assert [name for name in [*covered, *not_covered] if covers(scope, name)] == covered


def test_a_selector_means_tags_that_match_or_all_others():
    tags = ["v1", "v2", "latest"]
    assert [tag for tag in tags if fits_tag(selector("matches", "v*"), tag)] == ["v1", "v2"]
    assert [tag for tag in tags if fits_tag(selector("excludes", "v*"), tag)] == ["latest"]


@pytest.mark.parametrize(
    ("decoration", "extras", "taken"),
    [
        ("matches", "", True),
        ("matches", '{"untagged":true}', True),
        ("matches", '{"untagged":false}', False),
        ("excludes", "", True),
        ("excludes", '{"untagged":true}', False),
        ("excludes", '{"untagged":false}', True),
    ],
)
def test_artifacts_without_a_tag_are_meant_unless_the_selector_says_otherwise(decoration, extras, taken):
    assert takes_untagged(selector(decoration, "v*", extras)) is taken


@pytest.mark.parametrize(
    "wrong",
    [
        selector("repoMatches", "**"),
        selector("", "**"),
        selector("matches", ""),
        selector("matches", "["),
        selector("matches", "x" * 2000),
        selector("matches", "**") | {"kind": "regexp"},
        selector("matches", "**", "yes"),
        selector("matches", "**", "[]"),
    ],
)
def test_what_is_no_selector_is_refused(wrong):
    with pytest.raises(Invalid):
        checked_tags([wrong])


def test_a_rule_needs_selectors_of_both_kinds_and_not_too_many():
    for selectors in ([], [selector("matches", "**")] * 21):
        with pytest.raises(Invalid):
            checked_tags(selectors)
    for scope in ({}, {"repository": []}, {"project": [selector("repoMatches", "**")]}):
        with pytest.raises(Invalid):
            checked_scope(scope)
