"""The metrics page: what it says is what the snapshot holds, in both formats, to the last digit."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as read_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as read_text
from samples import AT, Sums, every_window, slo, snapshot, subject

from exporter.exposition.publisher import Form, render
from exporter.exposition.self_metrics import SelfMetrics
from exporter.slo.durations import format_duration
from exporter.slo.model import DAY
from exporter.slo.snapshot import Snapshot

FORMS = [Form(openmetrics=False, gzipped=False), Form(openmetrics=True, gzipped=False)]
Series = dict[tuple[str, frozenset[tuple[str, str]]], float]

OWN = ("service", "slo")
TABLE = {
    "slo_info": ("gauge", {"objective", "period", "policy", "owner"}),
    "slo_objective_ratio": ("gauge", set()),
    "slo_period_seconds": ("gauge", set()),
    "slo_events_total": ("counter", set()),
    "slo_bad_events_total": ("counter", set()),
    "slo_error_ratio": ("gauge", {"window"}),
    "slo_burn_rate": ("gauge", {"window"}),
    "slo_error_budget_remaining_ratio": ("gauge", set()),
    "slo_error_budget_remaining_events": ("gauge", set()),
    "slo_error_budget_remaining_seconds": ("gauge", set()),
    "slo_error_budget_exhaustion_seconds": ("gauge", set()),
    "slo_burn_rate_threshold": ("gauge", {"severity", "long", "short"}),
    "slo_burn_rate_alert": ("gauge", {"severity", "long", "short"}),
    "slo_policy_tier": ("gauge", {"tier"}),
    "slo_service_policy_tier": ("gauge", {"tier"}),
    "slo_data_state": ("gauge", {"state"}),
    "slo_data_coverage_ratio": ("gauge", set()),
    "slo_last_slot_timestamp_seconds": ("gauge", set()),
}
"""The design's table: type, and the labels beyond service and slo."""

SPENT = (600.0, 1_000_000.0, 1.0)


def text(of: Snapshot, form: Form = FORMS[0]) -> str:
    return render(of, CollectorRegistry(), form).decode()


def families(of: Snapshot, form: Form = FORMS[0]) -> dict[str, tuple[str, Series]]:
    """Each family's type and samples, as prometheus_client's own parsers read them."""
    read = read_openmetrics if form.openmetrics else read_text
    found: dict[str, tuple[str, Series]] = {}
    for family in read(text(of, form)):
        samples = {(one.name, frozenset(one.labels.items())): one.value for one in family.samples}
        assert len(samples) == len(family.samples), "no series is there twice"
        name = family.name + ("_total" if family.type == "counter" else "")
        found[name] = (family.type, samples)
    return found


def values(of: Snapshot, name: str, **labels: str) -> dict[tuple[str, ...], float]:
    """A family's values of the series with these labels, by the values of the further ones."""
    _, samples = families(of)[name]
    return {
        tuple(value for key, value in sorted(of_series) if key not in (*OWN, *labels)): number
        for (_, of_series), number in samples.items()
        if labels.items() <= dict(of_series).items()
    }


