"""The metrics that a selector's pattern for the name stands for: `{__name__=~"a|b"}`.

Functions drop the name of a series, so that two metrics with equal labels become the same, and
Prometheus refuses the query. Counted metric by metric, they are counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product

from exporter.prometheus.selectors import Selector

MOST = 50
"""Metrics that one selector may name."""

_PLAIN = re.compile(r"[a-zA-Z0-9_:]*", re.ASCII)


def by_metric(selector: Selector) -> tuple[Selector, ...]:
    """A selector per metric where its pattern names them all; otherwise the selector itself."""
    patterns = [each for each in selector.matchers if each.label == "__name__" and each.op == "=~"]
    if selector.name is not None or len(patterns) != 1:
        return (selector,)
    # Patterns match whole names, whether they say so or not.
    names = _alternatives(patterns[0].value.removeprefix("^").removesuffix("$"))
    if names is None or not all(names) or len(names) > MOST:
        return (selector,)
    others = tuple(each for each in selector.matchers if each is not patterns[0])
    return tuple(Selector(name, others) for name in dict.fromkeys(names))


def _alternatives(pattern: str) -> list[str] | None:
    """Every text that a pattern of alternatives in groups matches; None if it is any other."""
    found: list[str] = []
    for branch in _split(pattern, "|"):
        choices = [
            _alternatives(text) if group else [text] if _PLAIN.fullmatch(text) else None
            for group, text in _parts(branch)
        ]
        known = [each for each in choices if each is not None]
        if len(known) < len(choices):
            return None
        found += ["".join(texts) for texts in product(*known)]
        if len(found) > MOST:
            return None
    return found


def _split(pattern: str, at: str) -> Iterator[str]:
    """The parts of a pattern between a character, outside of groups."""
    depth, start = 0, 0
    for i, character in enumerate(pattern):
        depth += (character == "(") - (character == ")")
        if character == at and depth == 0:
            yield pattern[start:i]
            start = i + 1
    yield pattern[start:]


def _parts(branch: str) -> Iterator[tuple[bool, str]]:
    """The plain texts and (True) the groups that follow one another."""
    depth, start = 0, 0
    for i, character in enumerate(branch):
        if character == "(":
            if depth == 0:
                yield False, branch[start:i]
                start = i + 1
            depth += 1
        elif character == ")":
            depth -= 1
            if depth == 0:
                yield True, branch[start:i].removeprefix("?:")
                start = i + 1
    yield False, branch[start:]
