"""Values that cannot be: no figure, but a state and words."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tests.field.case import FieldCase, Truth
from tests.field.counted import NOW
from tests.field.kit import HOUR, Series, counter, gauge, scrapes

CONFIG = """
prometheus: {url: PROM_URL, scrape_interval: 30s}
slos:
  - service: s
    name: a
    objective: 99
    period: 2h
    sli: SLI
"""
ALL = ("5m", "30m", "1h", "2h")


def _case(
    story: str,
    sli: str,
    series: Callable[[list[float], int], Iterable[Series]],
    *words: str,
    invalid: tuple[str, ...] = ALL,
    truths: tuple[Truth, ...] = (),
) -> FieldCase:
    return FieldCase(
        story,
        lambda now: series(scrapes(now), now),
        CONFIG.replace("SLI", sli),
        truths=truths,
        words=words,
        invalid=invalid,
    )


def more_good_than_all() -> FieldCase:
    return _case(
        "Retries count as good, and not as requests.",
        "{events: {good: imp_success_total, total: imp_requests_total}}",
        lambda times, _: [
            counter("imp_success_total", 12, times),
            counter("imp_requests_total", 10, times),
        ],
        "21,600 good of 18,000 events in 30m: good must be part of total",
    )


def more_bad_than_all() -> FieldCase:
    return _case(
        "Bad events of all of them, and the total of one instance.",
        "{events: {bad: imp_bad_total, total: 'imp_all_total{instance=\"a\"}'}}",
        lambda times, _: [
            counter("imp_bad_total", 8, times),
            counter("imp_all_total", 5, times, instance="a"),
        ],
        "2,400 bad of 1,500 events in 5m: bad must be part of total",
    )


def swapped_selectors() -> FieldCase:
    return _case(
        "Total and bad are the wrong way round.",
        "{query: {total: 'sum(rate(imp_swap_total{code=\"500\"}[$window]))',"
        " bad: 'sum(rate(imp_swap_total[$window]))'}}",
        lambda times, _: [
            counter("imp_swap_total", 99, times, code="200"),
            counter("imp_swap_total", 1, times, code="500"),
        ],
        "3,000 bad of 30 events in 30s",
        invalid=("*",),
    )


def a_little_more_good_than_all() -> FieldCase:
    return _case(
        "A few in a hundred are counted twice: over an hour it is more than what reading two "
        "counters a scrape apart explains, over five minutes it is not.",
        "{events: {good: imp_twice_good_total, total: imp_twice_total}}",
        lambda times, _: [
            counter("imp_twice_good_total", 10.25, times),
            counter("imp_twice_total", 10, times),
        ],
        "36,900 good of 36,000 events in 1h",
    )


def a_free_query_that_cannot_be() -> FieldCase:
    return _case(
        "Counted by PromQL as it stands: the bad side misses an aggregation over half of it.",
        "{query: {good: 'max(rate(imp_free_good_total[$window])) * 2',"
        " total: 'max(rate(imp_free_total[$window]))'}}",
        lambda times, _: [
            counter("imp_free_good_total", 9, times),
            counter("imp_free_total", 10, times),
        ],
        "good must be part of total",
    )


def time_slices_that_cannot_be() -> FieldCase:
    return _case(
        "In slices of time it cannot be either.",
        "{events: {bad: imp_slice_bad_total, total: imp_slice_total}}\n"
        "    budgeting: {method: timeslices, slice: 5m, target: 95}",
        lambda times, _: [
            counter("imp_slice_bad_total", 8, times),
            counter("imp_slice_total", 5, times),
        ],
        "bad must be part of total",
        invalid=("*",),
    )


def one_group_of_two() -> FieldCase:
    def series(times: list[float], _: int) -> Iterable[Series]:
        for region, bad in (("eu", 30), ("us", 1)):
            yield counter("imp_group_total", 10, times, region=region)
            yield counter("imp_group_bad_total", bad, times, region=region)

    return _case(
        "One region counts its bad events three times over; the other is measured.",
        "{events: {bad: imp_group_bad_total, total: imp_group_total}}\n    group_by: [region]",
        series,
        "bad must be part of total",
        truths=(Truth("1h", 3_600, 36_000, groups={"region": "us"}),),
    )


def one_group_with_a_gauge() -> FieldCase:
    def series(times: list[float], _: int) -> Iterable[Series]:
        yield counter("imp_mixed", 10, times, region="us")
        yield gauge("imp_mixed", lambda t: 1_000 + (t // 30 * 7_919) % 101, times, region="eu")

    return _case(
        "One region shows a gauge in the place of the counter; the other is measured.",
        "{events: {bad: imp_mixed, total: imp_mixed}}\n    group_by: [region]",
        series,
        "more than it can have counted since a restart",
        truths=(Truth("1h", 36_000, 36_000, groups={"region": "us"}),),
    )


def a_ratio_in_percent() -> FieldCase:
    return _case(
        "An error rate in percent, of 0.4 and for ten minutes 3.",
        "{ratio: {error: imp_percent}}",
        lambda times, now: [
            gauge("imp_percent", lambda t: 3 if now - HOUR < t <= now - 3_000 else 0.4, times)
        ],
        "the error ratio was 3, which is not between 0 and 1: is it in percent?",
        invalid=("*",),
    )


def a_success_ratio_in_percent() -> FieldCase:
    return _case(
        "A success rate of 99.6.",
        "{ratio: {success: imp_success_percent}}",
        lambda times, _: [gauge("imp_success_percent", 99.6, times)],
        "the success ratio was 99.6, which is not between 0 and 1: is it in percent?",
        invalid=("*",),
    )


def a_ratio_a_little_above_one() -> FieldCase:
    return FieldCase(
        "Rates that are read a scrape apart divide to a little more than 1: everything is good.",
        lambda now: [gauge("imp_nearly_one", 1.02, scrapes(now))],
        CONFIG.replace("SLI", "{ratio: {success: imp_nearly_one}}"),
        (Truth("1h", 0, 3_600),),
    )


def an_outage_a_little_above_one() -> FieldCase:
    return FieldCase(
        "The same of errors, in a total outage: everything is bad.",
        lambda now: [gauge("imp_outage", 1.05, scrapes(now))],
        CONFIG.replace("SLI", "{ratio: {error: imp_outage}}"),
        (Truth("1h", 3_600, 3_600),),
    )


def a_probe_that_is_a_duration() -> FieldCase:
    return _case(
        "Another gauge in the place of a probe.",
        "{probe: {selector: imp_probe_seconds}}",
        lambda times, _: [gauge("imp_probe_seconds", 2.5, times)],
        "the probe was 2.5, which is not between 0 and 1: is it another gauge?",
        invalid=("*",),
    )


def a_gauge_as_total() -> FieldCase:
    return _case(
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

    return _case(
        "The recorded sum of four pods' counters falls as these restart: it is no counter.",
        "{events: {bad: 'imp:requests:sum{code=\"500\"}', total: 'imp:requests:sum'}}",
        recorded,
        "more than it can have counted since a restart: a gauge, or a sum of counters",
        invalid=("*",),
    )


def a_counter_that_was_restored() -> FieldCase:
    return _case(
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
        CONFIG.replace(
            "SLI",
            "{events: {bad: 'imp_crashing_total{code=\"500\"}', total: imp_crashing_total}}",
        ),
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
        CONFIG.replace("SLI", "{events: {bad: imp_gauge_total, total: imp_gauge_total}}"),
        words=("more than it can have counted since a restart",),
        invalid=("*",),
    )


def counters_a_scrape_apart() -> FieldCase:
    return FieldCase(
        "Total and good come from two targets that are scraped half a minute apart, and traffic "
        "stops: that can be.",
        lambda now: [
            counter("imp_apart_total", 10, scrapes(now, until=-600, every=60)),
            counter("imp_apart_good_total", 10, scrapes(now, until=-600, every=60, phase=30)),
        ],
        CONFIG.replace("SLI", "{events: {good: imp_apart_good_total, total: imp_apart_total}}"),
        (Truth("1h", None, None, unknown=630),),
    )


CASES = (
    more_good_than_all,
    more_bad_than_all,
    swapped_selectors,
    a_little_more_good_than_all,
    a_free_query_that_cannot_be,
    time_slices_that_cannot_be,
    one_group_of_two,
    one_group_with_a_gauge,
    a_ratio_in_percent,
    a_success_ratio_in_percent,
    a_ratio_a_little_above_one,
    an_outage_a_little_above_one,
    a_probe_that_is_a_duration,
    a_gauge_as_total,
    a_recorded_sum_that_loses_pods,
    a_counter_that_was_restored,
    a_process_that_crashes_at_every_scrape,
    a_gauge_of_a_process_that_goes_on,
    counters_a_scrape_apart,
)
