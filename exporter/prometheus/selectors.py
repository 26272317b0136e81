"""PromQL vector selectors: reading them from the configuration and building on them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

import promql_parser

from exporter.prometheus.raw_strings import quoted_strings

_OPERATORS = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}
_PLAIN_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
_PLAIN_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*", re.ASCII)

_USUAL_MATCHER = r"""\ *([a-zA-Z_][a-zA-Z0-9_]*)\ *
    (?: (=|!=)\ *"([\w\ ./:@-]*)" | (=~|!~)\ *"((?:[\w\ /:-]|\.[*+]?|\||\[\w+\])*)" )\ *"""
_USUAL = re.compile(
    rf"\ *([a-zA-Z]\w*_\w*)\{{({_USUAL_MATCHER}(?:,{_USUAL_MATCHER})*)\}}\ *", re.ASCII | re.VERBOSE
)
_MATCHER = re.compile(_USUAL_MATCHER, re.ASCII | re.VERBOSE)
_KEYWORDS = {"group_left", "group_right"}
"""Those of PromQL that have the form of a usual name and that a metric cannot have as its name."""


def label_list(labels: Iterable[str]) -> str:
    """Labels as `by (...)` takes them; those with other characters are quoted."""
    return ", ".join(map(_written, labels))


def _written(label: str) -> str:
    return label if _PLAIN_LABEL.fullmatch(label) else json.dumps(label)


@dataclass(frozen=True, slots=True)
class Matcher:
    """One label matcher; `op` is one of `=`, `!=`, `=~`, `!~`."""

    label: str
    op: str
    value: str

    def __str__(self) -> str:
        value = self.value
        if value.isprintable() and '"' not in value and "\\" not in value:
            return f'{_written(self.label)}{self.op}"{value}"'
        # Go and JSON escape the characters that occur in label values alike.
        return f"{_written(self.label)}{self.op}{json.dumps(value, ensure_ascii=False)}"


@dataclass(frozen=True, slots=True)
class Selector:
    """A vector selector without offset or `@`; `str()` gives its PromQL."""

    name: str | None
    matchers: tuple[Matcher, ...]

    def __str__(self) -> str:
        matchers = list(self.matchers)
        name = self.name or ""
        if name and not _PLAIN_NAME.fullmatch(name):
            matchers.insert(0, Matcher("__name__", "=", name))
            name = ""
        braces = "{" + ",".join(map(str, matchers)) + "}" if matchers else ""
        return name + braces

    def renamed(self, name: str) -> Selector:
        """The same matchers on another metric."""
        return replace(self, name=name)

    def where(self, *matchers: Matcher) -> Selector:
        """The same selector, narrowed by further matchers."""
        return replace(self, matchers=self.matchers + matchers)

    def without(self, label: str) -> Selector:
        """The same selector without its matchers of one label."""
        return replace(self, matchers=tuple(m for m in self.matchers if m.label != label))


def parse_selector(text: str) -> Selector:
    """Read a vector selector such as `http_requests_total{code=~"5.."}`.

    Raises:
        ValueError: the text is no PromQL, or PromQL other than a plain vector selector.
    """
    return _usual(text) or _parsed(text)


def _usual(text: str) -> Selector | None:
    """Read a selector of the usual form, as a parser would, in a tenth of the time.

    None for all others: those that a parser has to judge.
    """
    found = _USUAL.fullmatch(text)
    if found is None or found[1].lower() in _KEYWORDS or "__name__" in text:
        return None
    matchers = [
        Matcher(label, op, value) if op else Matcher(label, op_of_pattern, pattern)
        for label, op, value, op_of_pattern, pattern in _MATCHER.findall(found[2])
    ]
    return Selector(found[1], tuple(matchers))


def _parsed(text: str) -> Selector:
    try:
        expression = promql_parser.parse(quoted_strings(text))
    except ValueError as error:
        raise ValueError(f"is not PromQL: {error}") from error
    if not isinstance(expression, promql_parser.VectorSelector):
        raise ValueError(
            'must be a plain selector such as metric_total{label="value"}, '
            "without functions, ranges or operators: the exporter counts by itself"
        )
    if expression.offset is not None or expression.at is not None:
        raise ValueError("must be a selector without offset and @: the exporter sets the times")
    if expression.matchers.or_matchers:
        raise ValueError('must not use "or" between matchers: write a =~ matcher instead')
    name = expression.name
    matchers = []
    for matcher in expression.matchers.matchers:
        op = _OPERATORS[str(matcher.op).rpartition(".")[2]]
        if matcher.name == "__name__" and op == "=":
            if name is not None:
                raise ValueError("must not give the metric's name twice")
            name = matcher.value
        else:
            matchers.append(Matcher(matcher.name, op, matcher.value))
    return Selector(name=name, matchers=tuple(matchers))
