"""An interpreter of the PromQL that the daemon asks, written from Prometheus's documentation.

It refuses what it does not know with `UnknownFormError`, so that nothing is answered wrongly in
silence. tests/server/torture/test_simulated_prometheus.py holds it to a real Prometheus.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import promql_parser as syntax

from tests.helpers.simulation.operators import (
    AGGREGATED,
    ARITHMETIC,
    Row,
    UnknownFormError,
    combined_row,
    combined_set,
    key,
    nameless,
    present,
)
from tests.helpers.simulation.ranges import OVER_TIME, Window
from tests.helpers.simulation.series import Database, Samples

LOOKBACK = 300.0


@lru_cache(maxsize=4_096)
def parsed(text: str) -> Any:
    return syntax.parse(text)


class Evaluation:
    """Evaluates expressions at some times; `closed` ranges include their start (Prometheus 2)."""

    def __init__(self, database: Database, times: np.ndarray, *, closed: bool) -> None:
        self._database = database
        self.times = times
        self._closed = closed

    def vector(self, node: Any) -> list[Row]:
        """What an expression that gives a vector gives.

        Raises:
            UnknownFormError: it is not known how to.
        """
        match node:
            case syntax.ParenExpr():
                return self.vector(node.expr)
            case syntax.VectorSelector():
                return self._instant(node, lambda samples, at: samples.all_values[at])
            case syntax.AggregateExpr():
                return self._aggregated(node)
            case syntax.BinaryExpr():
                return self._combined(node)
            case syntax.Call():
                return self._called(node)
        raise UnknownFormError(f"{type(node).__name__}: {node.prettify()}")

    def _number(self, node: Any) -> np.ndarray | None:
        """The value of an expression that is a number; None if it is none."""
        match node:
            case syntax.NumberLiteral():
                return np.full(len(self.times), float(node.val))
            case syntax.ParenExpr():
                return self._number(node.expr)
            case syntax.Call() if node.func.name == "time":
                return self.times.astype(float)
            case syntax.BinaryExpr():
                left, right = self._number(node.lhs), self._number(node.rhs)
                if left is not None and right is not None and str(node.op) in ARITHMETIC:
                    return ARITHMETIC[str(node.op)](left, right)
        return None

    def select(self, node: Any) -> Sequence[tuple[dict[str, str], Samples]]:
        """The series of a selector."""
        tests = []
        for matcher in node.matchers.matchers:
            op, wanted = str(matcher.op).rpartition(".")[2], matcher.value
            if op in ("Equal", "NotEqual"):
                tests.append((matcher.name, op == "Equal", re.compile(re.escape(wanted))))
            else:
                tests.append((matcher.name, op == "Re", re.compile(wanted)))
        if node.matchers.or_matchers or node.at is not None:
            raise UnknownFormError(node.prettify())
        if node.name:
            tests.append(("__name__", True, re.compile(re.escape(node.name))))
        return [
            (each.whole, each.samples)
            for each in self._database.series.values()
            if all(
                (pattern.fullmatch(each.whole.get(name, "")) is not None) == wanted
                for name, wanted, pattern in tests
            )
        ]

    def _instant(self, node: Any, value: Callable[[Samples, np.ndarray], np.ndarray]) -> list[Row]:
        at = self.times - _seconds(node.offset)
        rows = []
        for labels, samples in self.select(node):
            place = np.searchsorted(samples.all_times, at, side="right") - 1
            found = np.maximum(place, 0)
            age = at - samples.all_times[found]
            near = age <= LOOKBACK if self._closed else age < LOOKBACK
            there = (place >= 0) & near & ~np.isnan(samples.all_values[found])
            rows.append(Row(labels, value(samples, found), there))
        return present(rows)

    def _windows(self, node: Any) -> list[tuple[dict[str, str], Window]]:
        """What a range selector or a subquery gives."""
        side = "left" if self._closed else "right"
        length = node.range.total_seconds()
        if isinstance(node, syntax.MatrixSelector):
            at = self.times - _seconds(node.vector_selector.offset)
            found = self.select(node.vector_selector)
        elif isinstance(node, syntax.SubqueryExpr):
            at, step = self.times - _seconds(node.offset), node.step.total_seconds()
            first = np.floor((at[0] - length) / step) * step
            grid = np.arange(first, at[-1] + step / 2, step)
            inner = Evaluation(self._database, grid, closed=self._closed)
            found = [
                (row.labels, Samples(list(grid[row.there]), list(row.values[row.there])))
                for row in inner.vector(node.expr)
            ]
        else:
            raise UnknownFormError(node.prettify())
        return [
            (
                labels,
                Window(
                    samples,
                    np.searchsorted(samples.times, at - length, side=side),
                    np.searchsorted(samples.times, at, side="right"),
                    at - length,
                    at,
                ),
            )
            for labels, samples in found
        ]

    def _called(self, node: Any) -> list[Row]:
        name, arguments = node.func.name, node.args
        if name in OVER_TIME:
            rows = []
            for labels, window in self._windows(arguments[0]):
                there = window.count >= (2 if name in ("rate", "increase", "delta") else 1)
                if there.any():
                    own = labels if name == "last_over_time" else nameless(labels)
                    values = np.where(there, 0.0, np.nan)
                    values[there] = OVER_TIME[name](window.where(there))
                    rows.append(Row(own, values, there))
            return rows
        if name == "timestamp" and isinstance(arguments[0], syntax.VectorSelector):
            rows = self._instant(arguments[0], lambda samples, at: samples.all_times[at])
            return [Row(nameless(row.labels), row.values, row.there) for row in rows]
        if name == "vector" and (number := self._number(arguments[0])) is not None:
            return [Row({}, number, np.ones(len(self.times), dtype=bool))]
        if name == "clamp_min" and (least := self._number(arguments[1])) is not None:
            rows = self.vector(arguments[0])
            return [
                Row(nameless(row.labels), np.maximum(row.values, least), row.there) for row in rows
            ]
        if name == "label_replace":
            target, replacement, source, pattern = (each.val for each in arguments[1:])
            if (source, pattern) != ("", ""):
                raise UnknownFormError(node.prettify())
            return [
                Row({**row.labels, target: replacement}, row.values, row.there)
                for row in self.vector(arguments[0])
            ]
        raise UnknownFormError(node.prettify())

    def _aggregated(self, node: Any) -> list[Row]:
        operation = str(node.op)
        labels: Sequence[str] = ()
        if node.modifier is not None:
            if not str(node.modifier.type).endswith("By"):
                raise UnknownFormError(node.prettify())
            labels = node.modifier.labels
        groups: dict[tuple[tuple[str, str], ...], list[Row]] = {}
        for row in self.vector(node.expr):
            own = {name: row.labels[name] for name in labels if row.labels.get(name)}
            groups.setdefault(key(own), []).append(row)
        rows = []
        for labelled, members in groups.items():
            there = np.array([row.there for row in members])
            values = np.array([row.values for row in members])
            if operation not in AGGREGATED:
                raise UnknownFormError(node.prettify())
            rows.append(
                Row(dict(labelled), AGGREGATED[operation](values, there), there.any(axis=0))
            )
        return rows

    def _combined(self, node: Any) -> list[Row]:
        operation = str(node.op)
        left, right = self._number(node.lhs), self._number(node.rhs)
        as_bool = node.modifier is not None and node.modifier.return_bool
        if left is not None and right is not None:
            raise UnknownFormError(node.prettify())
        if left is not None or right is not None:
            rows = self.vector(node.lhs if left is None else node.rhs)
            return present(
                [
                    combined_row(
                        operation,
                        row,
                        row.values if left is None else left,
                        row.values if right is None else right,
                        row.there,
                        as_bool=as_bool,
                        vector=row.values,
                    )
                    for row in rows
                ]
            )
        signature = _signature(node)
        ours, theirs = self.vector(node.lhs), self.vector(node.rhs)
        if operation in ("and", "unless", "or"):
            return present(combined_set(operation, ours, theirs, signature, len(self.times)))
        partners: dict[Any, list[Row]] = {}
        for row in theirs:
            partners.setdefault(signature(row.labels), []).append(row)
        rows = []
        for row in ours:
            for other in partners.get(signature(row.labels), ()):
                there = row.there & other.there
                found = combined_row(
                    operation, row, row.values, other.values, there, as_bool=as_bool, vector=None
                )
                rows.append(found)
        return present(rows)


def _signature(node: Any) -> Callable[[dict[str, str]], Any]:
    matching = node.modifier.matching if node.modifier is not None else None
    if matching is None:
        return lambda labels: key(nameless(labels))
    names = set(matching.labels)
    if str(matching.type).lower().endswith("on"):
        return lambda labels: tuple(labels.get(name, "") for name in sorted(names))
    return lambda labels: key({k: v for k, v in nameless(labels).items() if k not in names})


def _seconds(offset: Any) -> float:
    return 0.0 if offset is None else offset.total_seconds()
