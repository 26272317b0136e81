"""Recognising PromQL that only adds up rates of counters: it can be counted exactly instead."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import promql_parser

from exporter.prometheus.parsing import parse_promql
from exporter.prometheus.selectors import Selector, parse_selector

_STAND_IN = "997s"
"""Takes the place of `$window` for parsing; unlikely to be written otherwise."""

_STAND_IN_SECONDS = 997.0


@dataclass(frozen=True, slots=True)
class Term:
    """A counter that is added (`sign` 1) or taken away (-1)."""

    sign: int
    selector: Selector


def parse_query(text: str) -> promql_parser.Expr:
    """Parse PromQL in which `$window` may stand for a duration.

    Raises:
        ValueError: it is no PromQL; with the parser's message.
    """
    return parse_promql(text.replace("$window", _STAND_IN))


def selectors_in(text: str) -> list[Selector]:
    """The plain selectors of a query, in their order.

    Raises:
        ValueError: it is no PromQL.
    """
    found: list[Selector] = []

    def walk(expression: promql_parser.Expr) -> None:
        if isinstance(expression, promql_parser.VectorSelector):
            with suppress(ValueError):  # matchers with "or"
                found.append(parse_selector(expression.prettify().partition(" offset ")[0]))
            return
        inner = [getattr(expression, name, None) for name in ("expr", "lhs", "rhs")]
        inner += [getattr(expression, "vector_selector", None), *getattr(expression, "args", ())]
        for each in inner:
            if each is not None:
                walk(each)

    walk(parse_query(text))
    return found


def recognise(
    text: str, group_by: Sequence[str], *, absent_is_zero: bool = False
) -> tuple[Term, ...] | None:
    """The counters whose rates a query adds up, or None if it does anything else.

    Known are `sum(rate(selector[$window]))`, the same with `increase` and with a `by` of the
    SLO's own `group_by`, their sums and differences, and parentheses. Where counters that do not
    exist count as zero anyway, so are `... or vector(0)` and `... or 0 * ...`.
    """
    return _terms(parse_query(text), set(group_by), 1, absent_is_zero=absent_is_zero)


def without_zero(expression: promql_parser.Expr) -> promql_parser.Expr:
    """What stands before `or vector(0)`, in parentheses or not; else the expression itself."""
    inner = expression
    while isinstance(inner, promql_parser.ParenExpr):
        inner = inner.expr
    if isinstance(inner, promql_parser.BinaryExpr) and str(inner.op) == "or" and is_zero(inner.rhs):
        return without_zero(inner.lhs)
    return expression


def is_zero(expression: promql_parser.Expr) -> bool:
    """Whether an expression is zero wherever it has a value: `vector(0)`, `0 * x`."""
    match expression:
        case promql_parser.ParenExpr():
            return is_zero(expression.expr)
        case promql_parser.NumberLiteral():
            return bool(expression.val == 0)
        case promql_parser.Call():
            return expression.func.name == "vector" and is_zero(expression.args[0])
        case promql_parser.BinaryExpr():
            return str(expression.op) == "*" and (
                is_zero(expression.lhs) or is_zero(expression.rhs)
            )
    return False


def _terms(
    expression: promql_parser.Expr, group_by: set[str], sign: int, *, absent_is_zero: bool
) -> tuple[Term, ...] | None:
    if absent_is_zero:
        expression = without_zero(expression)
    match expression:
        case promql_parser.ParenExpr():
            return _terms(expression.expr, group_by, sign, absent_is_zero=absent_is_zero)
        case promql_parser.BinaryExpr():
            return _difference_or_sum(expression, group_by, sign)
        case promql_parser.AggregateExpr():
            selector = _summed_rate(expression, group_by)
            return None if selector is None else (Term(sign, selector),)
    return None


def _difference_or_sum(
    expression: promql_parser.BinaryExpr, group_by: set[str], sign: int
) -> tuple[Term, ...] | None:
    op = str(expression.op)
    if op not in {"+", "-"} or expression.modifier is not None:
        return None
    right_sign = sign if op == "+" else -sign
    left = _terms(expression.lhs, group_by, sign, absent_is_zero=True)
    right = _terms(expression.rhs, group_by, right_sign, absent_is_zero=True)
    return left + right if left and right else None


def _summed_rate(expression: promql_parser.AggregateExpr, group_by: set[str]) -> Selector | None:
    labels = set(expression.modifier.labels) if expression.modifier else set()
    by = expression.modifier is None or "By" in str(expression.modifier.type)
    call = expression.expr
    while isinstance(call, promql_parser.ParenExpr):
        call = call.expr
    if (
        str(expression.op) != "sum"
        or not by
        or labels != group_by
        or not isinstance(call, promql_parser.Call)
        or call.func.name not in {"rate", "increase"}
    ):
        return None
    matrix = call.args[0]
    if (
        not isinstance(matrix, promql_parser.MatrixSelector)
        or matrix.range.total_seconds() != _STAND_IN_SECONDS
    ):
        return None
    try:
        return parse_selector(matrix.vector_selector.prettify())
    except ValueError:  # an offset, @ or "or": not the plain counter that is counted
        return None
