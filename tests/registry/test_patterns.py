"""The patterns of people's rules."""

import pytest

from registry.oci import patterns
from registry.oci.patterns import LIMIT, BadPattern, matches


@pytest.mark.parametrize(
    ("pattern", "matched", "others"),
    [
        ("v1.0", ["v1.0"], ["v1x0", "v1.0.1", "V1.0", ""]),
        ("*", ["latest", "", "v1"], ["team/app"]),
        ("**", ["latest", "", "a/b/c"], []),
        ("v*", ["v", "v1", "v1.2-rc"], ["1v", "v/1"]),
        ("*-rc*", ["1-rc", "1-rc2"], ["1-r"]),
        ("a*b*c", ["abc", "aXbXc", "abbcc"], ["ab", "acb", "a/bc"]),
        ("v?", ["v1"], ["v", "v12", "v/"]),
        ("team/*", ["team/app", "team/"], ["team", "team/a/b"]),
        ("team/**", ["team/app", "team/a/b"], ["team", "teams/app"]),
        ("**/app", ["app", "a/app", "a/b/app"], ["xapp", "app/a"]),
        ("a/**/z", ["a/z", "a/b/z", "a/b/c/z"], ["az", "a/bz"]),
        ("a**", ["a", "abc"], ["ab/c"]),
        ("{dev,test}", ["dev", "test"], ["devtest", "prod", ""]),
        ("{dev,test}-*", ["dev-1", "test-"], ["prod-1", "dev"]),
        ("v{1,2{.0,.1}}", ["v1", "v2.0", "v2.1"], ["v2", "v1.0"]),
        ("{,v}1", ["1", "v1"], ["vv1"]),
        ("{team/**,other}", ["team/a/b", "other"], ["team", "others"]),
        ("a,b", ["a,b"], ["a", "b"]),
        ("[0-9]*", ["1", "9.5"], ["v1", ""]),
        ("[^a-c]", ["d"], ["a", "/"]),
        ("[!a]x", ["bx"], ["ax"]),
        ("[]a-]", ["]", "a", "-"], ["b"]),
        (r"\*", ["*"], ["a"]),
        (r"\{a", ["{a"], ["a"]),
        ("", [""], ["a"]),
        ("é*", ["éa"], ["ea"]),
        ("a.b", ["a.b"], ["axb"]),
    ],
)
def test_what_a_pattern_matches(pattern, matched, others):
    assert [text for text in [*matched, *others] if matches(pattern, text)] == matched


@pytest.mark.parametrize(
    "pattern", ["{a", "a}", "{a,{b}", "[a", "[", "\\", "[\\", "a" * (LIMIT + 1), "{" * 100 + "}" * 100]
)
def test_what_is_no_pattern_matches_nothing_and_is_told(pattern):
    assert not matches(pattern, pattern)
    with pytest.raises(BadPattern):
        patterns.check(pattern)


@pytest.mark.parametrize("pattern", ["*", "**", "v*", "*-{alpha,beta,rc}*", "{" + ",".join(["application"] * 80) + "}"])
def test_what_people_write_is_not_costly(pattern):
    patterns.check(pattern)


@pytest.mark.parametrize("pattern", ["*" + "{,?}" * 248, "*a" * 400, "{" + "*a," * 300 + "}"])
def test_what_is_costly_to_try_is_no_pattern(pattern):
    with pytest.raises(BadPattern, match="costly"):
        patterns.check(pattern)


@pytest.mark.parametrize(
    "pattern", ["*a" * 400, "{" + "a*," * 300 + "}", "{a,b}*" * 100, "**/" * 300 + "x", "?*" * 500]
)
def test_a_hostile_pattern_costs_no_more_than_its_length_times_that_of_the_text(pattern):
    tested = 0
    automaton = patterns._compiled(pattern)

    def counted(test):
        def count(character):
            nonlocal tested
            tested += 1
            return test(character)

        return count

    automaton._steps = [[(counted(test), to) for test, to in steps] for steps in automaton._steps]
    text = "a" * 255
    automaton.accepts(text)
    patterns._compiled.cache_clear()
    assert 0 < tested <= 2 * len(pattern) * len(text)
