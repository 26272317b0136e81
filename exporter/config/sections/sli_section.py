"""What an SLO measures: the kinds of `sli` in the configuration file."""

from __future__ import annotations

import math
import re
from typing import Annotated

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainValidator,
    ValidationInfo,
    field_validator,
)

from exporter.config.errors import quoted
from exporter.config.sections.latency_section import LatencySection
from exporter.config.types.expressions import Expression, WindowedExpression
from exporter.config.types.fields import (
    DURATION,
    Kind,
    Selector,
    duration,
    one_of,
    surroundings,
    wrong_parent,
)
from exporter.config.types.section import Section, exactly_one
from exporter.prometheus.kept_labels import kept_labels
from exporter.prometheus.rates import parse_query
from exporter.prometheus.units import UNITS, UnitError, covered
from exporter.slo.durations import format_duration
from exporter.slo.model import (
    EventsSli,
    ProbeSli,
    QuerySli,
    RatioSli,
    Sli,
    ThresholdSli,
)

_COMPARISON = re.compile(r"(<=|>=|<|>)\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)", re.ASCII)


def _reaches_an_interval(window: int, info: ValidationInfo) -> int:
    interval = surroundings(info).interval
    if interval and window < interval:
        raise ValueError(
            f"must be at least evaluation.interval ({format_duration(interval)}), "
            f"not {format_duration(window)}"
        )
    return window


def _comparison(value: object) -> tuple[str, float]:
    match = _COMPARISON.fullmatch(value.strip()) if isinstance(value, str) else None
    bound = float(match[2]) if match else math.inf
    if match is None or math.isinf(bound):
        given = f", not {quoted(value)}" if isinstance(value, str) else ""
        raise ValueError(f"must be <, <=, > or >= and a number, as in '< 0.8'{given}")
    return match[1], bound


class EventsSection(Section):
    """Events counted by counters. Exactly one of `bad` and `good` is needed.

    The values are plain vector selectors: no `rate()`, range, `offset` or operator, since the
    exporter does the counting.
    """

    total: Selector = Field(
        description="Counters of all events.", examples=['http_requests_total{service="auth"}']
    )
    bad: Selector | None = Field(
        default=None,
        description="Counters of the bad events.",
        examples=['http_requests_total{service="auth", code=~"5.."}'],
    )
    good: Selector | None = Field(
        default=None,
        validate_default=True,
        description="Counters of the good events, where bad ones are not counted.",
        examples=['jobs_total{job="mailer", result="success"}'],
    )

    @field_validator("good")
    @classmethod
    def _bad_or_good(cls, value: object, info: ValidationInfo) -> object:
        exactly_one(value, info, "bad")
        return value

    def sli(self) -> EventsSli:
        """What is measured."""
        return EventsSli(total=self.total, bad=self.bad, good=self.good)


class QuerySection(Section):
    """Events counted by free PromQL. Exactly one of `bad` and `good` is needed.

    In the expressions, `$window` is the range that they count over. Their values are rates
    per second or counts over it, alike on both sides; where their functions do not tell which,
    `unit` does.
    """

    total: WindowedExpression = Field(
        description="All events.", examples=['sum(rate(http_requests_total{job="auth"}[$window]))']
    )
    bad: WindowedExpression | None = Field(
        default=None,
        description="The bad events.",
        examples=['sum(rate(http_requests_total{job="auth", code=~"5.."}[$window]))'],
    )
    good: WindowedExpression | None = Field(
        default=None,
        validate_default=True,
        description="The good events, where bad ones are not counted.",
        examples=['sum(rate(jobs_total{result="success"}[$window]))'],
    )
    window: Annotated[
        int,
        BeforeValidator(duration("1s", "1d")),
        AfterValidator(_reaches_an_interval),
        DURATION,
    ] = Field(
        default=120,
        validate_default=True,
        description=(
            "What `$window` stands for: at least `evaluation.interval`, at most 1d. Below "
            "two scrape intervals `rate()` has too few samples; a longer "
            "window is smoother."
        ),
        examples=["5m"],
    )
    unit: Annotated[str, PlainValidator(one_of(dict.fromkeys(UNITS))), Kind("unit")] | None = Field(
        default=None,
        validate_default=True,
        description=(
            "What the values are, where no function such as `rate()` or `increase()` tells: "
            "`per_second` or `per_window` (a count over `$window`)."
        ),
        examples=["per_second"],
    )

    @field_validator("good")
    @classmethod
    def _bad_or_good(cls, value: object, info: ValidationInfo) -> object:
        exactly_one(value, info, "bad")
        return value

    @field_validator("unit")
    @classmethod
    def _one_unit(cls, unit: str | None, info: ValidationInfo) -> str | None:
        sides = {key: info.data[key] for key in ("total", "bad", "good") if info.data.get(key)}
        if "window" in info.data and len(sides) == 2:  # otherwise there are other mistakes
            try:
                covered(sides, info.data["window"], unit)
            except UnitError as error:
                wrong_parent(str(error))
        return unit

    def kept_labels(self) -> frozenset[str]:
        """The labels by which both expressions sum; none if they differ or are not told."""
        part = self.bad or self.good or ""
        kept = {kept_labels(parse_query(text)) for text in (self.total, part)}
        return (kept.pop() if len(kept) == 1 else None) or frozenset()

    def sli(self) -> QuerySli:
        """What is measured."""
        return QuerySli(self.total, self.bad, self.good, self.window, self.unit)


