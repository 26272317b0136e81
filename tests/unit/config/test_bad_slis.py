"""Indicators beyond counters that are wrong: one for each mistake, with its exact message."""

from __future__ import annotations

import pytest

from tests.helpers.config.bad_configs import complaints, one_slo, rows

NO_WINDOW = (
    "must contain $window as the range, as in rate(errors_total[$window]): the exporter needs to "
    "know over how long it counts"
)
A_RANGE = (
    "must have one value per series, not a range of them: put it into a function, as in "
    "avg_over_time(...)"
)
A_COMPARISON = "must be <, <=, > or >= and a number, as in '< 0.8'"
GOOD = "'sum(rate(a[$window]))'"


def sli(text: str) -> str:
    """A file with one SLO that measures this, on line 5."""
    return one_slo(sli=f"{{{text}}}")


QUERY = {
    "no total": (
        sli(f"query: {{bad: {GOOD}}}"),
        "config.yaml:5: slos[0].sli.query.total: is required",
    ),
    "bad and good": (
        sli(f"query: {{bad: {GOOD}, good: {GOOD}, total: {GOOD}}}"),
        "config.yaml:5: slos[0].sli.query: needs exactly one of bad and good: not both",
    ),
    "no window in one": (
        sli(f"query: {{bad: {GOOD}, total: 'sum(rate(a[5m]))'}}"),
        f"config.yaml:5: slos[0].sli.query.total: {NO_WINDOW}",
    ),
    "no PromQL": (
        sli(f"query: {{bad: 'sum(rate(a[$window])', total: {GOOD}}}"),
        "config.yaml:5: slos[0].sli.query.bad: is not PromQL: unclosed left parenthesis",
    ),
    "longer word than window": (
        sli(f"query: {{bad: 'rate(a[$windows])', total: {GOOD}}}"),
        "config.yaml:5: slos[0].sli.query.bad: is not PromQL: not a valid duration string: 7ss",
    ),
    "window in text alone": (
        sli(f"""query: {{bad: 'a{{b="$window"}}', total: {GOOD}}}"""),
        f"config.yaml:5: slos[0].sli.query.bad: {NO_WINDOW}",
    ),
    "range": (
        sli(f"query: {{good: '(a[$window])', total: {GOOD}}}"),
        f"config.yaml:5: slos[0].sli.query.good: {A_RANGE}",
    ),
    "mapping": (
        sli(f"query: {{good: {{a}}, total: {GOOD}}}"),
        "config.yaml:5: slos[0].sli.query.good: must be text: put a selector that begins with { "
        "in quotes",
    ),
    "window below the interval": (
        sli(f"query: {{bad: {GOOD}, total: {GOOD}, window: 29s}}"),
        "config.yaml:5: slos[0].sli.query.window: must be at least evaluation.interval (30s), "
        "not 29s",
    ),
    "default window below the interval": (
        sli(f"query: {{bad: {GOOD}, total: {GOOD}}}")
        + "evaluation: {interval: 5m, stale_after: 1h}",
        "config.yaml:5: slos[0].sli.query.window: must be at least evaluation.interval (5m), "
        "not 2m",
    ),
    "unit that no function tells": (
        sli(f"query: {{bad: {GOOD}, total: 'sum(avg_over_time(a[$window]))'}}"),
        "config.yaml:5: slos[0].sli.query: needs unit: per_second or unit: per_window, as the "
        "functions of total do not tell whether its value is a rate per second or a count over "
        "$window",
    ),
    "two units": (
        sli(f"query: {{bad: {GOOD}, total: 'sum(increase(a[$window]))'}}"),
        "config.yaml:5: slos[0].sli.query: has two units: total is a count over 2m, bad is a rate "
        "per second; use the same function in both",
    ),
    "two units in one": (
        sli(f"query: {{good: {GOOD}, total: 'rate(a[$window]) + changes(b[$window])'}}"),
        "config.yaml:5: slos[0].sli.query: total adds up a rate per second and a count over 2m: "
        "use the same function throughout",
    ),
    "another unit than the functions": (
        sli(f"query: {{bad: {GOOD}, total: {GOOD}, unit: per_window}}"),
        "config.yaml:5: slos[0].sli.query: has unit: per_window, but total is a rate per second",
    ),
    "unit that is none": (
        sli(f"query: {{bad: {GOOD}, total: {GOOD}, unit: s}}"),
        'config.yaml:5: slos[0].sli.query.unit: must be one of per_second, per_window, not "s"',
    ),
    "window too long": (
        sli(f"query: {{bad: {GOOD}, total: {GOOD}, window: 25h}}"),
        "config.yaml:5: slos[0].sli.query.window: must be at least 1s and at most 1d, not 25h",
    ),
}

