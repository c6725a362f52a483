r"""Patterns for names of repositories and tags, as rules of people have them.

| pattern    | matches                                                    |
|------------|------------------------------------------------------------|
| `*`        | any characters but `/`                                     |
| `**`       | any characters; as in `**/app` and `team/**` between `/`   |
| `?`        | one character but `/`                                      |
| `{a,b*}`   | what one of the patterns matches, which may hold others    |
| `[a-f]`    | one of the characters; `[^a-f]` and `[!a-f]` any other but `/` |
| `\*`       | the character itself                                       |

A pattern becomes a small automaton, and matching follows all of its paths at once: the work is at most the length of the
pattern times that of the text, whatever somebody wrote. `cost` says how much of that a pattern can need.
"""

from collections.abc import Callable
from functools import lru_cache

LIMIT = 1024  # Characters in a pattern.
COST_LIMIT = 20_000  # A few milliseconds.
_COSTED = 128  # Characters of the longest tag.
_DEPTH = 16  # Braces within braces.

Test = Callable[[str], bool]


class BadPattern(ValueError):
    """The text is no pattern. The message says why."""


def matches(pattern: str, text: str) -> bool:
    """Whether the pattern matches the whole text; what is no pattern matches nothing."""
    try:
        automaton = _compiled(pattern)
    except BadPattern:
        return False
    return automaton.accepts(text)


def check(pattern: str) -> None:
    """Raises BadPattern unless the text is a pattern, and one that is soon tried."""
    if cost(pattern) > COST_LIMIT:
        raise BadPattern("a pattern is too costly: use fewer * and braces, above all braces with an empty alternative")


@lru_cache(maxsize=1024)
def cost(pattern: str) -> int:
    """Paths that are followed at most to try the pattern on a long tag. Raises BadPattern."""
    return _compiled(pattern).cost(_COSTED)


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> "_Automaton":
    if len(pattern) > LIMIT:
        raise BadPattern(f"a pattern has at most {LIMIT} characters")
    return _Automaton(pattern)


def _is_any(_: str) -> bool:
    return True


def _is_inside(character: str) -> bool:
    """Inside a component of a name."""
    return character != "/"


class _Automaton:
    """States with steps that consume a character and jumps that do not; the last state accepts."""

    def __init__(self, pattern: str) -> None:
        self._text = pattern
        self._at = 0
        self._steps: list[list[tuple[Test, int]]] = []
        self._jumps: list[list[int]] = []
        self._start = self._state()
        self._end = self._sequence(self._start, depth=0)
        if self._at < len(pattern):
            raise BadPattern("a closing brace has no opening one")

    def accepts(self, text: str) -> bool:
        """Whether the whole text leads to the last state."""
        states = self._reached({self._start})
        for character in text:
            states = self._reached({to for state in states for test, to in self._steps[state] if test(character)})
            if not states:
                return False
        return self._end in states

    def cost(self, length: int) -> int:
        """Steps and jumps that any text of this length leads past, at most."""
        states, passed = self._reached({self._start}), 0
        for _ in range(length):
            passed += sum(len(self._steps[state]) + len(self._jumps[state]) for state in states)
            states = self._reached({to for state in states for _, to in self._steps[state]})
        return passed

    def _reached(self, states: set[int]) -> set[int]:
        """The states and all that jumps lead to from them."""
        waiting = list(states)
        while waiting:
            fresh = [to for to in self._jumps[waiting.pop()] if to not in states]
            states.update(fresh)
            waiting += fresh
        return states

    def _state(self) -> int:
        self._steps.append([])
        self._jumps.append([])
        return len(self._steps) - 1

    def _step(self, state: int, test: Test) -> int:
        following = self._state()
        self._steps[state].append((test, following))
        return following

    def _loop(self, state: int, test: Test) -> int:
        """Any number of characters that pass the test."""
        looping = self._state()
        self._jumps[state].append(looping)
        self._steps[looping].append((test, looping))
        return looping

    def _sequence(self, state: int, *, depth: int) -> int:
        """Reads up to the end, or within braces up to what ends an alternative; the state where that leads."""
        while self._at < len(self._text):
            character = self._text[self._at]
            if character == "}" or (character == "," and depth):
                break
            self._at += 1
            if character == "*":
                state = self._star(state)
            elif character == "?":
                state = self._step(state, _is_inside)
            elif character == "{":
                state = self._alternatives(state, depth=depth + 1)
            elif character == "[":
                state = self._step(state, self._class())
            else:
                state = self._step(state, (self._escaped() if character == "\\" else character).__eq__)
        return state

    def _star(self, state: int) -> int:
        begin = self._at - 1
        while self._text.startswith("*", self._at):
            self._at += 1
        opens = begin == 0 or self._text[begin - 1] in "/{,"
        if self._at - begin == 1 or not opens or self._text[self._at : self._at + 1] not in {"", "/", ",", "}"}:
            return self._loop(state, _is_inside)
        looping = self._loop(state, _is_any)
        if not self._text.startswith("/", self._at):
            return looping
        self._at += 1  # With its slash it may stand for nothing at all.
        following = self._step(looping, "/".__eq__)
        self._jumps[state].append(following)
        return following

    def _alternatives(self, state: int, *, depth: int) -> int:
        if depth > _DEPTH:
            raise BadPattern(f"braces are nested more than {_DEPTH} deep")
        end = self._state()
        while True:
            begin = self._state()
            self._jumps[state].append(begin)
            self._jumps[self._sequence(begin, depth=depth)].append(end)
            separator = self._next("an opening brace has no closing one")
            if separator == "}":
                return end

    def _class(self) -> Test:
        negated = self._text[self._at : self._at + 1] in {"^", "!"}
        self._at += negated
        ranges: list[tuple[str, str]] = []
        while (first := self._member()) != "]" or not ranges:
            last = first
            if self._text.startswith("-", self._at) and not self._text.startswith("-]", self._at):
                self._at += 1
                last = self._member()
            ranges.append((first, last))
        return lambda character: character != "/" and negated != any(a <= character <= b for a, b in ranges)

    def _member(self) -> str:
        character = self._next("an opening bracket has no closing one")
        return self._escaped() if character == "\\" else character

    def _escaped(self) -> str:
        return self._next("a backslash stands before nothing")

    def _next(self, problem: str) -> str:
        if self._at >= len(self._text):
            raise BadPattern(problem)
        self._at += 1
        return self._text[self._at - 1]
