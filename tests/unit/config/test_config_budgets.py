"""What an SLO may measure beyond counters, and how its budget is counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.config.reading.loading import load
from exporter.config.settings import Settings
from exporter.slo.model import (
    LowTraffic,
    ProbeSli,
    QuerySli,
    RatioSli,
    Slo,
    ThresholdSli,
    Timeslices,
)
from exporter.slo.period import CalendarPeriod
from exporter.slo.policy import DEFAULT_POLICY

SLI = "{events: {bad: errors_total, total: requests_total}}"
A_SLO = f"""\
slos:
  - service: auth
    name: availability
    objective: 99.9
    sli: {SLI}
"""


def loaded(text: str) -> Settings:
    return load(text, Path("config.yaml"))


def only_slo(text: str) -> Slo:
    (slo,) = loaded(text).slos
    return slo


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (
            "{query: {bad: 'sum(rate(a[$window]))', total: 'sum(rate(b[$window:1m]))'}}",
            QuerySli(total="sum(rate(b[$window:1m]))", bad="sum(rate(a[$window]))", window=120),
        ),
        (
            "{query: {good: 'increase(a[$window])', total: 'increase(b[$window])', window: 5m}}",
            QuerySli(total="increase(b[$window])", good="increase(a[$window])", window=300),
        ),
        ("{ratio: {error: 'a:ratio_rate5m'}}", RatioSli(error="a:ratio_rate5m")),
        ("{ratio: {success: '0.5'}}", RatioSli(success="0.5")),
        ("{probe: {selector: 'up{ job=\"a\" }'}}", ProbeSli('up{job="a"}')),
        ("{threshold: {query: a / b, must_be: < 0.8}}", ThresholdSli("a / b", "<", 0.8)),
        ("{threshold: {query: a, must_be: '<=-1'}}", ThresholdSli("a", "<=", -1.0)),
        ("{threshold: {query: a, must_be: '>  1e3'}}", ThresholdSli("a", ">", 1000.0)),
        ("{threshold: {query: a, must_be: ' >= .5 '}}", ThresholdSli("a", ">=", 0.5)),
    ],
)
def test_every_kind_of_sli_reaches_the_slo(written, expected):
    """Selectors have one spelling, expressions stay as they are written."""
    slo = only_slo(A_SLO.replace(SLI, written) + "    group_by: [region]\n")
    assert slo.sli == expected
    assert slo.group_by == ("region",)


def test_an_expression_may_have_lines_and_comments():
    """A block of YAML is one expression; the comment inside it does no harm."""
    block = "\n      ratio:\n        error: |\n          sum(a)  # bad\n            / sum(b)\n"
    assert only_slo(A_SLO.replace(SLI, block)).sli == RatioSli(error="sum(a)  # bad\n  / sum(b)")


@pytest.mark.parametrize("unit", ["week", "month", "quarter", "year"])
def test_a_period_may_be_the_calendars(unit):
    """A unit of the calendar, in a time zone, which is UTC unless it is given."""
    assert only_slo(A_SLO + f"    period: {{calendar: {unit}}}\n").period == CalendarPeriod(unit)
    zoned = f"    period: {{calendar: {unit}, time_zone: Asia/Kathmandu}}\n"
    assert only_slo(A_SLO + zoned).period == CalendarPeriod(unit, "Asia/Kathmandu")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("{}", None),
        ("{method: occurrences}", None),
        ("{method: Occurrences}", None),
        ("{method: timeslices, slice: 1m, target: 95}", Timeslices(60, 0.95)),
        ("{method: Timeslices, slice: 30s, target: 100}", Timeslices(30, 1.0)),
        ("{method: ratio_timeslices, slice: 5m}", Timeslices(300, None)),
        ("{method: RatioTimeslices, slice: 2m30s}", Timeslices(150, None)),
    ],
)
def test_every_budgeting_method_reaches_the_slo(written, expected):
    """Methods may be spelled as here or as in OpenSLO; occurrences have no slices."""
    assert only_slo(A_SLO + f"    budgeting: {written}\n").timeslices == expected


def test_an_slos_own_alerting_comes_before_that_of_all():
    """Key by key: what an SLO leaves out is as at the top of the file."""
    top = "alerting: {min_events: 100, min_bad_events: 5}\n"
    assert only_slo(A_SLO).low_traffic == LowTraffic(0, 0)
    assert only_slo(top + A_SLO).low_traffic == LowTraffic(100, 5)
    own = "    alerting: {min_bad_events: 0.5}\n"
    assert only_slo(top + A_SLO + own).low_traffic == LowTraffic(100, 0.5)


@pytest.mark.parametrize(
    ("written", "ratio"), [("5", 0.05), ("0", 0.0), ("100", 1.0), ("2.5", 0.025)]
)
def test_coverage_is_a_percentage_of_the_policy(written, ratio):
    """All SLOs share the policy; without the key it is the default one."""
    policy = only_slo(f"policy: {{min_coverage: {written}}}\n" + A_SLO).policy
    assert policy.min_coverage == ratio
    assert policy.tiers == DEFAULT_POLICY.tiers
    assert only_slo(A_SLO).policy == DEFAULT_POLICY
