"""What the log tells of SLOs: each thing once, when it happens."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.slo.figures import minute, second
from exporter.slo.records import Firing, Incident, TierChange
from exporter.slo.snapshot import DataState, SloStatus, Snapshot, TierStatus
from exporter.slo.story import story
from tests.helpers.samples import AT, slo, snapshot, subject

SPENT = (600.0, 1_000_000.0, 1.0)
FIRING = Firing("page", 3_600, 300, AT - 600, AT, open=True)
INCIDENT = Incident(AT - 900, AT, 10, 0.36, open=True, peak_error_ratio=0.47)
CHANGE = TierChange(AT, "normal", "freeze", "default", 0.2)
TEN_MINUTES_AGO = minute(AT - 600)
FIRST = TierChange(AT - 9_000, None, "normal", "default", 0.9)


def status(**more: object) -> SloStatus:
    [made] = snapshot((subject(slo()), SPENT)).slos
    return replace(made, **more)


def told(before: SloStatus | None, after: SloStatus) -> list[tuple[str, dict[str, object]]]:
    old = Snapshot(AT - 30, (before,) if before else (), ())
    return [(one.what, dict(one.figures)) for one in story(old, Snapshot(AT, (after,), ()))]


def tiers(*changes: TierChange) -> TierStatus:
    return TierStatus(changes=changes)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, {}, []),
        (
            {"tier_status": tiers(FIRST)},
            {"tier_status": tiers(FIRST, CHANGE)},
            [("policy tier changed", {"before": "normal", "after": "freeze", "budget": "20%"})],
        ),
        (
            {"tier_status": tiers(FIRST)},
            {"tier_status": tiers(FIRST, replace(CHANGE, window=300, burn_rate=53.71))},
            [
                (
                    "policy tier changed",
                    {
                        "before": "normal",
                        "after": "freeze",
                        "budget": "20%",
                        "burn_rate": "53.7x over 5m",
                    },
                )
            ],
        ),
        ({"tier_status": tiers(FIRST, CHANGE)}, {"tier_status": tiers(FIRST, CHANGE)}, []),
        ({}, {"tier_status": tiers(FIRST)}, []),  # history has been read
        (
            {},
            {"firings": (FIRING,)},
            [("burn-rate condition fires", {"condition": "page 1h/5m", "since": TEN_MINUTES_AGO})],
        ),
        ({"firings": (FIRING,)}, {"firings": (replace(FIRING, end=AT + 30),)}, []),
        (
            {"firings": (FIRING,)},
            {"firings": (replace(FIRING, open=False),)},
            [("burn-rate condition has ended", {"condition": "page 1h/5m", "lasted": "10m"})],
        ),
        (
            {},
            {"incidents": (INCIDENT,)},
            [("incident began", {"share": "36%", "since": second(AT - 900)})],
        ),
        (
            {"incidents": (INCIDENT,)},
            {"incidents": (replace(INCIDENT, open=False, postmortem=True),)},
            [
                (
                    "incident ended",
                    {
                        "began": "2023-11-14 22:00:00 UTC",
                        "ended": "2023-11-14 22:15:00 UTC",
                        "lasted": "15m",
                        "share": "36%",
                        "peak": "47%",
                        "time_to_detect": "no page",
                        "postmortem": "required",
                    },
                )
            ],
        ),
        # An incident that a late sample made begin earlier is no other one.
        ({"incidents": (INCIDENT,)}, {"incidents": (replace(INCIDENT, start=AT - 1_200),)}, []),
        (
            {},
            {"state": DataState.STALE},
            [("data state changed", {"before": "ok", "after": "stale"})],
        ),
        ({}, {"state": DataState.NO_TRAFFIC}, []),
        (
            {},
            {"state": DataState.INVALID, "problem": "30 bad of 10 events"},
            [
                ("data are invalid", {"problem": "30 bad of 10 events"}),
                ("data state changed", {"before": "ok", "after": "invalid"}),
            ],
        ),
    ],
)
def test_what_happened_is_told_once(before, after, expected):
    """And what did not is not."""
    assert told(status(**before), status(**after)) == expected


def test_of_a_new_slo_only_what_fires_is_told():
    """As after a restart: who reads the log then has to know that."""
    new = status(firings=(FIRING,), incidents=(INCIDENT,), tier_status=tiers(FIRST, CHANGE))
    figures = {"condition": "page 1h/5m", "since": TEN_MINUTES_AGO}
    assert told(None, new) == [("burn-rate condition fires", figures)]
