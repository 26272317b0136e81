"""SLOs that are wrong: one for each mistake, with its exact message."""

from __future__ import annotations

import pytest

from tests.helpers.config.bad_configs import DURATION_HELP, complaints, one_slo, rows

A_PLAIN_SELECTOR = (
    'must be a plain selector such as metric_total{label="value"}, without functions, ranges or '
    "operators: the exporter counts by itself"
)
ONE_KIND = "needs exactly one of events, latency, query, ratio, probe and threshold"


def events(text: str) -> str:
    """A file with one SLO whose `events` are these, on line 5."""
    return one_slo(sli=f"{{events: {{{text}}}}}")


def latency(histogram: str, threshold: str = "500ms") -> str:
    """A file with one SLO on a histogram, on line 5."""
    return one_slo(sli=f"{{latency: {{histogram: '{histogram}', threshold: {threshold}}}}}")


SLO = {
    "no service": (one_slo(service=None), "config.yaml:2: slos[0].service: is required"),
    "service without value": (
        one_slo(service=""),
        "config.yaml:2: slos[0].service: is required",
    ),
    "blank service": (one_slo(service="' '"), "config.yaml:2: slos[0].service: must not be empty"),
    "service a list": (one_slo(service="[auth]"), "config.yaml:2: slos[0].service: must be text"),
    "name with line break": (
        one_slo(name='"a\\nb"'),
        'config.yaml:3: slos[0].name: must be one line of printable text, not "a\\nb"',
    ),
    "same name": (
        one_slo() + one_slo().removeprefix("slos:\n"),
        'config.yaml:7: slos[1].name: "availability" is already the name of an SLO of "auth": '
        "config.yaml:2: slos[0]",
    ),
    "no objective": (one_slo(objective=None), "config.yaml:2: slos[0].objective: is required"),
    "objective a ratio": (
        one_slo(objective="0.999"),
        "config.yaml:4: slos[0].objective: is in percent: did you mean 99.9?",
    ),
    "objective with sign": (
        one_slo(objective="99.9%"),
        "config.yaml:4: slos[0].objective: must be a percentage such as 99.9, without a % sign",
    ),
    "objective not a number": (
        one_slo(objective=".nan"),
        "config.yaml:4: slos[0].objective: must be a percentage such as 99.9, without a % sign",
    ),
    "objective 100": (
        one_slo(objective="100"),
        "config.yaml:4: slos[0].objective: must be a percentage above 0 and below 100, not 100",
    ),
    "objective negative": (
        one_slo(objective="-1"),
        "config.yaml:4: slos[0].objective: must be a percentage above 0 and below 100, not -1",
    ),
    "objective too fine": (
        one_slo(objective="99.99999999999"),
        "config.yaml:4: slos[0].objective: must have at most ten decimals",
    ),
    "period a word": (
        one_slo(period="fortnight"),
        f"config.yaml:6: slos[0].period: 'fortnight' {DURATION_HELP}",
    ),
    "period too short": (
        one_slo(period="59m"),
        "config.yaml:6: slos[0].period: must be at least 1h and at most 400d, not 59m",
    ),
    "period too long": (
        one_slo(period="401d"),
        "config.yaml:6: slos[0].period: must be at least 1h and at most 400d, not 401d",
    ),
    "period off the interval": (
        one_slo(period="1h10s"),
        "config.yaml:6: slos[0].period: must be a multiple of evaluation.interval (30s), not 1h10s",
    ),
    "period off another interval": (
        one_slo(period="1h30s") + "evaluation: {interval: 1m, concurrency: 0}",
        "config.yaml:6: slos[0].period: must be a multiple of evaluation.interval (1m), not 1h30s",
        "config.yaml:7: evaluation.concurrency: must be at least 1",
    ),
    "group_by a word": (
        one_slo(group_by="region"),
        "config.yaml:6: slos[0].group_by: must be a list",
    ),
    "group_by no label name": (
        one_slo(group_by="['']"),
        "config.yaml:6: slos[0].group_by[0]: must name a label",
    ),
    "group_by twice": (
        one_slo(group_by="[a, b, a]"),
        "config.yaml:6: slos[0].group_by: names a twice",
    ),
    "group_by reserved": (
        one_slo(group_by="[region, le]"),
        "config.yaml:6: slos[0].group_by[1]: le is a label of the exporter's own metrics: give it "
        "another name here, as in {label: le, as: measured_le}",
    ),
    "queries that sum by a label": (
        one_slo(
            sli="{query: {bad: 'sum by (region) (rate(a[$window]))', "
            "total: 'sum(rate(b[$window])) by (region)'}}"
        ),
        "config.yaml:2: slos[0].group_by: is needed, as sli.query sums by region: write group_by: "
        "[region] for one SLO per value, or sum without it for one SLO of all",
    ),
    "group_by internal": (
        one_slo(group_by="[__name__]"),
        "config.yaml:6: slos[0].group_by[0]: __name__ is not possible: Prometheus"
        " reserves names with __",
    ),
    "max_groups none": (
        one_slo(max_groups="0"),
        "config.yaml:6: slos[0].max_groups: must be at least 1",
    ),
    "max_groups too many": (
        one_slo(max_groups="10001"),
        "config.yaml:6: slos[0].max_groups: must be at most 10000",
    ),
    "description empty": (
        one_slo(description='" "'),
        "config.yaml:6: slos[0].description: must not be empty",
    ),
    "description a mapping": (
        one_slo(description="{en: words}"),
        "config.yaml:6: slos[0].description: must be text",
    ),
    "description of controls": (
        one_slo(description='"a\\x1b[1mb"'),
        'config.yaml:6: slos[0].description: must be text, without "\\u001b"',
    ),
    "criticality of lines": (
        one_slo(criticality='"tier\\n1"'),
        'config.yaml:6: slos[0].criticality: must be one line of printable text, not "tier\\n1"',
    ),
    "reviewed some time": (
        one_slo(reviewed="yesterday"),
        'config.yaml:6: slos[0].reviewed: must be a day such as 2026-11-20, not "yesterday"',
    ),
    "reviewed a list": (
        one_slo(reviewed="[2026-11-20]"),
        "config.yaml:6: slos[0].reviewed: must be a day such as 2026-11-20",
    ),
    "reviewed never": (
        one_slo(reviewed="2026-02-30"),
        'config.yaml:6: slos[0].reviewed: "2026-02-30" is not a day: day is out of range for month',
    ),
    "labels a list": (
        one_slo(labels="[owner]"),
        "config.yaml:6: slos[0].labels: must be a mapping of keys to values",
    ),
    "label without value": (
        one_slo(labels="{owner: }"),
        "config.yaml:6: slos[0].labels.owner: must be text",
    ),
    "label name": (
        one_slo(labels="{1st: a}"),
        'config.yaml:6: slos[0].labels.1st: "1st" is not a label name: use letters, digits and _, '
        "no digit first",
    ),
    "label reserved": (
        one_slo(labels="{service: a}"),
        "config.yaml:6: slos[0].labels.service: service is not possible: the exporter's own "
        "metrics carry it",
    ),
    "label of a group": (
        one_slo(group_by="[region]", labels="{region: eu}"),
        "config.yaml:7: slos[0].labels: must not contain region: it is a group_by label",
    ),
}

