"""Whom the series are for that answer questions about raw samples, and which part of them. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from typing import TypeVar

from exporter.collection.raw_questions import OneQuery, RawQuestion
from exporter.prometheus.alike import Cell
from exporter.prometheus.errors import UnavailableError
from exporter.prometheus.matrix import Series

V = TypeVar("V")


def by_key(query: OneQuery, found: Sequence[Series]) -> dict[Cell, list[Series]]:
    """The series of an answer by whom they are for.

    Raises:
        UnavailableError: it is an answer to something else.
    """
    own: dict[Cell, list[Series]] = defaultdict(list)
    for one in found:
        own[query.key_of(one.labels)].append(one)
        if not query.kind.of_samples and query.first < query.last:
            for at, _ in one.samples:
                if not query.first <= at <= query.last:
                    raise UnavailableError(f"an answer for {at:.3f}, which was not asked for")
    return own


def part_of(one: Series, question: RawQuestion, query: OneQuery, closed: bool) -> Series | None:
    """What of a series answers one of the questions; None if it is nothing."""
    if question.of_samples:
        start, end = question.at - question.back, question.at
    elif query.first == query.last:
        return one
    else:
        start, end, closed = question.at, question.at, True
    samples, histograms = _within(one.samples, start, end, closed), one.histograms
    if histograms:
        histograms = _within(histograms, start, end, closed)
    return Series(one.labels, samples, histograms) if samples or histograms else None


def _within(
    items: list[tuple[float, V]], start: int, end: int, closed: bool
) -> list[tuple[float, V]]:
    """Those of some samples, in order, in a range, which includes its start if it is closed."""
    search = bisect_left if closed else bisect_right
    times = [at for at, _ in items]
    first, last = search(times, start), bisect_right(times, end)
    return items if (first, last) == (0, len(items)) else items[first:last]
