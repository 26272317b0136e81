"""Whole evaluations of mixed SLOs: the columns that pages are written from tell what statuses do.

Statuses are computed one by one, columns for all SLOs at once; they share no formula.
"""

from __future__ import annotations

import gzip
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.exposition import page_cache
from exporter.exposition.families import families
from exporter.exposition.line_forms import texts
from exporter.exposition.page_cache import PageCache
from exporter.exposition.selection import EVERYTHING, USED, Selection
from exporter.exposition.text import number, write_family
from exporter.slo.alerting import Alerting, SeverityAlerts
from exporter.slo.exhaustion import SoFar, exhaustion, holding
from exporter.slo.maintenance import one_off
from exporter.slo.model import LowTraffic
from exporter.slo.overrides import with_overrides
from exporter.slo.period import CalendarPeriod
from exporter.slo.policy import DEFAULT_POLICY
from exporter.slo.policy_state import PolicyState
from exporter.slo.records import Incident, Override, TierChange
from exporter.slo.rollups import rollup_figures, rollups
from exporter.slo.snapshot import Snapshot
from exporter.slo.statuses import Statuses, of_slos, states_of, with_problems
from exporter.slo.story import story
from exporter.slo.types import DAY
from exporter.slo.windows import CONDITIONS, BurnRateCondition, windows
from tests.helpers.exposition.drawn import some_firings
from tests.helpers.samples import AT, slo, snapshot, subject
from tests.helpers.thorough import examples

HELD = replace(DEFAULT_POLICY, name="held", min_coverage=0.9)
ONE_MORE = Alerting(
    name="Mine",
    page=SeverityAlerts(labels={"team": "a"}, annotations={"runbook_url": "https://x/"}),
    conditions=(*CONDITIONS, BurnRateCondition("page", 0.5, 600, 120)),
)
SLOS = (
    slo("99.9"),
    slo("99.9", name="other", labels={"owner": "ann"}),
    slo("90", name="loose", period=7 * DAY, labels={"owner": "bob"}),
    slo("99", service="shop", name="latency", group_by=("region",)),
    slo("95", service="shop", period=CalendarPeriod("month"), alerting=ONE_MORE),
    slo("99.5", service="shop", name="quiet", low_traffic=LowTraffic(50, 2), policy=HELD),
    slo("98", name="moved", maintenance=(one_off(AT - 60, AT + 60, "a move"),), policy=HELD),
    slo(
        "60",
        name="never",
        period=CalendarPeriod("week"),
        alerting=Alerting(ticket=SeverityAlerts(True)),
    ),
)
moments = st.sampled_from([AT - 40 * DAY, AT - 7_200, AT - 600, AT - 100])
changes = st.builds(
    TierChange,
    at=moments,
    before=st.sampled_from([None, "normal", "freeze"]),
    after=st.sampled_from(["normal", "slow_down", "exhausted", "of another policy"]),
    policy=st.just("default"),
    remaining=st.just(0.4),
    window=st.none(),
    burn_rate=st.none(),
)
incidents = st.builds(
    Incident,
    start=moments,
    end=st.sampled_from([AT - 39 * DAY, AT - 500, AT - 90, AT]),
    share=st.sampled_from([0.0, 1e-9, 0.25]),
    bad=st.just(5.0),
    peak_error_ratio=st.just(0.5),
    postmortem=st.booleans(),
    open=st.booleans(),
)
policy_states = st.none() | st.builds(
    PolicyState,
    changes=st.lists(changes, max_size=2).map(tuple),
    incidents=st.lists(incidents, max_size=2).map(tuple),
    firings=some_firings(moments),
)
counts = st.tuples(
    st.sampled_from([0.0, 0.4, 1.0, 3.0, 70.0, 150.0, -4.0]),
    st.sampled_from([0.0, 1.0, 100.0, 1e6, 1e17]),
    st.sampled_from([0.0, 0.3, 1.0]),
)
usual = st.tuples(st.floats(0, 20), st.sampled_from([100.0, 5e3]), st.just(1.0))