SLI = {
    "no sli": (
        one_slo(sli=None),
        "config.yaml:2: slos[0]: needs exactly one of sli and composite: neither is there",
    ),
    "no kind": (
        one_slo(sli="{}"),
        f"config.yaml:5: slos[0].sli: {ONE_KIND}: none is given",
    ),
    "two kinds": (
        one_slo(
            sli="{latency: {histogram: a, threshold: 1s}, events: {bad: errors, total: requests}}"
        ),
        f"config.yaml:5: slos[0].sli: {ONE_KIND}: not events and latency",
    ),
    "unknown key": (
        events("bad: errors, totals: requests, total: requests"),
        "config.yaml:5: slos[0].sli.events.totals: unknown key, did you mean total?",
    ),
    "no total": (
        events("bad: errors"),
        "config.yaml:5: slos[0].sli.events.total: is required",
    ),
    "neither bad nor good": (
        events("total: requests"),
        "config.yaml:5: slos[0].sli.events: needs exactly one of bad and good: neither is there",
    ),
    "bad and good": (
        events("bad: a, good: b, total: c"),
        "config.yaml:5: slos[0].sli.events: needs exactly one of bad and good: not both",
    ),
    "wrong bad, and good": (
        events("bad: 1, good: b, total: c"),
        f"config.yaml:5: slos[0].sli.events.bad: {A_PLAIN_SELECTOR}",
        "config.yaml:5: slos[0].sli.events: needs exactly one of bad and good: not both",
    ),
    "rate": (
        events("bad: 'rate(errors[5m])', total: requests"),
        f"config.yaml:5: slos[0].sli.events.bad: {A_PLAIN_SELECTOR}",
    ),
    "range": (
        events("bad: errors, total: 'requests[5m]'"),
        f"config.yaml:5: slos[0].sli.events.total: {A_PLAIN_SELECTOR}",
    ),
    "offset": (
        events("good: fine offset 5m, total: requests"),
        "config.yaml:5: slos[0].sli.events.good: must be a selector without offset and @: "
        "the exporter sets the times",
    ),
    "selector a list": (
        events("bad: [], total: requests"),
        "config.yaml:5: slos[0].sli.events.bad: must be text",
    ),
    "selector a mapping": (
        one_slo(sli="{latency: {histogram: {job=a}, threshold: 1s}}"),
        "config.yaml:5: slos[0].sli.latency.histogram: must be text: put a selector that begins "
        "with { in quotes",
    ),
    "events no mapping": (
        one_slo(sli="{events: errors}"),
        "config.yaml:5: slos[0].sli.events: must be a mapping with keys among total, bad, good",
    ),
    "bucket": (
        latency('duration_seconds_bucket{job="a"}'),
        "config.yaml:5: slos[0].sli.latency.histogram: must be the histogram's base name, "
        "without _bucket: duration_seconds",
    ),
    "count": (
        latency("duration_seconds_count"),
        "config.yaml:5: slos[0].sli.latency.histogram: must be the histogram's base name, "
        "without _count: duration_seconds",
    ),
    "sum": (
        latency("duration_seconds_sum"),
        "config.yaml:5: slos[0].sli.latency.histogram: must be the histogram's base name, "
        "without _sum: duration_seconds",
    ),
    "le": (
        latency('duration_seconds{le="0.5"}'),
        "config.yaml:5: slos[0].sli.latency.histogram: must have no matcher on le: the threshold "
        "chooses the bucket",
    ),
    "no metric name": (
        latency('{job="a"}'),
        "config.yaml:5: slos[0].sli.latency.histogram: must name the metric, as in "
        "http_request_duration_seconds{...}",
    ),
    "threshold without unit": (
        latency("duration_seconds", "0.5"),
        "config.yaml:5: slos[0].sli.latency.unit: is needed where the threshold is a number: "
        "s, ms, us, none",
    ),
    "threshold a time of what is none": (
        latency("response_size_bytes", "500ms"),
        "config.yaml:5: slos[0].sli.latency.unit: is not a time: give the threshold as a number",
    ),
    "threshold a word": (
        latency("duration_seconds", "fast"),
        f"config.yaml:5: slos[0].sli.latency.threshold: 'fast' {DURATION_HELP}",
    ),
    "group_by a mapping of another kind": (
        one_slo(group_by="[{name: service}]"),
        "config.yaml:6: slos[0].group_by[0]: must be a label name, or {label: service, as: svc}",
    ),
    "group_by two labels as one": (
        one_slo(group_by="[{label: a, as: x}, {label: b, as: x}]"),
        "config.yaml:6: slos[0].group_by: names x twice",
    ),
    "group_by as a reserved label": (
        one_slo(group_by="[{label: svc, as: service}]"),
        "config.yaml:6: slos[0].group_by[0]: service is not possible: the exporter's own metrics "
        "carry it",
    ),
    "threshold zero": (
        latency("duration_seconds", "0s"),
        "config.yaml:5: slos[0].sli.latency.threshold: must be at least 1ms and at most 30d, "
        "not 0s",
    ),
}


@pytest.mark.parametrize(("text", "messages"), rows(SLO | SLI))
def test_a_bad_slo_is_refused_with_its_exact_message(text, messages):
    """Each mistake is reported with its file, line, key and what would be right."""
    assert complaints(text) == messages
