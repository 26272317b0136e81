"""Things that people write."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tests.field.case import FieldCase, Truth, one_slo
from tests.field.kit import Series, counter, scrapes


def _case(
    story: str,
    sli: str,
    series: Callable[[list[float]], Iterable[Series]],
    *truths: Truth,
    groups: str = "",
    words: tuple[str, ...] = (),
) -> FieldCase:
    config = one_slo(sli, group_by=groups)
    return FieldCase(story, lambda now: series(scrapes(now)), config, truths, words)


def raw_strings() -> FieldCase:
    return _case(
        "Strings in backticks, with backslashes.",
        r"""
      query:
        bad: sum(rate(wr_raw_total{path=~`/api/v\d/users/\d+`, code=~`5\d\d`}[$window]))
        total: sum(rate(wr_raw_total{path=~`/api/v\d/users/\d+`}[$window]))""",
        lambda times: [
            counter("wr_raw_total", 9.8, times, path="/api/v1/users/12", code="200"),
            counter("wr_raw_total", 0.2, times, path="/api/v1/users/12", code="503"),
            counter("wr_raw_total", 5, times, path="/api/v1/teams", code="503"),
        ],
        Truth("1h", 720, 36_000),
    )


def raw_strings_in_free_promql() -> FieldCase:
    return _case(
        "The same where the query is asked as it stands.",
        r"""
      query:
        bad: sum(rate(wr_free_total{code=~`5\d\d`}[$window])) * 1
        total: sum(rate(wr_free_total[$window])) * 1""",
        lambda times: [
            counter("wr_free_total", 9.8, times, code="200"),
            counter("wr_free_total", 0.2, times, code="503"),
        ],
        Truth("1h", 720, 36_000, within=1),
    )


def two_metrics_with_equal_labels() -> FieldCase:
    return _case(
        "Two metrics by one pattern, whose series have the same labels.",
        """
      events:
        bad: '{__name__=~"wr_(http|grpc)_total", code=~"5.."}'
        total: '{__name__=~"wr_(http|grpc)_total"}'""",
        lambda times: [
            counter(name, rate, times, code=code)
            for name in ("wr_http_total", "wr_grpc_total")
            for code, rate in (("200", 9.8), ("500", 0.2))
        ],
        Truth("1h", 1_440, 72_000),
    )


def two_metrics_in_a_query() -> FieldCase:
    return _case(
        "The same in a query of rates.",
        """
      query:
        bad: sum(rate({__name__=~"wr_a_total|wr_b_total", code=~"5.."}[$window]))
        total: sum(rate({__name__=~"wr_a_total|wr_b_total"}[$window]))""",
        lambda times: [
            counter(name, rate, times, code=code)
            for name in ("wr_a_total", "wr_b_total")
            for code, rate in (("200", 9.8), ("500", 0.2))
        ],
        Truth("1h", 1_440, 72_000),
    )


def a_label_of_our_own() -> FieldCase:
    return _case(
        "Groups by a label that the exporter's own metrics have.",
        "{events: {bad: 'wr_mesh_total{code=\"500\"}', total: wr_mesh_total}}",
        lambda times: [
            counter("wr_mesh_total", rate, times, service=service, code=code)
            for service in ("cart", "pay")
            for code, rate in (("200", 9.8), ("500", 0.2))
        ],
        Truth("1h", 720, 36_000, groups={"svc": "cart"}),
        Truth("1h", 720, 36_000, groups={"svc": "pay"}),
        groups="[{label: service, as: svc}]",
    )


def a_label_that_is_summed_away() -> FieldCase:
    return _case(
        "The query sums the label away that is to group.",
        """
      query:
        bad: sum by (job) (rate(wr_away_total{code="500"}[$window]))
        total: sum by (job) (rate(wr_away_total[$window]))""",
        lambda times: [
            counter("wr_away_total", 9.8, times, job="a", host="h1", code="200"),
            counter("wr_away_total", 0.2, times, job="a", host="h1", code="500"),
        ],
        Truth("1h", 720, 36_000, within=1, groups={"host": ""}),
        groups="[host]",
        words=("no series has the label host, or the query sums it away",),
    )


def _histogram(name: str, times: list[float], bounds: dict[str, float]) -> list[Series]:
    rates = {**bounds, "+Inf": 10.0}
    return [
        counter(f"{name}_count", 10, times),
        *(counter(f"{name}_bucket", rate, times, le=le) for le, rate in rates.items()),
    ]


MILLISECONDS = {"5": 1.0, "250": 9.5, "500": 9.9}


def milliseconds_by_the_name() -> FieldCase:
    return _case(
        "Bounds in milliseconds, as the metric's name says.",
        "{latency: {histogram: wr_duration_milliseconds, threshold: 250ms}}",
        lambda times: _histogram("wr_duration_milliseconds", times, MILLISECONDS),
        Truth("1h", 1_800, 36_000),
    )


def milliseconds_by_the_file() -> FieldCase:
    return _case(
        "Bounds in milliseconds, as the file says.",
        "{latency: {histogram: wr_upstream_rq_time, threshold: 250, unit: ms}}",
        lambda times: _histogram("wr_upstream_rq_time", times, MILLISECONDS),
        Truth("1h", 1_800, 36_000),
    )


def microseconds() -> FieldCase:
    return _case(
        "Bounds in microseconds, and a threshold below a millisecond.",
        "{latency: {histogram: wr_lookup, threshold: 250, unit: us}}",
        lambda times: _histogram("wr_lookup", times, MILLISECONDS),
        Truth("1h", 1_800, 36_000),
    )


def bytes_of_answers() -> FieldCase:
    return _case(
        "A histogram of sizes.",
        "{latency: {histogram: wr_response_bytes, threshold: 1e6}}",
        lambda times: _histogram("wr_response_bytes", times, {"1000": 2, "1e+06": 9.5}),
        Truth("1h", 1_800, 36_000),
    )


def a_bucket_in_another_spelling() -> FieldCase:
    return _case(
        'A query asks for le="1", and what is stored is 1.0.',
        """
      query:
        good: sum(rate(wr_spelled_bucket{le="1"}[$window]))
        total: sum(rate(wr_spelled_count[$window]))""",
        lambda times: _histogram("wr_spelled", times, {"1.0": 9.9}),
        Truth("1h", 360, 36_000),
    )


def buckets_alone() -> FieldCase:
    return _case(
        "All requests are those in the last bucket, as other tools write it.",
        """
      query:
        good: sum(rate(wr_buckets_bucket{le="1"}[$window]))
        total: sum(rate(wr_buckets_bucket{le="+Inf"}[$window]))""",
        lambda times: _histogram("wr_buckets", times, {"1.0": 9.9}),
        Truth("1h", 360, 36_000),
    )


CASES = (
    buckets_alone,
    raw_strings,
    raw_strings_in_free_promql,
    two_metrics_with_equal_labels,
    two_metrics_in_a_query,
    a_label_of_our_own,
    a_label_that_is_summed_away,
    milliseconds_by_the_name,
    milliseconds_by_the_file,
    microseconds,
    bytes_of_answers,
    a_bucket_in_another_spelling,
)
