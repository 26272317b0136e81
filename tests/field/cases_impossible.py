"""Values that cannot be: no figure, but a state and words."""

from __future__ import annotations

from collections.abc import Iterable

from tests.field.case import FieldCase, Truth, one_slo
from tests.field.impossible import impossible_case
from tests.field.kit import HOUR, Series, counter, gauge, scrapes


def more_good_than_all() -> FieldCase:
    return impossible_case(
        "Retries count as good, and not as requests.",
        "{events: {good: imp_success_total, total: imp_requests_total}}",
        lambda times, _: [
            counter("imp_success_total", 12, times),
            counter("imp_requests_total", 10, times),
        ],
        "21,600 good of 18,000 events in 30m: good must be part of total",
    )


def more_bad_than_all() -> FieldCase:
    return impossible_case(
        "Bad events of all of them, and the total of one instance.",
        "{events: {bad: imp_bad_total, total: 'imp_all_total{instance=\"a\"}'}}",
        lambda times, _: [
            counter("imp_bad_total", 8, times),
            counter("imp_all_total", 5, times, instance="a"),
        ],
        "2,400 bad of 1,500 events in 5m: bad must be part of total",
    )


def swapped_selectors() -> FieldCase:
    return impossible_case(
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
    return impossible_case(
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
    return impossible_case(
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
    return impossible_case(
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

    return impossible_case(
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

    return impossible_case(
        "One region shows a gauge in the place of the counter; the other is measured.",
        "{events: {bad: imp_mixed, total: imp_mixed}}\n    group_by: [region]",
        series,
        "more than it can have counted since a restart",
        truths=(Truth("1h", 36_000, 36_000, groups={"region": "us"}),),
    )


def a_ratio_in_percent() -> FieldCase:
    return impossible_case(
        "An error rate in percent, of 0.4 and for ten minutes 3.",
        "{ratio: {error: imp_percent}}",
        lambda times, now: [
            gauge("imp_percent", lambda t: 3 if now - HOUR < t <= now - 3_000 else 0.4, times)
        ],
        "the error ratio was 3, which is not between 0 and 1: is it in percent?",
        invalid=("*",),
    )


def a_success_ratio_in_percent() -> FieldCase:
    return impossible_case(
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
        one_slo("{ratio: {success: imp_nearly_one}}"),
        (Truth("1h", 0, 3_600),),
    )


def an_outage_a_little_above_one() -> FieldCase:
    return FieldCase(
        "The same of errors, in a total outage: everything is bad.",
        lambda now: [gauge("imp_outage", 1.05, scrapes(now))],
        one_slo("{ratio: {error: imp_outage}}"),
        (Truth("1h", 3_600, 3_600),),
    )


def a_probe_that_is_a_duration() -> FieldCase:
    return impossible_case(
        "Another gauge in the place of a probe.",
        "{probe: {selector: imp_probe_seconds}}",
        lambda times, _: [gauge("imp_probe_seconds", 2.5, times)],
        "the probe was 2.5, which is not between 0 and 1: is it another gauge?",
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
        one_slo("{events: {good: imp_apart_good_total, total: imp_apart_total}}"),
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
    counters_a_scrape_apart,
)
