"""Ratios that exist already, as recording rules leave them."""

from __future__ import annotations

from math import nan

from tests.field.case import FieldCase, Truth, one_slo
from tests.field.kit import gauge, scrapes

HOUR = 3_600


def ratio_with_an_idle_handler() -> FieldCase:
    def series(now: int):
        times = scrapes(now)
        return [
            gauge("idle:errors:ratio_rate5m", 0.02, times, handler="/a"),
            gauge("idle:errors:ratio_rate5m", nan, times, handler="/idle"),
        ]

    return FieldCase(
        story="Of two handlers one is idle, and its ratio is 0/0.",
        series=series,
        config=one_slo("{ratio: {error: idle:errors:ratio_rate5m}}"),
        truths=(Truth("1h", 72, HOUR),),
    )


CASES = (ratio_with_an_idle_handler,)
