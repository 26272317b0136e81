"""What falls: counters that restart, and what is no counter."""

from __future__ import annotations

from collections.abc import Iterable

from tests.field.case import FieldCase, Truth, one_slo
from tests.field.counted import NOW
from tests.field.impossible import impossible_case
from tests.field.kit import Series, counter, gauge, scrapes


def a_gauge_as_total() -> FieldCase:
    return impossible_case(
        "A gauge of open connections, taken for a counter.",
        "{events: {bad: imp_errors_total, total: imp_connections}}",
        lambda times, _: [
            counter("imp_errors_total", 0.01, times),
            gauge("imp_connections", lambda t: 1_000 + (t // 30 * 7_919) % 101, times),
        ],
        "more than it can have counted since a restart: a gauge, or a sum of counters",
        invalid=("*",),
    )


def _pods(times: list[float], now: int, rate: float, old: float) -> list[tuple[float, float]]:
    """The sum of four pods' counters, of which one restarts every five minutes."""
    pods = [
        counter("pod", rate, times, first=old, resets=[now - ago]).samples
        for ago in (3_600, 3_300, 3_000, 2_700)
    ]
    return [(at[0][0], sum(value for _, value in at)) for at in zip(*pods, strict=True)]


def a_recorded_sum_that_loses_pods() -> FieldCase:
    def recorded(times: list[float], now: int) -> list[Series]:
        return [
            gauge("imp:requests:sum", dict(_pods(times, now, rate, old)).get, times, code=code)
            for code, rate, old in (("500", 0, 50_000), ("200", 25, 950_000))
        ]

    return impossible_case(
        "The recorded sum of four pods' counters falls as these restart: it is no counter.",
        "{events: {bad: 'imp:requests:sum{code=\"500\"}', total: 'imp:requests:sum'}}",
        recorded,
        "more than it can have counted since a restart: a gauge, or a sum of counters",
        invalid=("*",),
    )


def a_counter_that_was_restored() -> FieldCase:
    return impossible_case(
        "A counter goes on a little below where it was, from a checkpoint: that slot is unknown, "
        "since nobody knows what it counted.",
        "{events: {bad: imp_kept_bad_total, total: imp_kept_total}}",
        lambda times, now: [
            counter("imp_kept_bad_total", 0.1, times),
            gauge(
                "imp_kept_total",
                lambda t: 1e6 + 10 * (t - now) - (500 if t > now - 1_800 else 0),
                times,
            ),
        ],
        "fell from 982,000 to 981,800, more than it can have counted since a restart",
        invalid=(),
        truths=(Truth("1h", 357, 35_700, unknown=30, within=1e-3),),
    )


def _crashes(t: float) -> float:
    """What a process has counted that restarts before every scrape."""
    return 300_000 + (t // 30 * 7_919) % 20_011


def a_process_that_crashes_at_every_scrape() -> FieldCase:
    def series(now: int) -> Iterable[Series]:
        times = scrapes(now, -7_200)
        at = {"job": "crashing", "instance": "c:1"}
        bad = {"code": "500", **at}
        yield gauge("up", 1, times, **at)
        yield gauge("imp_crashing_total", _crashes, times, code="200", **at)
        yield gauge("imp_crashing_total", lambda t: _crashes(t) / 10, times, **bad)

    values = [_crashes(NOW - 30 * n) for n in range(120)]
    # What climbs past the value before looks like growth: docs/exactness.md, what cannot be known.
    pairs = zip(values, [*values[1:], _crashes(NOW - 3_600)], strict=True)
    counted = sum(new - old if new >= old else new for new, old in pairs)
    return FieldCase(
        "A process crashes before every scrape; its counters fall from one to the next.",
        series,
        one_slo("{events: {bad: 'imp_crashing_total{code=\"500\"}', total: imp_crashing_total}}"),
        (Truth("1h", counted / 10, counted * 1.1, within=1),),
    )


def a_gauge_of_a_process_that_goes_on() -> FieldCase:
    def series(now: int) -> Iterable[Series]:
        times = scrapes(now)
        at = {"job": "going-on", "instance": "g:1"}
        yield gauge("up", 1, times, **at)
        yield gauge("process_start_time_seconds", now - 86_400, times, **at)
        yield gauge("imp_gauge_total", lambda t: 1_000 + (t // 30 * 7_919) % 101, times, **at)

    return FieldCase(
        "A gauge with a counter's name, of a process that tells that it was not restarted.",
        series,
        one_slo("{events: {bad: imp_gauge_total, total: imp_gauge_total}}"),
        words=("more than it can have counted since a restart",),
        invalid=("*",),
    )


CASES = (
    a_gauge_as_total,
    a_recorded_sum_that_loses_pods,
    a_counter_that_was_restored,
    a_process_that_crashes_at_every_scrape,
    a_gauge_of_a_process_that_goes_on,
)