OTHERS = {
    "ratio of nothing": (
        sli("ratio: {}"),
        "config.yaml:5: slos[0].sli.ratio: needs exactly one of error and success: neither is "
        "there",
    ),
    "ratio of both": (
        sli("ratio: {error: a, success: b}"),
        "config.yaml:5: slos[0].sli.ratio: needs exactly one of error and success: not both",
    ),
    "ratio with window": (
        sli("ratio: {error: 'rate(a[$window])'}"),
        "config.yaml:5: slos[0].sli.ratio.error: must not contain $window, which sli.query has: "
        "write a range such as 5m",
    ),
    "ratio a range": (
        sli("ratio: {error: 'a[5m]'}"),
        f"config.yaml:5: slos[0].sli.ratio.error: {A_RANGE}",
    ),
    "ratio a subquery": (
        sli("ratio: {error: 'rate(a[5m])[1h:]'}"),
        f"config.yaml:5: slos[0].sli.ratio.error: {A_RANGE}",
    ),
    "ratio a text": (
        sli("""ratio: {success: '"a"'}"""),
        "config.yaml:5: slos[0].sli.ratio.success: must have numbers as values: it is text in "
        "quotes",
    ),
    "ratio with a comment at its end": (
        sli("ratio: {success: 'a # b'}"),
        "config.yaml:5: slos[0].sli.ratio.success: must not end with a comment: it would hide "
        "what the exporter writes after it",
    ),
    "probe an expression": (
        sli("probe: {selector: 'up == 1'}"),
        "config.yaml:5: slos[0].sli.probe.selector: must be a plain selector such as "
        'metric_total{label="value"}, without functions, ranges or operators: the exporter '
        "counts by itself",
    ),
    "threshold without bound": (
        sli("threshold: {query: a}"),
        "config.yaml:5: slos[0].sli.threshold.must_be: is required",
    ),
    "threshold without operator": (
        sli("threshold: {query: a, must_be: 0.8}"),
        f'config.yaml:5: slos[0].sli.threshold.must_be: {A_COMPARISON}, not "0.8"',
    ),
    "threshold with equality": (
        sli("threshold: {query: a, must_be: '== 1'}"),
        f'config.yaml:5: slos[0].sli.threshold.must_be: {A_COMPARISON}, not "== 1"',
    ),
    "threshold with unit": (
        sli("threshold: {query: a, must_be: '< 500ms'}"),
        f'config.yaml:5: slos[0].sli.threshold.must_be: {A_COMPARISON}, not "< 500ms"',
    ),
    "threshold beyond numbers": (
        sli("threshold: {query: a, must_be: '< 1e999'}"),
        f'config.yaml:5: slos[0].sli.threshold.must_be: {A_COMPARISON}, not "< 1e999"',
    ),
    "threshold a list": (
        sli("threshold: {query: a, must_be: [1]}"),
        f"config.yaml:5: slos[0].sli.threshold.must_be: {A_COMPARISON}",
    ),
    "three kinds": (
        sli("probe: {selector: up}, ratio: {error: a}, threshold: {query: a, must_be: '<1'}"),
        "config.yaml:5: slos[0].sli: needs exactly one of events, latency, query, ratio, probe "
        "and threshold: not ratio and probe and threshold",
    ),
}


@pytest.mark.parametrize(("text", "messages"), rows(QUERY | OTHERS))
def test_a_bad_sli_is_refused_with_its_exact_message(text, messages):
    """Each mistake is reported with its file, line, key and what would be right."""
    assert complaints(text) == messages
