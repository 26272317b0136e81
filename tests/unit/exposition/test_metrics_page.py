"""The metrics page: what it says is what the snapshot holds, in both formats, to the last digit."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as read_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as read_text

from exporter.exposition.self_metrics import SelfMetrics
from exporter.slo.durations import format_duration
from exporter.slo.maintenance import one_off
from exporter.slo.overrides import with_overrides
from exporter.slo.policy_state import PolicyState
from exporter.slo.records import Change, Firing, Incident, Override, TierChange
from exporter.slo.types import DAY
from tests.helpers.exposition.reading import FORMS, OWN, families, render, text, values
from tests.helpers.samples import AT, every_window, slo, snapshot, subject
from tests.helpers.thorough import examples

ALERT = {"severity", "owner"}
TABLE = {
    "slo_info": ("gauge", {"objective", "period", "policy", "owner", "runbook"}),
    "slo_objective_ratio": ("gauge", set()),
    "slo_period_seconds": ("gauge", set()),
    "slo_events_total": ("counter", set()),
    "slo_bad_events_total": ("counter", set()),
    "slo_error_ratio": ("gauge", {"window"}),
    "slo_burn_rate": ("gauge", {"window"}),
    "slo_error_budget_remaining_ratio": ("gauge", set()),
    "slo_error_budget_remaining_raw_ratio": ("gauge", set()),
    "slo_error_budget_remaining_events": ("gauge", set()),
    "slo_error_budget_remaining_seconds": ("gauge", set()),
    "slo_error_budget_exhaustion_seconds": ("gauge", set()),
    "slo_burn_rate_threshold": ("gauge", {"severity", "long", "short"}),
    "slo_burn_rate_alert": ("gauge", {"severity", "long", "short"}),
    "slo_burn_rate_alert_held": ("gauge", {"severity", "long", "short"}),
    "slo_alert_burn_rate": ("gauge", ALERT),
    "slo_alert_error_ratio": ("gauge", ALERT),
    "slo_alert_allowed_error_ratio": ("gauge", ALERT),
    "slo_alert_budget_remaining_ratio": ("gauge", ALERT),
    "slo_alert_budget_hourly_ratio": ("gauge", ALERT),
    "slo_alert_exhaustion_seconds": ("gauge", ALERT),
    "slo_alert_since_timestamp_seconds": ("gauge", ALERT),
    "slo_alert_annotations": ("gauge", ALERT | {"annotation_runbook_url"}),
    "slo_policy_tier": ("gauge", {"tier"}),
    "slo_policy_gate_level": ("gauge", set()),
    "slo_service_policy_tier": ("gauge", {"tier"}),
    "slo_policy_tier_since_timestamp_seconds": ("gauge", set()),
    "slo_policy_tier_worsened_timestamp_seconds": ("gauge", set()),
    "slo_policy_tier_changes_total": ("counter", set()),
    "slo_policy_tier_recovery_timestamp_seconds": ("gauge", set()),
    "slo_incident_budget_share_ratio": ("gauge", set()),
    "slo_postmortem_required": ("gauge", set()),
    "slo_policy_override_until_timestamp_seconds": ("gauge", set()),
    "slo_policy_overrides_total": ("counter", set()),
    "slo_service_change_timestamp_seconds": ("gauge", {"what"}),
    "slo_rollup_error_budget_remaining_ratio": ("gauge", set()),
    "slo_rollup_error_budget_remaining_worst_ratio": ("gauge", set()),
    "slo_rollup_slos": ("gauge", set()),
    "slo_rollup_slos_unknown": ("gauge", set()),
    "slo_data_state": ("gauge", {"state"}),
    "slo_maintenance_active": ("gauge", set()),
    "slo_data_coverage_ratio": ("gauge", set()),
    "slo_last_slot_timestamp_seconds": ("gauge", set()),
    "slo_data_lag_seconds": ("gauge", set()),
    "slo_scrape_interval_seconds": ("gauge", set()),
}
"""The design's table: type, and the labels beyond service and slo."""

