"""What Pyrra's specs mean in our configuration, what is said of them, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.config.errors import ConfigError
from exporter.config.reading.loading import load
from exporter.slo.model import EventsSli, LatencySli
from exporter.slo.period import RollingPeriod
from exporter.slo.types import DAY
from tests.helpers.specs.counted import SPECS

RATIO = "ratio: {errors: {metric: 'bad_total{job=\"a\"}'}, total: {metric: 'all_total{job=\"a\"}'}}"


def spec(indicator: str = RATIO, metadata: str = "", more: str = "", target: str = "99") -> str:
    """A spec whose indicator is on line 7, and further keys of `spec` from line 8 on."""
    return (
        "apiVersion: pyrra.dev/v1alpha1\nkind: ServiceLevelObjective\n"
        f"metadata: {{name: answers{metadata}}}\nspec:\n  target: '{target}'\n  window: 4w\n"
        f"  indicator: {{{indicator}}}\n{more}"
    )


def latency(success: str, total: str = "h_seconds_count") -> str:
    """An indicator of a latency."""
    return f"latency: {{success: {{metric: '{success}'}}, total: {{metric: '{total}'}}}}"


def only(text: str):
    """The one SLO of a spec."""
    [slo] = load(text, Path("pyrra.yaml")).slos
    return slo


class TestMeaning:
    def test_a_ratio_is_events_of_two_selectors(self):
        """Name, target and window are the spec's; four weeks are one period."""
        slo = only(spec())
        assert (slo.name, slo.objective.ratio) == ("answers", 0.99)
        assert slo.period == RollingPeriod(28 * DAY)
        assert slo.sli == EventsSli(bad='bad_total{job="a"}', total='all_total{job="a"}')

    def test_only_labels_with_pyrras_prefix_are_its_labels(self):
        """As in Pyrra; the one for the service is no label beside it."""
        slo = only((SPECS / "pyrra" / "ratio.yaml").read_text())
        assert (slo.service, slo.labels) == ("shop", {"team": "cart", "tier": "1"})
        assert slo.description == "Answers that are no fault of ours."
        assert slo.alerting.name == "ShopErrors"
        assert slo.alerting.page.annotations == {"runbook_url": "https://runbooks.example.com/shop"}

    @pytest.mark.parametrize("alerting", ["{disabled: true}", "{burnrates: false}"])
    def test_alerts_can_be_off(self, alerting: str):
        """By the old key or by the new."""
        slo = only(spec(more=f"  alerting: {alerting}\n"))
        assert slo.alerting.page.disabled
        assert slo.alerting.ticket.disabled

    @pytest.mark.parametrize(
        ("window", "conditions"),
        [
            ("4w", ["1h/5m", "6h/30m", "1d/2h", "4d/6h"]),
            ("30d", ["1h4m/5m", "6h26m/32m", "1d1h43m/2h9m", "4d6h51m/6h26m"]),
            ("7d", ["15m/1m", "1h30m/8m", "6h/30m", "1d/1h30m"]),
        ],
    )
    def test_burn_rate_windows_scale_with_the_slos(self, window: str, conditions: list[str]):
        """As Pyrra's do, in whole minutes; the burn rates are always 14, 7, 2 and 1."""
        slo = only(spec().replace("4w", window))
        found = [str(each).partition(" ") for each in slo.alerting.enabled]
        assert [name for _, _, name in found] == conditions
        assert [severity for severity, _, _ in found] == ["page", "page", "ticket", "ticket"]
        thresholds = [each.threshold(slo.period.seconds) for each in slo.alerting.enabled]
        assert thresholds == pytest.approx([14, 7, 2, 1], rel=1e-9)

    def test_windows_that_cannot_be_are_left_out(self):
        """Shorter than a minute, or with more errors than requests; that is said."""
        found = load(spec(target="90").replace("4w", "12h"), Path("pyrra.yaml"))
        [slo] = found.slos
        names = [str(each) for each in slo.alerting.enabled]
        assert names == ["page 6m/1m", "ticket 26m/2m", "ticket 1h43m/6m"]
        assert "pyrra.yaml:6: spec.window: has no alert for fastBurn: " in found.notices[-1]

    def test_the_configurations_own_windows_come_first(self):
        """Whoever sets them for all SLOs means these, too."""
        own = "alerting: {windows: [{severity: page, budget: 5%, long: 2h, short: 10m}]}\n---\n"
        slo = only(f"{own}{spec()}")
        assert [str(each) for each in slo.alerting.enabled] == ["page 2h/10m"]

    def test_windows_are_whole_slots(self):
        """Whatever the interval of the evaluation."""
        slo = only(f"evaluation: {{interval: 2m}}\n---\n{spec()}")
        assert str(slo.alerting.enabled[0]) == "page 1h/6m"

    def test_severities_are_kept_for_those_who_route_by_them(self):
        """One for each of ours; what a second one loses is said."""
        severities = "{fastBurn: p1, mediumBurn: p2, slowBurn: p3, longTermBurn: p3, absent: ''}"
        more = f"  alerting: {{severities: {severities}}}\n"
        found = load(spec(more=more), Path("pyrra.yaml"))
        [slo] = found.slos
        assert slo.alerting.page.labels == {"exported_severity": "p1"}
        assert slo.alerting.ticket.labels == {"exported_severity": "p3"}
        said = {notice.split(": ")[1].rpartition(".")[2] for notice in found.notices}
        assert said == {"name", "fastBurn", "mediumBurn", "slowBurn", "absent"}

    @pytest.mark.parametrize(
        ("le", "threshold"), [("0.5", 0.5), ("1", 1.0), ("1.0", 1.0), ("2.5e-1", 0.25)]
    )
    def test_the_bucket_is_the_threshold(self, le: str, threshold: float):
        """However its bound is spelled."""
        slo = only(spec(latency(f'h_seconds_bucket{{le="{le}"}}')))
        assert slo.sli == LatencySli("h_seconds", threshold)

    def test_a_histogram_without_a_unit_in_its_name_has_none(self):
        """Nobody says that 250 are seconds."""
        slo = only(spec(latency('rq_time_bucket{le="250"}', "rq_time_count")))
        assert slo.sli == LatencySli("rq_time", 250.0, "none")

    def test_grouping_takes_other_names_for_our_labels(self):
        """Metrics of ours have `service` and `slo` themselves."""
        slo = only(spec(RATIO.removesuffix("}") + ", grouping: [handler, service]}"))
        assert slo.group_by == ("handler", "service")
        assert slo.group_as == ("handler", "measured_service")


