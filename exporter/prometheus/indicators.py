"""From an SLI to PromQL: what is asked for a slot, and how the answers make bad and total.

An indicator asks one or more expressions, whose values for one slot and one group `combine`
turns into (bad, total). Values are arrays over slots, NaN where the answer had none.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from exporter.prometheus.bucket_bounds import any_spelling
from exporter.prometheus.histogram_promql import HistogramSelectors
from exporter.prometheus.metric_names import by_metric
from exporter.prometheus.over_intervals import FreeQuery, TimeWeighted, or_zero
from exporter.prometheus.promql import QueryContext
from exporter.prometheus.questions import (
    OverSamples,
    Question,
    classic_histogram,
    counter,
    histogram,
    histogram_selectors,
)
from exporter.prometheus.rates import Term, recognise
from exporter.prometheus.selectors import Selector, label_list, parse_selector
from exporter.prometheus.units import covered
from exporter.slo.model import (
    CompositeSli,
    EventsSli,
    LatencySli,
    ProbeSli,
    QuerySli,
    RatioSli,
    Sli,
    ThresholdSli,
)
from exporter.slo.types import Floats

VIOLATES = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
"""What a bad value does to the bound, by what a good one must do."""


class Indicator(Protocol):
    """What is asked for an SLI."""

    @property
    def selectors(self) -> Sequence[Selector | None]:
        """Per expression, the counter behind it if raw samples can be counted in its place."""

    @property
    def questions(self) -> Sequence[Question]:
        """The expressions, each evaluated at the end of every slot."""

    @property
    def formula(self) -> Hashable:
        """Ways whose formulas are equal combine alike, also many of them at once."""

    def combine(self, values: Sequence[Floats], context: QueryContext) -> tuple[Floats, Floats]:
        """Bad and total events of each slot; total NaN where nothing is known.

        Values may be of one SLO (slots) or of many (SLOs x slots).
        """


@dataclass(frozen=True, slots=True)
class Counters:
    """Counters: all events, and the part of them that is bad (or good), as signed sums.

    A part that is absent has no events. `histogram` tells what they are of: then the part exists
    whenever the total does, and without it nothing is known; where the histogram has native series
    as well, they are not all.
    """

    total: tuple[Term, ...]
    part: tuple[Term, ...]
    part_is_good: bool
    histogram: HistogramSelectors | None = None

    @property
    def selectors(self) -> Sequence[Selector | None]:
        """The counters, those of the total first."""
        counters = [term.selector for term in (*self.total, *self.part)]
        return counters if self.histogram is None else [*counters, None]

    @property
    def questions(self) -> Sequence[Question]:
        """Count each selector's events; and, last, a histogram's native series."""
        if self.histogram:
            return classic_histogram(self.histogram)
        return [counter(selector) for selector in self.selectors if selector]

    @property
    def formula(self) -> Hashable:
        """Signs, and what they are of."""
        signs = [tuple(term.sign for term in terms) for terms in (self.total, self.part)]
        return "counters", *signs, self.part_is_good, self.histogram is not None

    def leaves_out(self, parts: Sequence[Sequence[object]]) -> bool:
        """Whether an answer shows native series of the histogram, which are not counted here."""
        return self.histogram is not None and bool(parts[-1])

    def combine(self, values: Sequence[Floats], context: QueryContext) -> tuple[Floats, Floats]:
        """Add up the terms."""
        del context
        cut = len(self.total)
        total = _signed_sum(self.total, values[:cut])
        part = _signed_sum(self.part, values[cut : cut + len(self.part)])
        if self.histogram:
            total = np.where(np.isnan(part), np.nan, total)
        part = or_zero(part)
        # What is more good than all, or more bad, is kept: a window of several slots tells whether
        # the two were read a scrape apart, or cannot be (exporter.slo.plausible).
        return or_zero(total - part) if self.part_is_good else part, total


@dataclass(frozen=True, slots=True)
class Nothing:
    """What is asked for a composite: nothing."""

    selectors: Sequence[Selector | None] = ()
    questions: Sequence[Question] = ()
    formula: Hashable = "nothing"

    def combine(self, values: Sequence[Floats], context: QueryContext) -> tuple[Floats, Floats]:
        """Nothing is known of it from here."""
        del values, context
        return np.full(1, 0.0), np.full(1, np.nan)


def _signed_sum(terms: Sequence[Term], values: Sequence[Floats]) -> Floats:
    if len(terms) == 1 and terms[0].sign == 1:
        return values[0]
    total = np.zeros_like(values[0])
    for term, value in zip(terms, values, strict=True):
        total += term.sign * or_zero(value)
    return np.where(np.all(np.isnan(values), axis=0), np.nan, total)


@dataclass(frozen=True, slots=True)
class Histogram:
    """Requests within a threshold, by a histogram's classic and native series."""

    of: HistogramSelectors

    @property
    def selectors(self) -> Sequence[None]:
        """None: its series are read from raw samples together."""
        return (None, None)

    @property
    def questions(self) -> Sequence[Question]:
        """All observations, and those within the threshold."""
        return histogram(self.of)

    @property
    def formula(self) -> Hashable:
        """The same for all."""
        return "histogram"

    def combine(self, values: Sequence[Floats], context: QueryContext) -> tuple[Floats, Floats]:
        """Slow is what is not within the threshold; nothing is known where nobody tells that."""
        del context
        total, within = values
        return or_zero(total - within), np.where(np.isnan(within), np.nan, total)


