"""What the overview may have to show, each as the snapshot of an evaluation of some SLOs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from exporter.slo.event_history import EventHistory
from exporter.slo.model import LatencySli, Slo
from exporter.slo.policy_state import PolicyState
from exporter.slo.records import Firing, TierChange
from exporter.slo.snapshot import Snapshot
from exporter.slo.types import DAY, HOUR
from tests.helpers.samples import AT, PerWindow, Sums, every_window, slo, snapshot, subject

BEGUN = AT - 720
"""When what burns began to."""

GOOD: Sums = (1.0, 1e6, 1.0)
GONE: Sums = (0.0, 0.0, 0.0)
OUTAGE: Sums = (400.0, 1e4, 1.0)

LATENCY = LatencySli(histogram="request_duration_seconds", threshold=0.3)

_SHOP = {"owner": "payments"}
_FIRING = Firing("page", HOUR, 300, BEGUN, AT, open=True)
_SLOW = Firing("ticket", 3 * DAY, 6 * HOUR, BEGUN, AT, open=True)


def _fast(of: Slo) -> Mapping[str, Sums]:
    """A twentieth of the requests of the last hour fails; a third of the budget is gone."""
    return every_window(of, OUTAGE, period=(340.0, 1e6, 1.0))


def _slowly(of: Slo) -> Mapping[str, Sums]:
    """The budget goes a little faster than it may."""
    return every_window(of, (15.0, 1e4, 1.0), period=(560.0, 1e6, 1.0))


CHECKOUT = slo(service="checkout", labels=_SHOP)
QUICK = slo("99", service="checkout", name="latency", sli=LATENCY, labels=_SHOP)
SEARCH = slo("99.5", service="search", labels={"owner": "discovery"})
SUGGESTIONS = slo("99.5", service="search", name="suggestions")
LOGIN = slo("99.95", service="auth", name="login", labels={"owner": "identity"})
QUEUE = slo("99", service="mail", name="delivery")

Known = tuple[Slo, PerWindow, PolicyState | None]


def _evaluated(**others: tuple[PerWindow, PolicyState | None]) -> Snapshot:
    """All SLOs; those that are not named are fine."""
    named = {
        "checkout": CHECKOUT,
        "quick": QUICK,
        "search": SEARCH,
        "suggestions": SUGGESTIONS,
        "login": LOGIN,
        "queue": QUEUE,
    }
    subjects = []
    for name, of in named.items():
        sums, state = others.get(name, (GOOD, None))
        recovery = AT + 2 * DAY if name == "search" and "search" in others else None
        subjects.append((subject(of, policy_state=state, recovery=recovery), sums))
    return snapshot(*subjects)


def calm() -> Snapshot:
    """Nothing burns."""
    return _evaluated()


def burning() -> Snapshot:
    """Two SLOs page, one has a ticket, one has no data, one has burnt before."""
    return _evaluated(
        checkout=(_fast(CHECKOUT), PolicyState(firings=(_FIRING,))),
        quick=(
            every_window(QUICK, (2e3, 1e4, 1.0), period=(9e3, 1e6, 1.0)),
            PolicyState(firings=(_FIRING,)),
        ),
        login=(_slowly(LOGIN), PolicyState(firings=(_SLOW,))),
        suggestions=(GONE, None),
        search=(every_window(SEARCH, (0.0, 1e4, 1.0), period=(4_600.0, 1e6, 1.0)), None),
    )


def tickets() -> Snapshot:
    """Nothing pages, but something burns slowly."""
    return _evaluated(login=(_slowly(LOGIN), PolicyState(firings=(_SLOW,))))


def without_data() -> Snapshot:
    """One SLO has none, one has little of its period, one had some until an hour ago."""
    ended = dict.fromkeys(("5m", "30m", "1h"), GONE)
    return _evaluated(
        suggestions=(GONE, None),
        login=((0.0, 1e4, 0.04), None),
        queue=(every_window(QUEUE, GOOD) | ended, None),
    )


def after() -> Snapshot:
    """Nothing burns any more, but a budget is nearly spent, and another is overspent by far."""
    frozen = PolicyState(changes=(TierChange(AT - HOUR, "normal", "freeze", "default", 0.2),))
    spent = PolicyState(changes=(TierChange(AT - HOUR, "normal", "exhausted", "default", -9.0),))
    return _evaluated(
        search=(every_window(SEARCH, (0.0, 1e4, 1.0), period=(4_050.0, 1e6, 1.0)), frozen),
        checkout=(every_window(CHECKOUT, (0.0, 1e4, 1.0), period=(590_000.0, 1e6, 1.0)), spent),
    )


def many(services: int = 60, each: int = 12) -> Snapshot:
    """More than a page of services, and more SLOs than a service lists."""
    return snapshot(
        *(
            (subject(slo(service=f"service-{i:03}", name=f"slo-{j:02}")), (float(i + j), 1e6, 1.0))
            for i in range(services)
            for j in range(each)
        )
    )


def history() -> EventHistory:
    """Some days of events, for the lines."""
    bounds = np.linspace(AT - 30 * DAY, AT, 181)
    bad = np.full(180, 1.0)
    bad[150:154] = 60.0
    return EventHistory(bounds, bad, np.full(180, 5_000.0), np.ones(180))
