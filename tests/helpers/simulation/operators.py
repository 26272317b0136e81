"""What PromQL's operators make of rows of values, as Prometheus's documentation has them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


class UnknownFormError(Exception):
    """A query that the interpreter cannot answer."""


@dataclass(slots=True)
class Row:
    """A series of an answer: a value for every time, where there is one."""

    labels: dict[str, str]
    values: np.ndarray
    there: np.ndarray


def key(labels: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(labels.items()))


def nameless(labels: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in labels.items() if name != "__name__"}


def combined_set(
    operation: str, ours: list[Row], theirs: list[Row], signature: Any, size: int
) -> Any:
    there: dict[Any, np.ndarray] = {}
    for row in ours if operation == "or" else theirs:
        before = there.get(signature(row.labels), np.zeros(size, dtype=bool))
        there[signature(row.labels)] = before | row.there
    nowhere = np.zeros(size, dtype=bool)
    if operation == "or":
        more = [
            Row(row.labels, row.values, row.there & ~there.get(signature(row.labels), nowhere))
            for row in theirs
        ]
        return [*ours, *more]
    keep = (lambda other: other) if operation == "and" else np.logical_not
    return [
        Row(row.labels, row.values, row.there & keep(there.get(signature(row.labels), nowhere)))
        for row in ours
    ]


def combined_row(
    operation: str,
    row: Row,
    left: np.ndarray,
    right: np.ndarray,
    there: np.ndarray,
    *,
    as_bool: bool,
    vector: np.ndarray | None,
) -> Row:
    with np.errstate(all="ignore"):
        if operation in ARITHMETIC:
            return Row(nameless(row.labels), ARITHMETIC[operation](left, right), there)
        if operation in COMPARED:
            holds = COMPARED[operation](left, right)
            if as_bool:
                return Row(nameless(row.labels), holds.astype(float), there)
            return Row(row.labels, left if vector is None else vector, there & holds)
    raise UnknownFormError(operation)


def present(rows: list[Row]) -> list[Row]:
    """Rows that have any value; those with equal labels are one."""
    found: dict[Any, Row] = {}
    for row in rows:
        if not row.there.any():
            continue
        own = key(row.labels)
        if own in found:
            before = found[own]
            values = np.where(before.there, before.values, row.values)
            found[own] = Row(row.labels, values, before.there | row.there)
        else:
            found[own] = row
    return list(found.values())


ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
}
COMPARED: dict[str, Callable[[Any, Any], Any]] = {
    "==": np.equal,
    "!=": np.not_equal,
    ">": np.greater,
    "<": np.less,
    ">=": np.greater_equal,
    "<=": np.less_equal,
}


def _masked(values: np.ndarray, there: np.ndarray, otherwise: float) -> np.ndarray:
    return np.where(there, values, otherwise)


AGGREGATED: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "sum": lambda values, there: _masked(values, there, 0.0).sum(axis=0),
    "count": lambda _values, there: there.sum(axis=0).astype(float),
    "min": lambda values, there: _masked(values, there, np.inf).min(axis=0),
    "max": lambda values, there: _masked(values, there, -np.inf).max(axis=0),
    "avg": lambda values, there: (
        _masked(values, there, 0.0).sum(axis=0) / np.maximum(1, there.sum(axis=0))
    ),
}