@pytest.mark.parametrize("form", FORMS, ids=["text", "openmetrics"])
class TestFamilies:
    def test_every_family_of_the_design_is_there_with_its_type_and_labels(self, form):
        """And none besides."""
        one = subject(slo(labels={"owner": "team"}))
        found = families(snapshot((one, SPENT)), form)
        assert found.keys() == TABLE.keys()
        for name, (kind, labels) in TABLE.items():
            own = {"service"} if name == "slo_service_policy_tier" else set(OWN)
            found_kind, samples = found[name]
            assert found_kind == kind
            assert {key for _, series in samples for key, _ in series} == own | labels
            assert {sample for sample, _ in samples} == {name}

    def test_groups_are_labels_of_every_series(self, form):
        """All but the service's own."""
        of = slo(group_by=("region", "tenant"))
        groups = {"region": "eu", "tenant": "a"}
        for name, (_, samples) in families(
            snapshot((subject(of, groups=groups), SPENT)), form
        ).items():
            for _, labels in samples:
                carried = groups.items() <= dict(labels).items()
                assert carried == (name != "slo_service_policy_tier")

    def test_a_page_without_slos_is_well_formed(self, form):
        """The families are announced, without series."""
        found = families(snapshot(), form)
        assert found.keys() == TABLE.keys()
        assert not any(samples for _, samples in found.values())

    @settings(deadline=None, max_examples=60)
    @given(
        service=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=10),
        group=st.text(st.characters(exclude_categories=["Cs"]), max_size=10),
        owner=st.sampled_from(['"', "\\", "\n", '\\"', "\\n", "}", '",evil="1', "é\u2028", ""]),
        bad=st.floats(0, 1e9),
        total=st.floats(1e-3, 1e15),
    )
    def test_every_value_is_that_of_the_snapshot(self, form, *, service, group, owner, bad, total):
        """To the last digit, whatever the labels hold."""
        of = slo(service=service, group_by=("region",), labels={"owner": owner})
        shot = snapshot((subject(of, groups={"region": group}), (bad, total, 0.3)))
        [status] = shot.slos
        found = families(shot, form)
        own = {"service": service, "slo": of.name, "region": group}

        def value(name: str, **labels: str) -> float:
            return found[name][1][name, frozenset((own | labels).items())]

        assert status.budget is not None
        assert value("slo_objective_ratio") == of.objective.ratio
        assert value("slo_period_seconds") == of.period
        assert value("slo_events_total") == status.events_total
        assert value("slo_bad_events_total") == status.bad_events_total
        assert value("slo_error_budget_remaining_ratio") == status.budget.remaining
        assert value("slo_error_budget_remaining_events") == status.budget.remaining_events
        assert value("slo_error_budget_remaining_seconds") == status.budget.remaining_seconds
        assert value("slo_error_budget_exhaustion_seconds") == status.exhaustion_seconds
        assert value("slo_data_coverage_ratio") == status.coverage
        assert value("slo_last_slot_timestamp_seconds") == AT
        for length, window in status.windows.items():
            name = format_duration(length)
            assert value("slo_error_ratio", window=name) == window.error_ratio
            assert value("slo_burn_rate", window=name) == window.burn_rate
        for alert in status.alerts:
            rung = {
                "severity": alert.rung.severity,
                "long": format_duration(alert.rung.long),
                "short": format_duration(alert.rung.short),
            }
            assert value("slo_burn_rate_threshold", **rung) == alert.threshold
            assert value("slo_burn_rate_alert", **rung) == alert.firing
        info = {"objective": "99.9", "period": "30d", "policy": "default", "owner": owner}
        assert value("slo_info", **info) == 1

    def test_series_of_many_slos_stay_together(self, form):
        """A family's lines follow one another, as both formats demand."""
        many = [(subject(slo(name=str(i))), SPENT) for i in range(3)]
        lines = text(snapshot(*many), form).splitlines()
        names = [line.partition("{")[0] for line in lines if not line.startswith("#")]
        starts = [name for i, name in enumerate(names) if i == 0 or names[i - 1] != name]
        assert len(starts) == len(set(starts))


class TestOneHot:
    @pytest.mark.parametrize(
        ("share", "tier"),
        [
            (0.1, "normal"),
            (0.6, "slow_down"),
            (0.8, "freeze"),
            (0.95, "incident"),
            (5, "exhausted"),
        ],
    )
    def test_exactly_one_tier_is_1(self, share, tier):
        """All tiers of the policy are there, for the SLO and for its service."""
        shot = snapshot((subject(slo()), (1000 * share, 1_000_000.0, 1.0)))
        tiers = ("normal", "slow_down", "freeze", "incident", "exhausted")
        expected = {(name,): float(name == tier) for name in tiers}
        assert values(shot, "slo_policy_tier") == expected
        assert values(shot, "slo_service_policy_tier", service="auth") == expected

    @pytest.mark.parametrize(
        ("answered", "sums", "state"),
        [
            (True, SPENT, "ok"),
            (True, (0.0, 0.0, 1.0), "no_traffic"),
            (True, (0.0, 0.0, 0.0), "no_data"),
            (False, SPENT, "stale"),
        ],
    )
    def test_exactly_one_state_is_1(self, answered, sums, state):
        """All four are always there."""
        shot = snapshot((subject(slo(), answered=answered), sums))
        states = ("ok", "no_traffic", "no_data", "stale")
        assert values(shot, "slo_data_state") == {(name,): float(name == state) for name in states}


