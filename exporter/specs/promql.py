"""The PromQL of specs: their window, ratios taken apart, and what makes them several SLOs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import promql_parser

from exporter.prometheus.kept_labels import kept_labels
from exporter.prometheus.metricsql import metricsql_hint
from exporter.prometheus.parsing import parse_promql
from exporter.prometheus.rates import is_zero, without_zero
from exporter.prometheus.raw_strings import quoted_strings
from exporter.specs.node import Node, SpecError

WINDOW = "$window"

_TEMPLATE = re.compile(r"\{\{-?\s*\$?\.window\s*-?\}\}")
_STAND_IN = "997ms"
"""Takes the place of `$window` for parsing; nobody writes it, and it is printed as it is."""

_STRING = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`[^`]*`")
_RANGE = re.compile(r"\[\s*((?:\d+(?:ms|[smhdwy]))+)\s*\]")


def windowed(node: Node) -> str:
    """A query with `$window` in place of `{{.window}}`, however that is spelled.

    Raises:
        SpecError: it has other templates, or is no PromQL.
    """
    text = _TEMPLATE.sub(WINDOW, node.text).strip()
    if "{{" in text:
        raise SpecError(node, "has a template other than {{.window}}: write what it stands for")
    parsed(text, node)
    return text


def parsed(text: str, node: Node) -> promql_parser.Expr:
    """Parse PromQL in which `$window` may stand for a duration.

    Raises:
        SpecError: it is no PromQL.
    """
    try:
        return _parsed(text)
    except ValueError as error:
        raise SpecError(node, f"is not PromQL: {error}{metricsql_hint(text)}") from error


@lru_cache(1_024)  # each query is looked at for several things
def _parsed(text: str) -> promql_parser.Expr:
    return parse_promql(quoted_strings(text).replace(WINDOW, _STAND_IN))


def written(expression: promql_parser.Expr) -> str:
    """PromQL of an expression, with `$window` again."""
    text: str = expression.prettify()
    return text.replace(_STAND_IN, WINDOW)


def without_guard(text: str, node: Node) -> str:
    """A total without `or vector(0)` or `> 0` at its end: what is absent is no event anyway."""
    expression = parsed(text, node)
    inner = _without_guard(expression)
    return text if inner is expression else written(inner)


def _without_guard(expression: promql_parser.Expr) -> promql_parser.Expr:
    inner = without_zero(expression)
    positive = _operation(_bare(inner), ">")
    if positive and is_zero(positive.rhs) and positive.modifier is None:
        return _bare(positive.lhs)
    return inner


@dataclass(frozen=True, slots=True)
class Ratio:
    """An error ratio taken apart: `part` of `total`, PromQL with `$window` both."""

    part: str
    total: str
    part_is_good: bool


def taken_apart(text: str, node: Node) -> Ratio | None:
    """The events of an error ratio such as `bad / total` or `1 - good / total`.

    `or vector(0)`, and a total that is compared with 0, only keep the ratio from being 0/0. None
    if the expression is no such ratio.
    """
    expression = _bare(without_zero(parsed(text, node)))
    is_good = False
    minus = _operation(expression, "-")
    if minus and _number(minus.lhs) == 1:
        is_good = True
        expression = _bare(minus.rhs)
        either = _operation(expression, "or")
        if either and _always_one(either.rhs):
            expression = _bare(either.lhs)
    quotient = _operation(expression, "/")
    if quotient is None or quotient.modifier is not None:
        return None
    part = written(_bare(quotient.lhs))
    whole = written(_bare(without_zero(_without_guard(_bare(quotient.rhs)))))
    if WINDOW not in part or WINDOW not in whole:
        return None
    return Ratio(part, whole, is_good)


def _bare(expression: promql_parser.Expr) -> promql_parser.Expr:
    while isinstance(expression, promql_parser.ParenExpr):
        expression = expression.expr
    return expression


def _operation(expression: promql_parser.Expr, op: str) -> promql_parser.BinaryExpr | None:
    is_one = isinstance(expression, promql_parser.BinaryExpr) and str(expression.op) == op
    return expression if is_one else None  # type: ignore[return-value]  # as it was just asked


def _number(expression: promql_parser.Expr) -> float | None:
    expression = _bare(expression)
    return expression.val if isinstance(expression, promql_parser.NumberLiteral) else None


def _always_one(expression: promql_parser.Expr) -> bool:
    expression = _bare(expression)
    return (
        isinstance(expression, promql_parser.Call)
        and expression.func.name == "vector"
        and _number(expression.args[0]) == 1
    )


def fixed_ranges(text: str) -> set[str]:
    """The ranges that a query writes out, such as `5m`."""
    return set(_RANGE.findall(_STRING.sub('""', text)))


def with_window(text: str, fixed: str) -> str:
    """A query whose range `fixed` becomes `$window`; texts in quotes stay as they are."""
    parts, end = [], 0
    for string in [*_STRING.finditer(text), None]:
        start = string.start() if string else len(text)
        parts.append(re.sub(rf"\[\s*{re.escape(fixed)}\s*\]", f"[{WINDOW}]", text[end:start]))
        if string:
            parts.append(string[0])
            end = string.end()
    return "".join(parts)


def grouped_alike(nodes: list[tuple[str, Node]]) -> list[str]:
    """The labels that every query keeps: its tool makes one SLO per combination of their values.

    Raises:
        SpecError: the queries keep different labels, so that none of their series match.
    """
    kept = [kept_labels(parsed(text, node)) for text, node in nodes]
    known = [labels for labels in kept if labels is not None]
    if len(known) < len(kept) or not any(known):
        return []
    if len(set(known)) > 1:
        of = " and ".join(
            f"by ({', '.join(sorted(labels))})" if labels else "all" for labels in known
        )
        raise SpecError(
            nodes[0][1],
            f"is summed by other labels than its counterpart ({of}): no series of one has a match "
            "in the other. Sum both by the same labels",
        )
    return sorted(known[0])


def may_keep_labels(text: str, node: Node) -> bool:
    """Whether a query has as many series as its metrics: nothing in it sums them up."""
    return kept_labels(parsed(text, node)) is None


def selectors_of(expression: promql_parser.Expr) -> Iterator[promql_parser.VectorSelector]:
    """The selectors of an expression, in their order."""
    if isinstance(expression, promql_parser.VectorSelector):
        yield expression
        return
    inner = [getattr(expression, name, None) for name in ("expr", "lhs", "rhs", "vector_selector")]
    for each in (*inner, *getattr(expression, "args", ())):
        if each is not None:
            yield from selectors_of(each)
