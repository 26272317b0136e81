"""Free PromQL of every unit: rates per second, counts over a window, and gauges."""

from __future__ import annotations

from tests.field.case import FieldCase, Truth, one_slo
from tests.field.kit import counter, gauge, scrapes

EVENTS = Truth("1h", 1_080, 3_600, within=40)
"""One event a second, of which 30% fail. Extrapolation is the functions' own."""


def _case(story: str, name: str, query: str) -> FieldCase:
    def series(now: int):
        times = scrapes(now)
        return [
            counter(f"{name}_total", 1, times),
            counter(f"{name}_good", 0.7, times),
            counter(f"{name}_bad", 0.3, times),
            gauge(f"{name}_per_second", 1, times),
            gauge(f"{name}_bad_per_second", 0.3, times),
            gauge(f"{name}:bad:rate5m", 0.3, times),
            gauge(f"{name}:all:rate5m", 1, times),
        ]

    lines = "".join(f"\n        {line}" for line in query.replace("NAME", name).split("\n"))
    return FieldCase(story, series, one_slo(f"\n      query:{lines}"), (EVENTS,))


def delta_beside_increase() -> FieldCase:
    return _case(
        "A delta of a summary's sum beside the increase of its count: both count over the window.",
        "unit_delta",
        "good: sum(delta(NAME_good[$window]))\ntotal: sum(increase(NAME_total[$window]))",
    )


def irate_beside_deriv() -> FieldCase:
    return _case(
        "Both are rates per second.",
        "unit_irate",
        "bad: sum(irate(NAME_bad[$window]))\ntotal: sum(deriv(NAME_total[$window]))",
    )


def gauges_of_rates() -> FieldCase:
    return _case(
        "Gauges that are rates per second, as the file says.",
        "unit_gauges",
        "bad: avg_over_time(NAME_bad_per_second[$window])\n"
        "total: avg_over_time(NAME_per_second[$window])\n"
        "unit: per_second",
    )


def gauges_of_counts() -> FieldCase:
    return _case(
        "Counts over the window, as the file says.",
        "unit_counts",
        "bad: avg_over_time(NAME_bad_per_second[$window]) * 120\n"
        "total: avg_over_time(NAME_per_second[$window]) * 120\n"
        "unit: per_window",
    )


def recorded_rates() -> FieldCase:
    return _case(
        "Names of recording rules tell that they are rates.",
        "unit_recorded",
        "bad: avg_over_time(NAME:bad:rate5m[$window])\n"
        "total: avg_over_time(NAME:all:rate5m[$window])",
    )


def an_increase_over_another_range() -> FieldCase:
    return _case(
        "Both count over ten minutes, whatever $window is; it stands in another place.",
        "unit_range",
        "bad: sum(increase(NAME_bad[10m])) and sum(rate(NAME_bad[$window])) >= 0\n"
        "total: sum(increase(NAME_total[10m])) and sum(rate(NAME_total[$window])) >= 0",
    )


CASES = (
    delta_beside_increase,
    irate_beside_deriv,
    gauges_of_rates,
    gauges_of_counts,
    recorded_rates,
    an_increase_over_another_range,
)