class RatioSection(Section):
    """An expression that is already a ratio between 0 and 1; every moment has the same weight.

    Exactly one of `error` and `success` is needed.
    """

    error: Expression | None = Field(
        default=None, description="The share that is bad.", examples=["job:errors:ratio_rate5m"]
    )
    success: Expression | None = Field(
        default=None,
        validate_default=True,
        description="The share that is good.",
        examples=['avg(up{job="auth"})'],
    )

    @field_validator("success")
    @classmethod
    def _error_or_success(cls, value: object, info: ValidationInfo) -> object:
        exactly_one(value, info, "error")
        return value

    def sli(self) -> RatioSli:
        """What is measured."""
        return RatioSli(error=self.error, success=self.success)


class ProbeSection(Section):
    """A gauge that is 1 for success and 0 for failure: every sample of it is an event."""

    selector: Selector = Field(
        description="Vector selector of the gauge.",
        examples=['probe_success{job="blackbox", instance="https://example.com"}'],
    )

    def sli(self) -> ProbeSli:
        """What is measured."""
        return ProbeSli(selector=self.selector)


class ThresholdSection(Section):
    """An expression whose value must stay within a bound; time outside it is bad."""

    query: Expression = Field(
        description="The value to compare, such as a saturation, a quantile or an age.",
        examples=['max(node_filesystem_used_ratio{job="db"})'],
    )
    must_be: Annotated[tuple[str, float], PlainValidator(_comparison), Kind("comparison")] = Field(
        description=(
            "Which values are good: `<`, `<=`, `>` or `>=` and a number in the unit of `query`. "
            "Put it in quotes: to YAML a plain `>` begins a block of text."
        ),
        examples=['"< 0.8"'],
    )

    def sli(self) -> ThresholdSli:
        """What is measured."""
        op, bound = self.must_be
        return ThresholdSli(query=self.query, op=op, bound=bound)


class SliSection(Section):
    """What is measured.

    Exactly one of `events`, `latency`, `query`, `ratio`, `probe` and `threshold` is needed.
    """

    events: EventsSection | None = Field(default=None, description="Events counted by counters.")
    latency: LatencySection | None = Field(default=None, description="Latency, by a histogram.")
    query: QuerySection | None = Field(
        default=None, description="Events counted by free PromQL, where selectors are not enough."
    )
    ratio: RatioSection | None = Field(
        default=None, description="A ratio that exists already, such as a recording rule's."
    )
    probe: ProbeSection | None = Field(
        default=None, description="A 0/1 gauge such as `up` and `probe_success`."
    )
    threshold: ThresholdSection | None = Field(
        default=None,
        validate_default=True,
        description="A value that must stay within a bound: saturation, a quantile, freshness.",
    )

    @field_validator("threshold")
    @classmethod
    def _one_kind(cls, value: object, info: ValidationInfo) -> object:
        exactly_one(value, info, "events", "latency", "query", "ratio", "probe")
        return value

    def sli(self) -> Sli:
        """What is measured, whichever kind it is."""
        kinds = (self.events, self.latency, self.query, self.ratio, self.probe, self.threshold)
        return next(section.sli() for section in kinds if section is not None)
