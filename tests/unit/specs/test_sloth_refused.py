"""What would make a wrong SLO of a Sloth spec is refused, with what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.config.errors import ConfigError
from exporter.config.reading.loading import load

RATE = "sum(rate(errors_total[{{.window}}]))"
TOTAL = "sum(rate(requests_total[{{.window}}]))"


def file(sli: str, objective: str = "99.9", more: str = "") -> str:
    """A spec whose `objective` is on line 5, its `sli` on 6, and further keys from line 7 on."""
    return (
        "version: prometheus/v1\nservice: shop\nslos:\n  - name: answers\n"
        f"    objective: {objective}\n    sli: {sli}\n{more}"
    )


def events(error: str = RATE, total: str = TOTAL) -> str:
    """An SLI of events."""
    return f"{{events: {{error_query: '{error}', total_query: '{total}'}}}}"


def resource(slo: str) -> str:
    """A custom resource whose SLO begins on line 6."""
    return (
        "apiVersion: sloth.slok.dev/v1\nkind: PrometheusServiceLevel\nmetadata: {name: a}\n"
        f"spec:\n  service: shop\n  slos: [{{name: a, objective: 99, {slo}}}]\n"
    )


BAD = {
    "an objective of 100": (
        file(events(), "100.0"),
        ":5: slos[0].objective: leaves no error budget, and Sloth's burn rates divide by it: write "
        "what may fail, such as 99.99",
    ),
    "an objective that is a ratio": (
        file(events(), "0.999"),
        ":5: slos[0].objective: is in percent: did you mean 99.9?",
    ),
    "no window": (
        file(events("sum(rate(errors_total[5m]))")),
        ":6: slos[0].sli.events.error_query: must contain {{.window}} as the range, as in "
        "rate(errors_total[{{.window}}]): Sloth needs it, too",
    ),
    "another template": (
        file(events('sum(rate(errors_total{s="{{.service}}"}[{{.window}}]))')),
        ":6: slos[0].sli.events.error_query: has a template other than {{.window}}: write what it "
        "stands for",
    ),
    "no PromQL": (
        file(events("sum(rate(errors_total[{{.window}}])")),
        ":6: slos[0].sli.events.error_query: is not PromQL: unclosed left parenthesis",
    ),
    "MetricsQL": (
        file(events(total="histogram_share(0.2, sum by (vmrange) (rate(a_bucket[{{.window}}])))")),
        "It looks like VictoriaMetrics's MetricsQL (histogram_share): queries must be PromQL here",
    ),
    "sums by different labels": (
        file(events("sum by (region) (rate(a[{{.window}}]))")),
        ":6: slos[0].sli.events.error_query: is summed by other labels than its counterpart "
        "(by (region) and all)",
    ),
    "the same query twice": (
        file(events(RATE, RATE)),
        ":6: slos[0].sli.events: has the same error_query and total_query",
    ),
    "two kinds": (
        file(f"{{raw: {{error_ratio_query: '{RATE}/{TOTAL}'}}, plugin: {{id: a}}}}"),
        ":6: slos[0].sli: needs exactly one of events, raw, plugin: not raw and plugin",
    ),
    "no kind": (
        file("{}"),
        ":6: slos[0].sli: needs exactly one of events, raw, plugin: none is given",
    ),
    "a plugin for the SLI": (
        file(
            "{plugin: {id: sloth-common/istio/v1/availability, "
            "options: {service: cart, namespace: shop}}}"
        ),
        ":6: slos[0].sli.plugin.id: the plugin sloth-common/istio/v1/availability is Go code, "
        "which is not run here. Write in its place, in the format of the exporter: sli: {events: "
        '{bad: \'istio_requests_total{destination_service_name="cart",'
        'destination_service_namespace="shop", response_code=~"(5..|429)"}\', total: '
        '\'istio_requests_total{destination_service_name="cart",'
        'destination_service_namespace="shop"}\'}}',
    ),
    "a plugin of one's own": (
        file("{plugin: {id: ours/slis}}"),
        ":6: slos[0].sli.plugin.id: the plugin ours/slis is Go code, which is not run here. Write "
        "in its place, in this file: the SLI that it makes, as sli.events or sli.raw",
    ),
    "a plugin in the chain": (
        file(events(), more="    plugins: {chain: [{id: ours/rules}]}\n"),
        ":7: slos[0].plugins.chain[0].id: the plugin ours/rules is Go code, which may change what "
        "is measured, and is not run here",
    ),
    "snake case in a resource": (
        resource(f"sli: {{events: {{error_query: '{RATE}', totalQuery: '{TOTAL}'}}}}"),
        ":6: spec.slos[0].sli.events.error_query: is not a field of Sloth here: did you mean "
        "errorQuery?",
    ),
    "a misspelt key that turns an alert off": (
        file(events(), more="    alerting: {name: A, page_alerts: {disable: true}}\n"),
        ":7: slos[0].alerting.page_alerts: is not a field of Sloth here: did you mean page_alert?",
    ),
    "another version": (
        file(events()).replace("prometheus/v1", "prometheus/v2"),
        ":1: version: is not known of Sloth: known are prometheus/v1, sloth.slok.dev/v1",
    ),
    "another kind": (
        resource("sli: {}").replace("PrometheusServiceLevel", "ServiceLevel"),
        ":2: kind: is not known of Sloth: known are PrometheusServiceLevel, AlertWindows",
    ),
    "no service": (
        file(events()).replace("service: shop\n", "labels: {}\n"),
        ":1: needs service",
    ),
    "no SLO": ("version: prometheus/v1\nservice: shop\nslos: []\n", ":1: has no SLO"),
    "two labels that become one": (
        file(events(), more="    labels: {a.b: x, a_b: y}\n"),
        ":7: slos[0].labels.a_b: becomes the label a_b, as a.b does: rename one",
    ),
    "a name twice": (
        file(events()) + f"  - {{name: answers, objective: 99, sli: {events()}}}\n",
        ':7: slos[1].name: "answers" is already the name of an SLO of "shop": sloth.yaml:4: slos[',
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_is_refused_with_its_place(name: str):
    """Each mistake names the spec's own file, line and key, and what would be right."""
    text, message = BAD[name]
    with pytest.raises(ConfigError) as caught:
        load(text, Path("sloth.yaml"))
    assert f"sloth.yaml{message}" in str(caught.value) or message in str(caught.value)


def test_every_mistake_is_told_at_once():
    """One SLO that cannot be taken over does not hide what is wrong with the next."""
    text = file(events(), "100") + f"  - {{name: b, objective: 99, sli: {events('up')}}}\n"
    with pytest.raises(ConfigError) as caught:
        load(text, Path("sloth.yaml"))
    assert [mistake.line for mistake in caught.value.mistakes] == [5, 7]
