"""Whether the value of free PromQL is a rate per second or a count over a time.

Only functions tell: a name such as `errors` does not, unless it is that of a recorded rate
(`job:errors:rate5m`, after Prometheus's convention for recording rules).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import promql_parser

from exporter.errors import ConfigurationError
from exporter.prometheus.parsing import parse_promql
from exporter.slo.durations import format_duration, parse_duration

_PER_SECOND = {"rate", "irate", "deriv"}
_OVER_RANGE = {"increase", "delta", "changes", "resets", "count_over_time", "sum_over_time"}
_OF_ARGUMENT = {
    "abs", "ceil", "floor", "round", "clamp", "clamp_min", "clamp_max", "sort", "sort_desc",
    "sort_by_label", "sort_by_label_desc", "label_replace", "label_join", "scalar", "vector",
    "last_over_time", "avg_over_time", "max_over_time", "min_over_time", "quantile_over_time",
    "histogram_count", "histogram_sum",
}  # fmt: skip
_AGGREGATIONS = {"sum", "avg", "min", "max", "topk", "bottomk", "quantile", "limitk"}
_COMPARISONS = {"==", "!=", ">", "<", ">=", "<="}
_RECORDED = re.compile(r"[^:]*:(?:.*:)?(i?rate|increase|delta)((?:\d+(?:ms|[smhdwy]))+)", re.ASCII)

PER_WINDOW = "per_window"
PER_SECOND = "per_second"
UNITS = (PER_SECOND, PER_WINDOW)
"""What a user may say where the functions do not tell."""

_Told = float | None
"""Seconds that a value counts over, 1 for a rate; 0 fits all, and None is not known."""

_ANY = 0.0


class UnitError(ConfigurationError):
    """An SLI's unit is not known, or not one; the message says what would be right."""


def seconds_covered(text: str, window: int) -> float | None:
    """Over how many seconds a query's value counts, by its functions.

    Args:
        text: PromQL in which `$window` may stand for a duration.
        window: that duration in seconds.

    Returns:
        1 for a rate per second, the length of its range for an increase or a count; None if the
        functions do not tell.

    Raises:
        UnitError: it adds up values of different units.
        ValueError: it is no PromQL.
    """
    told = _told(parse_promql(text.replace("$window", format_duration(window))))
    return None if told == _ANY else told


def covered(sides: Mapping[str, str], window: int, unit: str | None = None) -> float:
    """Over how many seconds the values of an SLI's sides count; 1 for rates.

    Args:
        sides: PromQL by the key it stands under, as for `seconds_covered`.
        window: what `$window` stands for, in seconds.
        unit: one of `UNITS`, where the user says what the functions do not tell.

    Raises:
        UnitError: nothing tells the unit of a side, or they differ.
        ValueError: a side is no PromQL.
    """
    given = {None: None, PER_SECOND: 1.0, PER_WINDOW: float(window)}[unit]
    told = {}
    for key, text in sides.items():
        try:
            told[key] = seconds_covered(text, window)
        except UnitError as error:
            raise UnitError(f"{key} {error}: use the same function throughout") from error
    known = {key: seconds for key, seconds in told.items() if seconds}
    if len(set(known.values())) > 1:
        what = ", ".join(f"{key} is {unit_words(seconds)}" for key, seconds in known.items())
        raise UnitError(f"has two units: {what}; use the same function in both")
    if given:
        contrary = [key for key, seconds in known.items() if seconds != given]
        for key in contrary:
            if not _scaled(sides[key]):
                raise UnitError(f"has unit: {unit}, but {key} is {unit_words(known[key])}")
        return given
    for key in sides.keys() - known.keys():
        raise UnitError(
            f"needs unit: {PER_SECOND} or unit: {PER_WINDOW}, as the functions of {key} do not "
            "tell whether its value is a rate per second or a count over $window"
        )
    return next(iter(known.values()))


def _scaled(text: str) -> bool:
    """Whether a query multiplies, which may change its unit."""
    return "*" in text or "/" in text


def unit_words(seconds: float) -> str:
    """What such a value is called: `a rate per second`, `a count over 2m`."""
    return "a rate per second" if seconds == 1 else f"a count over {format_duration(seconds)}"


def _told(expression: promql_parser.Expr) -> _Told:
    match expression:
        case promql_parser.ParenExpr() | promql_parser.UnaryExpr() | promql_parser.SubqueryExpr():
            return _told(expression.expr)
        case promql_parser.NumberLiteral():
            return _ANY
        case promql_parser.VectorSelector():
            return _recorded(expression.name or "")
        case promql_parser.AggregateExpr():
            return _told(expression.expr) if str(expression.op) in _AGGREGATIONS else None
        case promql_parser.Call():
            return _called(expression)
        case promql_parser.BinaryExpr():
            return _combined(expression)
    return None


def _recorded(name: str) -> _Told:
    match = _RECORDED.fullmatch(name)
    if match is None:
        return None
    return 1.0 if match[1].endswith("rate") else float(parse_duration(match[2]))


def _called(call: promql_parser.Call) -> _Told:
    name = call.func.name
    if name in _PER_SECOND:
        return 1.0
    # The number of a quantile comes first.
    ranged = [a for a in call.args if not isinstance(a, promql_parser.NumberLiteral)]
    if name in _OVER_RANGE:
        # A sum over a subquery adds up values that have a unit already.
        if not ranged or (
            name == "sum_over_time" and not isinstance(ranged[0], promql_parser.MatrixSelector)
        ):
            return None
        return float(ranged[0].range.total_seconds())
    if name in _OF_ARGUMENT:
        inner = (ranged or call.args)[0]
        matrix = isinstance(inner, promql_parser.MatrixSelector)
        return _told(inner.vector_selector if matrix else inner)
    return None


def _combined(expression: promql_parser.BinaryExpr) -> _Told:
    op = str(expression.op)
    left = _told(expression.lhs)
    if op in {"and", "unless"} or op in _COMPARISONS:
        as_bool = expression.modifier is not None and expression.modifier.return_bool
        return None if as_bool else left
    right = _told(expression.rhs)
    if op in {"+", "-", "or"}:
        return _same(left, right)
    if op == "*":
        # A factor has no unit: a constant, or an info metric that is 1.
        with_unit = [told for told in (left, right) if told]
        if len(with_unit) == 1:
            return with_unit[0]
        return None if with_unit or None in {left, right} else _ANY
    if op == "/":
        return left if right is None or right == _ANY else None
    return None


def _same(left: _Told, right: _Told) -> _Told:
    if _ANY in {left, right}:
        return right if left == _ANY else left
    if left is None or right is None:
        return None
    if left != right:
        raise UnitError(f"adds up {unit_words(left)} and {unit_words(right)}")
    return left
