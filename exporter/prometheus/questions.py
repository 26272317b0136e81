"""What is asked of a selector, in a form that lets those that are alike be asked together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from exporter.prometheus.bucket_bounds import bound_matcher
from exporter.prometheus.histogram_promql import (
    HistogramSelectors,
    classic_events,
    native_present,
    total_events,
    within_events,
)
from exporter.prometheus.promql import QueryContext, events, over_slices
from exporter.prometheus.selectors import Selector

NO_SELECTOR = Selector(None, ())
"""Stands where a form needs none."""

Form = Callable[[Selector, QueryContext], str]
"""Writes an expression about a selector's series, one value per `by` of the context.

Forms that are equal ask the same; they are compared and hashed.
"""


@dataclass(frozen=True, slots=True)
class Question:
    """An expression: a selector, and what is asked of it."""

    selector: Selector
    form: Form

    def text(self, context: QueryContext) -> str:
        """The expression."""
        return self.form(self.selector, context)


def histogram_selectors(native: Selector, bound: float) -> HistogramSelectors:
    """The series of a histogram, by its base name."""
    bucket = native.renamed(f"{native.name}_bucket").where(bound_matcher(bound))
    return HistogramSelectors(native.renamed(f"{native.name}_count"), bucket, native, bound)


def counter(selector: Selector) -> Question:
    """The events of a counter."""
    return Question(selector, events)


def classic_histogram(of: HistogramSelectors) -> list[Question]:
    """A classic histogram's observations, those within the bound, and whether it has others."""
    native = of.native
    return [
        Question(native, _OfHistogram(classic_events, of.bound)),
        Question(native, _OfHistogram(_bucket_events, of.bound)),
        Question(native, _OfHistogram(native_present, of.bound)),
    ]


def histogram(of: HistogramSelectors) -> list[Question]:
    """The observations of a histogram of either kind, and those within the bound."""
    return [
        Question(of.native, _OfHistogram(total_events, of.bound)),
        Question(of.native, _OfHistogram(within_events, of.bound)),
    ]


def _bucket_events(of: HistogramSelectors, context: QueryContext) -> str:
    return events(of.bucket, context)


@dataclass(frozen=True, slots=True)
class _OfHistogram:
    ask: Callable[[HistogramSelectors, QueryContext], str]
    bound: float

    def __call__(self, native: Selector, context: QueryContext) -> str:
        return self.ask(histogram_selectors(native, self.bound), context)


@dataclass(frozen=True, slots=True)
class OverSamples:
    """A `_over_time` function of the samples in a slot, added up."""

    function: str

    def __call__(self, selector: Selector, context: QueryContext) -> str:
        """The expression."""
        range_ = context.range(context.slot)
        return f"sum by ({context.by}) ({self.function}({selector}[{range_}]))"


@dataclass(frozen=True, slots=True)
class OverSlices:
    """A `_over_time` function of a free expression's values at every interval of a slot."""

    function: str
    expression: str

    def __call__(self, _: Selector, context: QueryContext) -> str:
        """The expression."""
        return over_slices(self.function, self.expression, context)


@dataclass(frozen=True, slots=True)
class SummedOverSlices:
    """The sums of a free query's values, added up over every interval of a slot.

    `>= 0` drops NaN.
    """

    query: str

    def __call__(self, _: Selector, context: QueryContext) -> str:
        """The expression."""
        summed = f"sum by ({context.by}) ({self.query}) >= 0"
        return over_slices("sum_over_time", summed, context)


def free(form: Form) -> Question:
    """A question whose selectors are its form's own."""
    return Question(NO_SELECTOR, form)
