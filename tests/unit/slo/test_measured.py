"""What an SLO's slots are known by."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.slo.maintenance import one_off
from exporter.slo.measured import measured
from exporter.slo.model import EventsSli, LatencySli, LowTraffic, QuerySli, Timeslices
from exporter.slo.period import CalendarPeriod
from exporter.slo.policy import DEFAULT_POLICY
from exporter.slo.types import DAY
from tests.helpers.samples import slo

BASE = slo()


@pytest.mark.parametrize(
    "other",
    [
        slo("95"),
        slo(service="login", name="uptime"),
        slo(period=7 * DAY),
        slo(period=CalendarPeriod("month")),
        slo(labels={"owner": "us"}, max_groups=7),
        slo(policy=replace(DEFAULT_POLICY, name="other", min_coverage=0.5)),
        slo(low_traffic=LowTraffic(10, 1)),
        slo(maintenance=(one_off("move", 1, 2),)),
    ],
)
def test_what_is_not_measured_changes_nothing(other):
    """Objective, names, period, labels, policy, alerts, maintenance: history stays."""
    assert measured(other) == measured(BASE)


def test_what_is_measured_tells_histories_apart():
    """Every part of it: the kind, each expression, groups, slices, the datasource."""
    others = [
        BASE,
        slo(sli=EventsSli(total="requests_total", bad="failures_total")),
        slo(sli=EventsSli(total="requests_total", good="errors_total")),
        slo(sli=EventsSli(total="calls_total", bad="errors_total")),
        slo(sli=LatencySli("seconds", 0.5)),
        slo(sli=LatencySli("seconds", 0.25)),
        slo(sli=QuerySli(total="requests_total", bad="errors_total", window=120)),
        slo(sli=QuerySli(total="requests_total", bad="errors_total", window=300)),
        slo(group_by=("region",)),
        slo(group_by=("region", "zone")),
        slo(timeslices=Timeslices(60, 0.95)),
        slo(timeslices=Timeslices(60, None)),
        slo(timeslices=Timeslices(30, 0.95)),
        replace(BASE, datasource="eu"),
    ]
    assert len({measured(other) for other in others}) == len(others)


def test_it_is_the_same_from_version_to_version():
    """A program that hashed otherwise would orphan every history there is."""
    assert measured(BASE) == "f536a2fba7ece09b8457fb331d611038"