@st.composite
def evaluations(draw):
    """Some of the SLOs, as they may be."""
    found = []
    for each in draw(st.lists(st.sampled_from(SLOS), min_size=1, max_size=8, unique_by=id)):
        for region in draw(st.lists(st.sampled_from(["eu", "us"]), unique=True)) or [None]:
            groups = {"region": region} if each.group_by and region else {}
            if region == "us" and not groups:
                continue
            names = [name for name, _ in windows(each.period, AT, each.alerting.windows)]
            of_each = draw(st.sampled_from([counts, usual, usual]))
            one = replace(
                subject(each, groups=groups, answered=draw(st.booleans() | st.just(True))),
                policy_state=draw(policy_states),
                recovery=draw(st.sampled_from([None, AT + 60.0])),
                waiting=draw(st.booleans()),
                lag=draw(st.sampled_from([0.0, 60.0])),
                scrape_interval=draw(st.sampled_from([0.0, 30.0, 300.0])),
                slack=draw(st.sampled_from([0.0, 60.0])),
                invalid=draw(st.sampled_from([None] * 8 + ["it cannot be"])),
                problem=draw(st.sampled_from([None, None, "too many groups"])),
                last_slot=draw(st.sampled_from([None, AT - 30])),
            )
            found.append((one, {name: draw(of_each) for name in names}))
    return snapshot(*found)


def one_by_one(of: Snapshot, selection: Selection) -> str:
    """Every line as statuses tell it that are computed one by one."""
    listed = replace(of, slos=tuple(of.slos))
    parts = (write_family(*family, openmetrics=True) for family in families(listed, selection))
    return "".join(parts) + "# EOF\n"


def lines(page: str) -> list[str]:
    """In an order of their own: windows may come in another."""
    return sorted(page.splitlines())


@examples(150)
@given(
    st.lists(evaluations(), min_size=1, max_size=3),
    st.sampled_from([EVERYTHING, USED, Selection(windows=frozenset({"5m", "period"}))]),
    st.integers(1, 3),
    st.booleans(),
)
def test_pages_of_columns_are_as_if_each_status_was_written(shots, selection, together, overridden):
    """Evaluation after evaluation, while much stays as it was; and with an override."""
    cache = PageCache()
    override = Override("shop", None, "ann", "a fix", AT - 60, AT + 600)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(page_cache, "TOGETHER", together)
        for shot in (*shots, *shots[:1]):
            assert isinstance(shot.slos, Statuses)
            shown = with_overrides(shot, [override], AT) if overridden else shot
            page = cache.render("", shown, selection, openmetrics=True)
            assert lines(gzip.decompress(page).decode()) == lines(one_by_one(shown, selection))


@examples(100)
@given(evaluations())
def test_what_else_columns_tell_is_told_by_statuses(shot):
    """Forecasts, rollups, states and problems."""
    listed = tuple(shot.slos)
    for status in listed:
        now = holding(status.windows, status.slo.period, status.period)
        window = status.windows.get(status.slo.period.label)
        if status.budget is None or window is None or now is None:
            assert status.exhaustion_seconds is None
            continue
        allowed = status.slo.objective.error_budget
        so_far = SoFar(window, status.budget.remaining, allowed, status.slo.period, status.period)
        assert status.exhaustion_seconds == exhaustion([so_far], [now])[0]
    assert list(states_of(shot.slos)) == [status.state for status in listed]
    assert with_problems(shot.slos) == sum(status.problem is not None for status in listed)
    assert [*of_slos(shot.slos, lambda each: each.service == "shop")] == [
        status for status in listed if status.slo.service == "shop"
    ]
    together, apart = rollup_figures(shot.slos), rollups(listed)
    assert list(together.names) == [(each.kind, each.name) for each in apart]
    remaining, worst, count, unknown = together.figures
    for i, each in enumerate(apart):
        left = each.worst.budget.remaining if each.worst and each.worst.budget else None
        for figure, expected in (
            (remaining, each.remaining),
            (worst, left),
            (count, each.slos),
            (unknown, each.unknown),
        ):
            assert (figure.values[i] if figure.known[i] else None) == expected


@examples(60)
@given(evaluations(), evaluations())
def test_the_story_is_that_of_all_statuses(before, after):
    """Those that nothing can have happened to are left out, and no others."""
    listed = [replace(shot, slos=tuple(shot.slos)) for shot in (before, after)]
    assert story(before, after) == story(*listed)
    again = replace(after, slos=after.slos.with_changed({}))
    assert story(after, again) == []


def test_overrides_that_are_over_are_shown_no_more():
    """What an amended snapshot had is taken back by the next amendment."""
    shot = snapshot((subject(slo()), (1, 100, 1)), (subject(slo(service="shop")), (1, 100, 1)))
    override = Override("shop", None, "ann", "a fix", AT - 60, AT + 600)
    shown = with_overrides(shot, [override], AT)
    assert [status.override for status in shown.slos] == [None, override]
    assert [status.override for status in with_overrides(shown, [override], AT + 600).slos] == [
        None,
        None,
    ]


@examples(200)
@given(st.lists(st.floats() | st.integers(-(2**60), 2**60).map(float)))
def test_numbers_are_written_to_the_last_digit(values):
    """As one by one, in every size."""
    assert texts(np.array(values, dtype=np.float64)) == [number(value) for value in values]
