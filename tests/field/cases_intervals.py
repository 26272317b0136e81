"""Series that are scraped less often than the configuration says, which says nothing here."""

from __future__ import annotations

from collections.abc import Callable

from tests.field.case import FieldCase, Truth
from tests.field.kit import HOUR, counter, scrapes, up

CONFIG = """
prometheus: {url: PROM_URL}
slos:
  - service: shop
    name: availability
    objective: 99
    period: 6h
    sli:
      events:
        bad: METRIC{code="500"}
        total: METRIC
"""


def scraped_every(seconds: int) -> Callable[[], FieldCase]:
    """A target at another interval than the default of 30 s; every scrape brings 10 of 100 bad."""

    def case() -> FieldCase:
        metric, target = f"every_{seconds}_total", {"job": f"every_{seconds}", "instance": "a:80"}

        def series(now: int):
            times = scrapes(now, -9 * HOUR, every=seconds, phase=7)
            return [
                up(times, **target),
                counter(metric, 90 / seconds, times, first=1_000, code="200", **target),
                counter(metric, 10 / seconds, times, first=1_000, code="500", **target),
            ]

        count = 6 * HOUR // seconds
        return FieldCase(
            f"A target is scraped every {seconds} s, and nobody said so.",
            series,
            CONFIG.replace("METRIC", metric),
            (Truth("6h", bad=10 * count, total=100 * count),),
            polled=(-1_800, 0),
        )

    case.__name__ = f"scraped_every_{seconds}"
    return case


CASES = tuple(scraped_every(seconds) for seconds in (10, 15, 60, 120, 900))
