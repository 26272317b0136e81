"""Which labels the value of a query keeps: an SLO per combination of them may be meant."""

from __future__ import annotations

import promql_parser

_PLAIN = {
    "abs", "ceil", "floor", "round", "clamp", "clamp_min", "clamp_max", "sort", "sort_desc",
    "rate", "increase", "irate", "delta", "sum_over_time", "avg_over_time", "max_over_time",
    "min_over_time", "count_over_time", "last_over_time",
}  # fmt: skip
"""Functions of one series that keep its labels."""


def kept_labels(expression: promql_parser.Expr) -> frozenset[str] | None:
    """The labels that tell a query's series apart; None where the query does not say them."""
    match expression:
        case promql_parser.ParenExpr() | promql_parser.UnaryExpr() | promql_parser.SubqueryExpr():
            return kept_labels(expression.expr)
        case promql_parser.NumberLiteral():
            return frozenset()
        case promql_parser.AggregateExpr():
            return _aggregated(expression)
        case promql_parser.Call():
            return _called(expression)
        case promql_parser.BinaryExpr():
            return _combined(expression)
    return None


def _aggregated(expression: promql_parser.AggregateExpr) -> frozenset[str] | None:
    if str(expression.op) in {"topk", "bottomk", "limitk", "limit_ratio"}:
        return kept_labels(expression.expr)
    if expression.modifier is None:
        return frozenset()
    if "By" in str(expression.modifier.type):
        return frozenset(expression.modifier.labels)
    return None


def _called(call: promql_parser.Call) -> frozenset[str] | None:
    if call.func.name in {"vector", "time", "absent", "absent_over_time", "scalar"}:
        return frozenset()
    if call.func.name in _PLAIN:
        return kept_labels(call.args[0])
    return None


def _combined(expression: promql_parser.BinaryExpr) -> frozenset[str] | None:
    left, right = kept_labels(expression.lhs), kept_labels(expression.rhs)
    if str(expression.op) in {"or", "and", "unless"}:
        return left
    if isinstance(expression.lhs, promql_parser.NumberLiteral):
        return right
    if isinstance(expression.rhs, promql_parser.NumberLiteral) or left == right:
        return left
    return None