SPENT = (600.0, 1_000_000.0, 1.0)
FAST = (20_000.0, 1_000_000.0, 1.0)
BURNING = {**every_window(slo(), SPENT), "5m": FAST, "1h": FAST}
SLOWED = PolicyState(
    changes=(
        TierChange(AT - 900, None, "normal", "default", 0.9),
        TierChange(AT - 600, "normal", "slow_down", "default", 0.4),
    ),
    incidents=(
        Incident(AT - 9000, AT - 8000, bad=300.0, share=0.3, open=False, postmortem=True),
        Incident(AT - 900, AT, bad=100.0, share=0.1, open=True),
    ),
    firings=(Firing("page", 3600, 300, AT - 600, AT, open=True),),
)
RELEASE = one_off("database upgrade", AT - 600, AT + 600)

ROLLUP = "slo_rollup_"

OF_SERVICES = {
    "slo_service_policy_tier",
    "slo_policy_overrides_total",
    "slo_service_change_timestamp_seconds",
}
CHANGES = {"auth": (Change("auth", "v1.2.3", AT - 60),)}
OVERRIDE = Override("auth", None, "ada", "a hotfix", AT - 60, AT + 60, id=1)

TIER_STATUS = {
    "slo_policy_tier_since_timestamp_seconds": AT - 600,
    "slo_policy_tier_worsened_timestamp_seconds": AT - 600,
    "slo_policy_tier_changes_total": 1,
    "slo_policy_tier_recovery_timestamp_seconds": AT + 9,
    "slo_incident_budget_share_ratio": 0.1,
    "slo_postmortem_required": 1,
    "slo_policy_gate_level": 1,
}


