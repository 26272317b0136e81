"""The budget report, held against an oracle in plain Python."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from exporter.reports import spans
from exporter.reports.budget import assembled, budget_rows, slo_budget
from exporter.reports.spans import ReportError
from exporter.reports.subjects import Subject
from exporter.slo.event_history import EventHistory
from exporter.slo.policy_state import PolicyState
from exporter.slo.records import Incident, TierChange
from exporter.slo.types import DAY, HOUR
from tests.helpers.samples import slo, status, subject

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str, zone=UTC) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp())


def hours(start: int, end: int, seed: int = 1) -> list[tuple[int, float, float, float, float]]:
    """Hours as (end, bad, total, known, excluded): traffic, failures, holes and maintenance."""
    draw = random.Random(seed)
    found = []
    for moment in range(start + HOUR, end + 1, HOUR):
        known = draw.choice([1.0] * 18 + [0.5, 0.0])
        excluded = 0.25 if known == 0.5 else 0.0
        total = float(draw.randrange(0, 5000)) * (known > 0)
        bad = float(draw.randrange(0, 1 + int(total * 0.004)))
        found.append((moment, bad, total, known, excluded))
    return found


def history(of: list[tuple[int, float, float, float, float]]) -> EventHistory:
    ends, bad, total, known, excluded = (
        np.array(column, dtype=float) for column in zip(*of, strict=True)
    )
    return EventHistory(np.append(ends[0] - HOUR, ends), bad, total, known, excluded)


class Oracle:
    """Sums hours one by one."""

    def __init__(self, of: list[tuple[int, float, float, float, float]], allowed: float) -> None:
        self.of = of
        self.allowed = allowed

    def sums(self, start: int, end: int) -> tuple[float, float, float]:
        """Bad, total, and the known share of (start, end], for whole hours."""
        bad = total = known = 0.0
        for moment, b, t, k, x in self.of:
            if start < moment <= end:
                bad, total, known = bad + b, total + t, known + k + x
        return bad, total, known / ((end - start) / HOUR)


def of(start: int, end: int, seed: int, **more) -> tuple[Subject, Oracle]:
    one = slo("99.9", labels={"owner": "team a"}, **more)
    table = hours(start, end, seed)
    found = status(subject(one), (1.0, 1000.0, 1.0), at=end)
    return Subject(found, history(table)), Oracle(table, 0.001)


def check(stretch, oracle, until, budget, *, taken, seconds) -> float:
    bad, total, known = oracle.sums(stretch.start, min(stretch.end, until))
    assert stretch.known == pytest.approx(known)
    if known == 0:
        assert stretch.bad is stretch.consumed is stretch.remaining is None
        return taken
    assert stretch.bad == pytest.approx(bad)
    assert stretch.total == pytest.approx(total)
    assert stretch.consumed == pytest.approx(bad / budget)
    assert stretch.remaining == pytest.approx(1 - (taken + bad) / budget)
    assert stretch.downtime_seconds == pytest.approx(bad / budget * 0.001 * seconds)
    return taken + bad


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("zone", "text", "now"),
    [
        (UTC, "2026-10", "2026-11-03T04:00"),
        (UTC, "2026-10", "2026-10-20T07:00"),
        (BERLIN, "2026-10", "2026-11-03T04:00"),  # the clocks go back on the 25th
        (BERLIN, "2026-03", "2026-04-01T00:00"),  # and forward on the 29th
    ],
)
def test_weeks_and_whole_are_those_of_the_oracle(zone, text, now, seed):
    """Events, shares, downtime and coverage: of every week, and of the month."""
    now = at(now, zone)
    year, number = map(int, text.split("-"))
    first = datetime(year, number, 1, tzinfo=zone)
    start = int(first.timestamp())
    end = int(datetime(year, number + 1, 1, tzinfo=zone).timestamp())
    until = min(now, end)
    one, oracle = of(start - 40 * DAY, now, seed)
    found = slo_budget(one, now, zone, spans.month(text, zone, now))

    assert (found.whole.start, found.whole.end) == (start, end)
    assert found.whole.under_way == (now < end)
    budget = 0.001 * oracle.sums(start, until)[1]
    check(found.whole, oracle, until, budget, taken=0.0, seconds=until - start)

    bounds = [first + timedelta(days=7 * i) for i in range(6)]  # of the wall clock
    bounds = [int(each.timestamp()) for each in bounds]
    weeks = [(a, min(b, end)) for a, b in pairwise(bounds) if a < until]
    assert [(week.start, week.end) for week in found.weeks] == weeks
    taken = 0.0
    for week in found.weeks:
        taken = check(week, oracle, until, budget, taken=taken, seconds=until - start)
    assert taken == pytest.approx(found.whole.bad)

    for month in found.before:
        own = 0.001 * oracle.sums(month.start, month.end)[1]
        check(month, oracle, month.end, own, taken=0.0, seconds=month.end - month.start)
    assert [month.name for month in found.before][:1] == [
        f"{first - timedelta(days=1):%B %Y}",
    ]


def test_the_period_is_what_the_daemon_says():
    """Without a span: what is left is the budget that metrics and pages show."""
    now = at("2026-10-20T00:00")
    table = hours(now - 30 * DAY, now)
    table = [(moment, bad, total, 1.0, 0.0) for moment, bad, total, *_ in table]
    bad, total, _ = Oracle(table, 0.001).sums(0, now)
    shown = status(subject(slo("99.9")), (bad, total, 1.0), at=now)
    found = slo_budget(Subject(shown, history(table)), now, UTC)
    assert found.whole.remaining == pytest.approx(shown.budget.remaining)
    assert found.whole.name == "the last 30d"
    assert found.budget_seconds == pytest.approx(2592)


def test_a_week_in_the_issues_words():
    """20 minutes of a month's 43.2 are 47%."""
    now = at("2026-12-01T00:00")
    start = at("2026-11-01T00:00")
    table = [(m, 0.0, 3600.0, 1.0, 0.0) for m in range(start + HOUR, now + 1, HOUR)]
    third = start + 15 * DAY
    table = [(m, 1209.6 if m == third else b, t, k, x) for m, b, t, k, x in table]
    shown = status(subject(slo("99.9")), (1.0, 1000.0, 1.0), at=now)
    found = slo_budget(Subject(shown, history(table)), now, UTC, spans.month("2026-11", UTC, now))
    week = found.weeks[2]
    assert week.name == "Week 3"
    assert week.downtime_seconds == pytest.approx(1209.6)
    assert week.consumed == pytest.approx(0.4667, abs=1e-4)
    assert week.remaining == pytest.approx(0.5333, abs=1e-4)
    assert [each.consumed for each in found.weeks if each is not week] == [0.0] * 4