class TestUnknown:
    ALWAYS = frozenset(
        {
            "slo_info",
            "slo_objective_ratio",
            "slo_period_seconds",
            "slo_events_total",
            "slo_bad_events_total",
            "slo_burn_rate_threshold",
            "slo_data_state",
            "slo_data_coverage_ratio",
        }
    )

    def with_series(self, shot: Snapshot) -> set[str]:
        return {name for name, (_, samples) in families(shot).items() if samples}

    def test_what_is_not_known_has_no_series(self):
        """No 0, no -1, no NaN."""
        shot = snapshot((subject(slo(), last_slot=None), (0.0, 0.0, 0.0)))
        assert self.with_series(shot) == self.ALWAYS

    def test_stale_data_keep_the_budget_and_lose_the_burn_rates(self):
        """What is held is held; the rest is gone rather than frozen."""
        shot = snapshot((subject(slo(), answered=False), SPENT))
        assert self.with_series(shot) == TABLE.keys() - {
            "slo_error_ratio",
            "slo_burn_rate",
            "slo_burn_rate_alert",
            "slo_error_budget_exhaustion_seconds",
        }

    def test_an_unknown_window_has_no_series_of_its_own(self):
        """The others have theirs."""
        of = slo()
        shot = snapshot((subject(of), {**every_window(of, SPENT), 3600: (0.0, 0.0, 0.0)}))
        windows = {"5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d"}
        assert {window for (window,) in values(shot, "slo_burn_rate")} == windows - {"1h"}

    def test_a_budget_at_rest_lasts_for_ever(self):
        """Infinity is a value."""
        sums: Sums = (0.0, 100.0, 1.0)
        shot = snapshot((subject(slo()), sums))
        assert values(shot, "slo_error_budget_exhaustion_seconds") == {(): inf}
        assert text(shot).count("} +Inf\n") == 1


@pytest.mark.parametrize(
    ("percent", "period", "objective", "length"),
    [
        ("99.9", 30 * DAY, "99.9", "30d"),
        ("99.95", 28 * DAY, "99.95", "28d"),
        ("99", 36 * 3600, "99", "1d12h"),
        ("99.9999999", DAY, "99.9999999", "1d"),
        ("99.99999999", DAY, "99.99999999", "1d"),
        ("99.9999999999", DAY, "99.9999999999", "1d"),
    ],
)
def test_info_has_the_objective_and_the_period_as_they_were_written(
    percent, period, objective, length
):
    """In percent and as a duration, for tables."""
    shot = snapshot((subject(slo(percent, period=period)), SPENT))
    assert values(shot, "slo_info") == {(objective, length, "default"): 1.0}


def test_the_pages_of_both_kinds_of_metrics_are_one():
    """The exporter's own metrics and those of the SLOs parse together in both formats."""
    registry = SelfMetrics(CollectorRegistry()).registry
    shot = snapshot((subject(slo()), SPENT))
    for form, read in zip(FORMS, (read_text, read_openmetrics), strict=True):
        page = render(shot, registry, form).decode()
        names = [family.name for family in read(page)]
        assert len(names) == len(set(names))
        assert {"error_budget_exporter_build_info", "slo_burn_rate"} <= set(names)
        assert page.count("# EOF") == form.openmetrics