@dataclass(frozen=True, slots=True)
class Probe:
    """A 0/1 gauge: every sample is an event, good if it is 1."""

    selector: Selector

    @property
    def selectors(self) -> Sequence[None]:
        """None: gauges have no resets."""
        return (None, None)

    @property
    def questions(self) -> Sequence[Question]:
        """All samples, and the sum of them."""
        functions = ("count_over_time", "sum_over_time")
        return [Question(self.selector, OverSamples(function)) for function in functions]

    @property
    def formula(self) -> Hashable:
        """The same for all."""
        return "probe"

    def combine(self, values: Sequence[Floats], context: QueryContext) -> tuple[Floats, Floats]:
        """What did not succeed failed."""
        del context
        total, good = values
        return or_zero(total - or_zero(good)), total


def indicators(sli: Sli, group_by: Sequence[str]) -> tuple[Indicator, ...]:
    """The ways to measure an SLI, the usual one first.

    A latency has two, since its histogram may have native series as well; the second has all.

    Raises:
        ValueError: a selector is not one; configuration files are checked for that before.
        UnitError: so are they for queries whose unit is not known.
    """
    match sli:
        case EventsSli(total=total, bad=bad, good=good):
            whole, part = (Term(1, parse_selector(text)) for text in (total, bad or good or ""))
            return (Counters(_counted([whole]), _counted([part]), bad is None),)
        case LatencySli():
            return _latency(sli)
        case ProbeSli(selector=selector):
            return (Probe(parse_selector(selector)),)
        case QuerySli():
            return (_query(sli, group_by),)
        case RatioSli(error=error, success=success):
            by = label_list(group_by)
            share = f"avg by ({by}) (({error or success}) >= 0)"
            return (TimeWeighted(share if error else f"(1 - {share})"),)
        case CompositeSli():
            return (Nothing(),)
        case ThresholdSli(query=query, op=op, bound=bound):
            by = label_list(group_by)
            # NaN compares to nothing: `>= -Inf` drops it, as it would count as good below.
            violated = f"(({query}) >= -Inf) {VIOLATES[op]} bool {bound!r}"
            return (TimeWeighted(f"max by ({by}) ({violated})"),)


def _counted(terms: Sequence[Term]) -> tuple[Term, ...]:
    """The terms as they are counted: metric by metric, and in every spelling of a bound."""
    return tuple(
        Term(term.sign, any_spelling(selector))
        for term in terms
        for selector in by_metric(term.selector)
    )


def _latency(sli: LatencySli) -> tuple[Indicator, ...]:
    of = histogram_selectors(parse_selector(sli.histogram), sli.threshold)
    classic = Counters(
        total=(Term(1, of.count),),
        part=(Term(1, of.bucket),),
        part_is_good=True,
        histogram=of,
    )
    return (classic, Histogram(of))


def _query(sli: QuerySli, group_by: Sequence[str]) -> Indicator:
    part, part_is_good = sli.bad or sli.good or "", sli.bad is None
    whole = recognise(sli.total, group_by)
    # A part that does not exist has no events, whether the query says so or not.
    terms = recognise(part, group_by, absent_is_zero=True)
    if whole and terms:
        return Counters(_counted(whole), _counted(terms), part_is_good)
    over = covered({"total": sli.total, "part": part}, sli.window, sli.unit)
    return FreeQuery(sli.total, part, part_is_good, sli.window, over)