class TestService:
    @pytest.mark.parametrize(
        ("metadata", "indicator", "service"),
        [
            (", labels: {pyrra.dev/service: shop, app.kubernetes.io/name: b}", RATIO, "shop"),
            (", labels: {app.kubernetes.io/name: cart}", RATIO, "cart"),
            (", namespace: monitoring", RATIO, "a"),
            (", namespace: web", "bool_gauge: {metric: up}", "web"),
            ("", "bool_gauge: {metric: 'up{job=~\"a|b\"}'}", "answers"),
        ],
    )
    def test_is_what_tells_it_best(self, metadata: str, indicator: str, service: str):
        """A label, a matcher, the namespace, or else its name; guesses are said."""
        found = load(spec(indicator, metadata), Path("pyrra.yaml"))
        assert found.slos[0].service == service
        guessed = [notice for notice in found.notices if "of the service" in notice]
        assert len(guessed) == ("labels" not in metadata)


BAD = {
    "a target of 100": (
        spec(target="100"),
        ":5: spec.target: must be a percentage above 0 and below 100, not 100",
    ),
    "a target that is a ratio": (
        spec(target="0.99"),
        ":5: spec.target: is in percent: did you mean 99?",
    ),
    "no indicator": (
        spec(""),
        ":7: spec.indicator: needs exactly one of ratio, latency, latencyNative, bool_gauge: none",
    ),
    "two indicators": (
        spec(f"{RATIO}, bool_gauge: {{metric: up}}"),
        ":7: spec.indicator: needs exactly one of ratio, latency, latencyNative, bool_gauge: not "
        "ratio and bool_gauge",
    ),
    "no selector": (
        spec("bool_gauge: {metric: 'max(up)'}"),
        ":7: spec.indicator.bool_gauge.metric: must be a plain selector such as",
    ),
    "an offset, which Pyrra drops": (
        spec("bool_gauge: {metric: 'up offset 5m'}"),
        ":7: spec.indicator.bool_gauge.metric: must be a selector without offset and @",
    ),
    "the same metric twice": (
        spec("ratio: {errors: {metric: a_total}, total: {metric: a_total}}"),
        ":7: spec.indicator.ratio.errors: is the same metric as total: every event would be bad",
    ),
    "errors beyond the total": (
        spec(
            "ratio: {errors: {metric: 'a_total{code=\"500\"}'}, "
            "total: {metric: 'a_total{job=\"a\"}'}}"
        ),
        ':7: spec.indicator.ratio.errors.metric: lacks the matcher job="a" of total',
    ),
    "a success without a bucket": (
        spec(latency("h_seconds_bucket")),
        ":7: spec.indicator.latency.success.metric: needs the bucket of the threshold",
    ),
    "a success of all": (
        spec(latency('h_seconds_bucket{le="+Inf"}')),
        ':7: spec.indicator.latency.success.metric: le="+Inf" is the bucket of all requests',
    ),
    "a bound that is none": (
        spec(latency('h_seconds_bucket{le="fast"}')),
        ':7: spec.indicator.latency.success.metric: le="fast" is not the bound of a bucket',
    ),
    "a success of several buckets": (
        spec(latency('h_seconds_bucket{le=~"0.5|1"}')),
        ':7: spec.indicator.latency.success.metric: le=~"0.5|1" names several buckets',
    ),
    "a success of all buckets but one": (
        spec(latency('h_seconds_bucket{le!="1"}')),
        ":7: spec.indicator.latency.success.metric: must name one bucket",
    ),
    "a native latency that is no duration": (
        spec("latencyNative: {total: {metric: h_seconds}, latency: '0.5'}"),
        ":7: spec.indicator.latencyNative.latency: '0.5' is not a duration",
    ),
    "a version without its group": (
        spec().replace("pyrra.dev/", ""),
        ":1: apiVersion: is not known of Pyrra: known are pyrra.dev/v1alpha1",
    ),
    "no version": (
        spec().replace("apiVersion: pyrra.dev/v1alpha1\n", ""),
        ":1: needs apiVersion, one of pyrra.dev/v1alpha1",
    ),
    "a total of all buckets": (
        spec(latency('h_seconds_bucket{le="1"}', "h_seconds_bucket")),
        ":7: spec.indicator.latency.total.metric: counts every request once for each bucket",
    ),
    "a success beyond the total": (
        spec(latency('h_seconds_bucket{le="1"}', 'h_seconds_count{code="200"}')),
        ':7: spec.indicator.latency.success.metric: lacks the matcher code="200" of total',
    ),
    "a key in another spelling": (
        spec("boolGauge: {metric: up}"),
        ":7: spec.indicator.boolGauge: is not a field of Pyrra here: did you mean bool_gauge?",
    ),
    "another version": (
        spec().replace("v1alpha1", "v1"),
        ":1: apiVersion: is not known of Pyrra: known are pyrra.dev/v1alpha1",
    ),
    "no window": (
        spec().replace("  window: 4w\n", ""),
        ":4: spec: needs window",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_is_refused_with_its_place(name: str):
    """Each mistake names the spec's own file, line and key, and what would be right."""
    text, message = BAD[name]
    with pytest.raises(ConfigError) as caught:
        load(text, Path("pyrra.yaml"))
    assert f"pyrra.yaml{message}" in str(caught.value)
