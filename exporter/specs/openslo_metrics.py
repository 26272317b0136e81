"""OpenSLO's indicators, as our `sli`."""

from __future__ import annotations

from dataclasses import dataclass

import promql_parser

from exporter.specs.node import Node, Remarks, Section, SpecError
from exporter.specs.promql import (
    WINDOW,
    fixed_ranges,
    grouped_alike,
    parsed,
    selectors_of,
    windowed,
    with_window,
    without_guard,
)
from exporter.specs.units import put_unit

SHORTEST = "5m"
"""What `{{.window}}` becomes where a value of its own is needed at each moment."""

_COUNTERS = ("_total", "_count", "_bucket", "_sum")
OPERATORS = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}


@dataclass(frozen=True, slots=True)
class Ratio:
    """The queries of a ratio of events; one of `good` and `bad` is there."""

    node: Node
    total: Node
    good: Node | None
    bad: Node | None
    counter: Node | None


def threshold(query: Node, objective: Node, remarks: Remarks) -> Section:
    """A value that must stay within a bound."""
    op, value = objective.needed("op"), objective.needed("value")
    if op.text not in OPERATORS:
        raise SpecError(op, f"must be one of {', '.join(OPERATORS)}")
    section = Section().set("query", _at_a_moment(query, remarks), query)
    section.set("must_be", f"{OPERATORS[op.text]} {value.text}", value)
    return Section().set("threshold", section, query)


def raw(query: Node, kind: Node, remarks: Remarks) -> Section:
    """A ratio that exists already."""
    if kind.text not in {"success", "failure"}:
        raise SpecError(kind, "must be success or failure")
    key = "success" if kind.text == "success" else "error"
    section = Section().set(key, _at_a_moment(query, remarks), query)
    return Section().set("ratio", section, query)


def _at_a_moment(query: Node, remarks: Remarks) -> str:
    text = windowed(query)
    if WINDOW in text:
        remarks.say(query, f"is asked with {SHORTEST} for its window, at every moment")
    return text.replace(WINDOW, SHORTEST)


def ratio(of: Ratio, remarks: Remarks) -> tuple[Section, list[str]]:
    """Events by two queries, and the labels that both are summed by."""
    key, part = ("good", of.good) if of.good else ("bad", of.bad)
    if part is None or (of.good and of.bad):
        raise SpecError(of.node, "needs total, and exactly one of good and bad")
    nodes = {key: part, "total": of.total}
    texts = {name: windowed(node) for name, node in nodes.items()}
    if texts[key] == texts["total"]:
        raise SpecError(part, "is the same query as total")
    ranges = set().union(*map(fixed_ranges, texts.values()))
    windows = [WINDOW in text for text in texts.values()]
    if ranges and not any(windows):
        return _rates(nodes, texts, ranges, of, remarks)
    if any(windows):
        if not all(windows):
            raise SpecError(of.node, "has {{.window}} in one of its queries only: write it in both")
        return _query(of.node, nodes, texts, remarks)
    return _stored(of, nodes, texts, remarks)


def _rates(
    nodes: dict[str, Node], texts: dict[str, str], ranges: set[str], of: Ratio, remarks: Remarks
) -> tuple[Section, list[str]]:
    """Queries over a range that is written out: it is the window that is counted over."""
    if len(ranges) > 1:
        shown = ", ".join(sorted(ranges))
        raise SpecError(of.node, f"counts over several ranges ({shown}): write one in all")
    (fixed,) = ranges
    shown_texts = {name: with_window(text, fixed) for name, text in texts.items()}
    section, groups = _query(of.node, nodes, shown_texts, remarks)
    query = section["query"]
    if isinstance(query, Section):
        query.set("window", fixed, of.node)
    return section, groups


def _query(
    node: Node, nodes: dict[str, Node], texts: dict[str, str], remarks: Remarks, unit: str = ""
) -> tuple[Section, list[str]]:
    groups = grouped_alike([(texts[name], each) for name, each in nodes.items()])
    if groups:
        remarks.say(node, f"makes one SLO per value of {', '.join(groups)}: group_by")
    query = Section()
    for name, each in nodes.items():
        text = without_guard(texts[name], each) if name == "total" else texts[name]
        query.set(name, text, each)
    if unit:
        query.set("unit", unit, node)
    else:
        put_unit(query, texts, node, remarks)
    return Section().set("query", query, node), groups


def _stored(
    of: Ratio, nodes: dict[str, Node], texts: dict[str, str], remarks: Remarks
) -> tuple[Section, list[str]]:
    """Queries without any range: counters as they stand, or numbers that go up and down."""
    expressions = {name: parsed(text, nodes[name]) for name, text in texts.items()}
    if of.counter is None:
        names = [name for each in expressions.values() for name in _metrics(each)]
        if not names or not all(name.endswith(_COUNTERS) for name in names):
            raise SpecError(
                of.node, "needs counter: true for counters, false for what goes up and down"
            )
        remarks.say(of.node, "is taken for counters by the names of its metrics: say counter: true")
    if of.counter is not None and not of.counter.truth:
        means = {name: f"avg_over_time(({text})[{WINDOW}:])" for name, text in texts.items()}
        _, groups = _query(of.node, nodes, texts, Remarks())
        section, _ = _query(of.node, nodes, means, remarks, "per_second")
        if groups:
            remarks.say(of.node, f"makes one SLO per value of {', '.join(groups)}: group_by")
        return section, groups
    selectors = {name: _plain(each, texts[name]) for name, each in expressions.items()}
    if all(selectors.values()):
        events = Section()
        for name, node in nodes.items():
            events.set(name, selectors[name], node)
        return Section().set("events", events, of.node), []
    counted = {name: _increases(each) for name, each in expressions.items()}
    for name, text in counted.items():
        if text is None:
            raise SpecError(
                nodes[name],
                "counts by something else than sums of counters: write rates over {{.window}}, as "
                "in sum(rate(requests_total[{{.window}}]))",
            )
    return _query(of.node, nodes, {name: str(text) for name, text in counted.items()}, remarks)


def _metrics(expression: promql_parser.Expr) -> list[str]:
    return [selector.name or "" for selector in selectors_of(expression)]


def _plain(expression: promql_parser.Expr, text: str | None = None) -> str | None:
    """The selector of `selector` or `sum(selector)`; as it is written, if it is all of `text`."""
    if text and isinstance(expression, promql_parser.VectorSelector):
        return text
    while isinstance(expression, promql_parser.ParenExpr):
        expression = expression.expr
    if isinstance(expression, promql_parser.AggregateExpr):
        if str(expression.op) != "sum" or expression.modifier is not None:
            return None
        return _plain(expression.expr)
    return expression.prettify() if isinstance(expression, promql_parser.VectorSelector) else None


def _increases(expression: promql_parser.Expr) -> str | None:
    """Sums and differences of counters, as those of their increases."""
    match expression:
        case promql_parser.ParenExpr():
            inner = _increases(expression.expr)
            return f"({inner})" if inner else None
        case promql_parser.VectorSelector():
            return f"sum(increase({expression.prettify()}[{WINDOW}]))"
        case promql_parser.AggregateExpr() if str(expression.op) == "sum":
            inner = _plain(expression.expr)
            by = f" {expression.modifier} " if expression.modifier else ""
            return f"sum{by}(increase({inner}[{WINDOW}]))" if inner else None
        case promql_parser.BinaryExpr() if str(expression.op) in {"+", "-"}:
            left, right = _increases(expression.lhs), _increases(expression.rhs)
            if left and right and expression.modifier is None:
                return f"{left} {expression.op} {right}"
    return None