@pytest.mark.parametrize("form", FORMS, ids=["text", "openmetrics"])
class TestFamilies:
    def test_every_family_of_the_design_is_there_with_its_type_and_labels(self, form):
        """And none besides."""
        one = subject(
            slo(labels={"owner": "team", "runbook": "https://r"}, maintenance=(RELEASE,)),
            policy_state=SLOWED,
            recovery=AT + 9,
        )
        one = replace(one, scrape_interval=30.0)
        shot = with_overrides(snapshot((one, BURNING)), [OVERRIDE], AT)
        found = families(replace(shot, changes=CHANGES), form)
        assert found.keys() == TABLE.keys()
        for name, (kind, labels) in TABLE.items():
            own = {"service"} if name in OF_SERVICES else set(OWN)
            own = {"rollup", "name"} if name.startswith(ROLLUP) else own
            found_kind, samples = found[name]
            assert found_kind == kind
            assert {key for _, series in samples for key, _ in series} == own | labels
            assert {sample for sample, _ in samples} == {name}

    def test_groups_are_labels_of_every_series(self, form):
        """All but the service's own."""
        of = slo(group_by=("region", "tenant"))
        groups = {"region": "eu", "tenant": "a"}
        shot = with_overrides(snapshot((subject(of, groups=groups), SPENT)), [OVERRIDE], AT)
        for name, (_, samples) in families(shot, form).items():
            for _, labels in samples:
                carried = groups.items() <= dict(labels).items()
                assert carried == (name not in OF_SERVICES and not name.startswith(ROLLUP))

    def test_the_newest_changes_of_a_day_are_told(self, form):
        """Five of a service, each `what` once, whatever it holds."""
        times = {f"v{ago}": AT - ago for ago in (90_000, 600, 500, 400, 300, 200, 100)}
        changes = [Change("auth", what, at) for what, at in times.items()]
        changes.append(Change("auth", "v400", AT - 7))
        shot = replace(
            snapshot((subject(slo()), SPENT)),
            changes={"auth": tuple(changes), "shop": (Change("shop", 'a"b\\', AT - 86_399),)},
        )
        _, samples = families(shot, form)["slo_service_change_timestamp_seconds"]
        found = {
            (dict(labels)["service"], dict(labels)["what"]): v for (_, labels), v in samples.items()
        }
        assert found == {
            **{("auth", f"v{ago}"): AT - ago for ago in (300, 200, 100)},
            ("auth", "v400"): AT - 7,
            ("shop", 'a"b\\'): AT - 86_399,
        }

    def test_how_it_stands_in_its_policy(self, form):
        """Since when, how often it changed, when it gets better, and what incidents took."""
        one = subject(slo(), policy_state=SLOWED, recovery=AT + 9)
        found = families(snapshot((one, BURNING)), form)
        own = frozenset({"service": slo().service, "slo": slo().name}.items())
        assert {name: found[name][1].get((name, own)) for name in TIER_STATUS} == TIER_STATUS

    def test_a_page_without_slos_is_well_formed(self, form):
        """The families are announced, without series."""
        found = families(snapshot(), form)
        assert found.keys() == TABLE.keys()
        assert not any(samples for _, samples in found.values())

    @examples(60)
    @given(
        service=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=10),
        group=st.text(st.characters(exclude_categories=["Cs"]), max_size=10),
        owner=st.sampled_from(['"', "\\", "\n", '\\"', "\\n", "}", '",evil="1', "é\u2028", ""]),
        share=st.floats(0, 1),
        total=st.floats(1e-3, 1e15),
    )
    def test_every_value_is_that_of_the_snapshot(
        self, form, *, service, group, owner, share, total
    ):
        """To the last digit, whatever the labels hold."""
        of = slo(service=service, group_by=("region",), labels={"owner": owner})
        shot = snapshot((subject(of, groups={"region": group}), (share * total, total, 0.3)))
        [status] = shot.slos
        found = families(shot, form)
        own = {"service": service, "slo": of.name, "region": group}

        def value(name: str, **labels: str) -> float:
            return found[name][1][name, frozenset((own | labels).items())]

        assert status.budget is not None
        assert status.raw_budget is not None
        assert value("slo_objective_ratio") == of.objective.ratio
        assert value("slo_period_seconds") == 30 * DAY
        assert value("slo_events_total") == status.events_total
        assert value("slo_bad_events_total") == status.bad_events_total
        assert value("slo_error_budget_remaining_ratio") == status.budget.remaining
        assert value("slo_error_budget_remaining_raw_ratio") == status.raw_budget.remaining
        assert value("slo_error_budget_remaining_events") == status.budget.remaining_events
        assert value("slo_error_budget_remaining_seconds") == status.budget.remaining_seconds
        assert value("slo_data_coverage_ratio") == status.coverage
        assert value("slo_last_slot_timestamp_seconds") == AT
        for name, window in status.windows.items():
            assert value("slo_error_ratio", window=name) == window.error_ratio
            assert value("slo_burn_rate", window=name) == window.burn_rate
        for alert in status.alerts:
            condition = {
                "severity": alert.condition.severity,
                "long": format_duration(alert.condition.long),
                "short": format_duration(alert.condition.short),
            }
            assert value("slo_burn_rate_threshold", **condition) == alert.threshold
            assert value("slo_burn_rate_alert", **condition) == alert.firing
            assert value("slo_burn_rate_alert_held", **condition) == alert.held
        info = {"objective": "99.9", "period": "30d", "policy": "default", "owner": owner}
        assert value("slo_info", **info) == 1

    def test_series_of_many_slos_stay_together(self, form):
        """A family's lines follow one another, as both formats demand."""
        many = [(subject(slo(name=str(i))), SPENT) for i in range(3)]
        lines = text(snapshot(*many), form).splitlines()
        names = [line.partition("{")[0] for line in lines if not line.startswith("#")]
        starts = [name for i, name in enumerate(names) if i == 0 or names[i - 1] != name]
        assert len(starts) == len(set(starts))


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
