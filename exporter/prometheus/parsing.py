"""PromQL as a tree, within bounds: the parser's stack overflows where texts are too deep."""

from __future__ import annotations

import re
from itertools import accumulate

import promql_parser

LONGEST = 64 * 1024
"""Characters of an expression or a selector."""

DEEPEST = 100
"""Brackets within brackets."""

MOST_OPERATORS = 300
"""Operators of one expression: of a long sum, each is within the next one."""

_TOKEN = re.compile(
    r"""
    "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' | `[^`]*` | \#[^\n]* | \{(?:[^{}"'`]|"(?:[^"\\]|\\.)*")*\}
    | (?P<open>[(\[{]) | (?P<close>[)\]}])
    | (?P<operator>[-+*/%^] | [=!<>]=? | \b(?:and|or|unless|atan2)\b)
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)


def parse_promql(text: str) -> promql_parser.Expr:
    """Parse an expression.

    Raises:
        ValueError: it is no PromQL, or too long or too deep; with what is wrong.
    """
    check_length(text)
    steps, operators = [0], 0
    for token in _TOKEN.finditer(text):
        if token.lastgroup == "operator":
            operators += 1
        elif token.lastgroup is not None:
            steps.append(1 if token.lastgroup == "open" else -1)
    if max(accumulate(steps)) > DEEPEST:
        raise ValueError(f"it is nested more than {DEEPEST} levels deep")
    if operators > MOST_OPERATORS:
        raise ValueError(f"it has more than {MOST_OPERATORS} operators")
    return promql_parser.parse(text)


def check_length(text: str) -> None:
    """See that an expression, or a selector, is not too long to work with.

    Raises:
        ValueError: it is.
    """
    if len(text) > LONGEST:
        raise ValueError(f"it is longer than {LONGEST:,} characters")