def test_tiers_are_those_that_were_recorded():
    """At the end of a week and the worst in it; before the first record, by the budget."""
    start, now = at("2026-10-01T00:00"), at("2026-10-25T00:00")
    changes = (
        TierChange(start + 8 * DAY, None, "normal", "default", 0.9),
        TierChange(start + 15 * DAY, "normal", "freeze", "default", 0.2),
        TierChange(start + 16 * DAY, "freeze", "slow_down", "default", 0.3),
        TierChange(start + 21 * DAY, "slow_down", "normal", "default", 0.6),  # as a week ends
    )
    one = subject(slo("99.9"), policy_state=PolicyState(changes=changes))
    shown = status(one, (1.0, 1000.0, 1.0), at=now)
    found = slo_budget(
        Subject(shown, history(hours(start, now))), now, UTC, spans.month("2026-10", UTC, now)
    )
    tiers = [(week.tier, week.worst_tier, week.tier_recorded) for week in found.weeks]
    assert tiers[0][2] is False
    assert tiers[1:] == [
        ("normal", "normal", True),
        ("normal", "freeze", True),
        ("normal", "normal", True),
    ]
    assert found.weeks[2].action == "normal development velocity, feature releases allowed"


def test_incidents_of_the_span_are_told():
    """Those that overlap it, and no others."""
    start, now = at("2026-10-01T00:00"), at("2026-10-25T00:00")

    def one(begin: int, end: int) -> Incident:
        return Incident(start=begin, end=end, bad=10, share=0.05, open=False)

    incidents = (
        one(start - 3 * DAY, start - 2 * DAY),
        one(start - HOUR, start + HOUR),
        one(start + 2 * DAY, start + 3 * DAY),
    )
    shown = replace(status(subject(slo()), (1.0, 1e6, 1.0), at=now), incidents=incidents)
    of_month = slo_budget(
        Subject(shown, history(hours(start, now))), now, UTC, spans.month("2026-10", UTC, now)
    )
    assert [each.incident for each in of_month.incidents] == list(incidents[1:])


def test_what_is_not_known_is_not_zero():
    """A week of which nothing is known has no figures, and a month before the ledger is refused."""
    now = at("2026-10-25T00:00")
    one, _ = of(at("2026-10-09T00:00"), now, 1)
    found = slo_budget(one, now, UTC, spans.month("2026-10", UTC, now))
    assert found.weeks[0].known == 0
    assert found.weeks[0].consumed is found.weeks[0].remaining is None
    assert 0 < found.weeks[1].known < 1
    early = spans.month("2026-05", UTC, now)
    with pytest.raises(ReportError, match=r"^nothing is known of May 2026: the ledger begins on"):
        assembled(
            [slo_budget(one, now, UTC, early)],
            now,
            ("UTC", UTC),
            span=early,
            subject="x",
            begun=one.begins(),
        )


def test_the_worst_comes_first():
    """And what is not known last."""
    now = at("2026-10-25T00:00")
    start = now - 30 * DAY
    made = []
    for bad in (1.0, 900.0, None):
        table = [(m, bad or 0.0, 1e4, float(bad is not None), 0.0) for m in (start + HOUR, now)]
        shown = status(subject(slo(name=str(bad))), (1.0, 1e6, 1.0), at=now)
        made.append(slo_budget(Subject(shown, history(table)), now, UTC))
    report = assembled(made, now, ("UTC", UTC), span=None, subject="all")
    assert [each.identity.slo for each in report.slos] == ["900.0", "1.0", "None"]


def test_every_stretch_is_a_row_of_the_csv():
    """Weeks, the whole, and what was before."""
    now = at("2026-10-25T00:00")
    one, _ = of(now - 80 * DAY, now, 3)
    found = slo_budget(one, now, UTC, spans.month("2026-10", UTC, now))
    rows = budget_rows(assembled([found], now, ("UTC", UTC), span=None, subject="x"))
    kinds = [row["kind"] for row in rows]
    assert kinds == ["week"] * 4 + ["whole"] + ["before"] * len(found.before)
    assert rows[4]["consumed"] == found.whole.consumed
