"""Histories of histograms that must be counted to the observation, by name."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from math import inf

from tests.helpers.integration.histories import scrapes, without
from tests.helpers.integration.scenario import SPOTS, START
from tests.helpers.torture.histogram_histories import (
    CLASSIC,
    COARSE,
    CUSTOM,
    EXPONENTIAL,
    HistogramHistory,
    always,
    observing,
)

PAUSES = {"100-s": 100, "3-min": 180, "20-min": 1_200, "2-h": 7_200, "5-h": 18_000}
"""How long nothing was stored, in seconds: a restart of Prometheus takes up to some minutes."""

RESTARTED = (3, 1, 0, 1, 0)
"""What a process shows at its first scrape."""


def lives(form: str) -> HistogramHistory:
    """Restarts at every age, an instance that is born late and one that dies."""
    history = HistogramHistory(f"lives-{form}")
    times = scrapes(START, step=60)
    restarts = {spot + 600.0: RESTARTED for spot in SPOTS}
    history.add("a:80", observing(times, always(form), restarts=restarts))
    for n, spot in enumerate(SPOTS):
        born, died = ([t for t in times if (t > spot) is late] for late in (True, False))
        up = [(t, 1.0) for t in times]
        # Series that begin or end while their target is scraped, and with it.
        history.add(f"born-{n}:80", observing(born, always(form), first=(9, 0, 2, 3, 0)), up)
        history.add(f"with-{n}:80", observing(born, always(form), first=(900, 0, 2, 3, 0)))
        history.add(f"died-{n}:80", observing(died, always(form)), up)
    return history


def hidden_restarts(form: str) -> HistogramHistory:
    """Restarts that the count does not show: it has climbed past its old value already."""
    history = HistogramHistory(f"hidden-{form}")
    for n, spot in enumerate(SPOTS):
        times = [t for t in scrapes(START) if spot - 600 < t]
        # Ten minutes before: about 60 observations, of which 40 within 0.5 s and 0.25 s.
        restarts = {spot: (10, 10, 100, 5, 1)}
        history.add(f"{n}:80", observing(times, always(form), restarts=restarts))
    return history


def paused(form: str, pause: int, *, restart: bool) -> HistogramHistory:
    """Prometheus stores nothing for a while, in which the process goes on or restarts."""
    history = HistogramHistory(f"paused-{pause}-{restart}-{form}")
    times = without(scrapes(START), [(spot, spot + pause) for spot in SPOTS])
    restarts = {spot + pause: RESTARTED for spot in SPOTS if restart}
    history.add(
        "a:80", observing(times, always(form), restarts=restarts, first=(5_000, 0, 9, 9, 0))
    )
    return history


def failed_scrapes(form: str) -> HistogramHistory:
    """Scrapes fail, so that the series is marked stale and comes back; `up` is 0 meanwhile."""
    history = HistogramHistory(f"failed-{form}")
    times = scrapes(START)
    gaps = [(spot + 3_600 * k, spot + 3_600 * k + 45 + 40 * k) for spot in SPOTS for k in range(2)]
    there = set(without(times, gaps))

    def forms(t: float) -> Sequence[str]:
        return [form] if t in there else []

    shown = observing(times, forms, first=(5_000, 0, 9, 9, 0))
    history.add(
        "a:80", [each for each in shown if each[2]], [(t, float(t in there)) for t in times]
    )
    return history


def without_up(form: str) -> HistogramHistory:
    """A remote writer that sends no `up`: the first value of a series is where counting begins."""
    history = HistogramHistory(f"no-up-{form}")
    times = scrapes(START)
    born = [t for t in times if t > SPOTS[-1]]
    history.add("a:80", observing(times, always(form)), up=[])
    history.add("b:80", observing(born, always(form), first=(70, 0, 2, 3, 0)), up=[])
    return history


def other_buckets(form: str, *, restart: bool) -> HistogramHistory:
    """The buckets change: custom ones to other bounds, exponential ones to half the resolution."""
    history = HistogramHistory(f"buckets-{form}-{restart}")
    times = scrapes(START)
    later = [SPOTS[0], SPOTS[1], SPOTS[2]]

    def changed(t: float) -> bool:
        return bisect_left(later, t) % 2 == 1

    def forms(t: float) -> Sequence[str]:
        return [COARSE if form == EXPONENTIAL and changed(t) else form]

    def bounds(t: float) -> Sequence[float]:
        if form == EXPONENTIAL:
            return (0.25, 1.0, inf) if changed(t) else (0.25, 0.5, 1.0, 2.0, inf)
        return (0.5, 1.0, 2.0, inf) if changed(t) else (0.25, 0.5, 1.0, inf)

    restarts = {spot: RESTARTED for spot in later if restart}
    history.add("a:80", observing(times, forms, restarts=restarts, bounds=bounds))
    return history


def switched(before: str, after: str, *, restart: bool, overlap: int = 0) -> HistogramHistory:
    """The form changes at every age, with the process or while it goes on; or both for a while."""
    history = HistogramHistory(f"from-{before}-to-{after}-{restart}-{overlap}")
    times = scrapes(START)
    for n, spot in enumerate(SPOTS):

        def forms(t: float, spot: float = spot) -> Sequence[str]:
            if t <= spot:
                return [before]
            return [before, after] if t <= spot + overlap else [after]

        restarts = {spot + overlap: RESTARTED} if restart else {}
        history.add(f"{n}:80", observing(times, forms, restarts=restarts, first=(0, 3, 3, n, 0)))
    return history


def half_each(form: str) -> HistogramHistory:
    """Half of the instances are classic; one is both; deploys go on."""
    history = HistogramHistory(f"half-{form}")
    times = scrapes(START)
    restarts = dict.fromkeys(SPOTS, RESTARTED)
    for n, forms in enumerate(([CLASSIC], [form], [CLASSIC, form], [form], [CLASSIC])):
        alive = times if n < 3 else [t for t in times if t > SPOTS[1]]
        own = restarts if n % 2 else {}
        history.add(f"{n}:80", observing(alive, always(*forms), restarts=own))
    return history


def both_but_the_bound(form: str) -> HistogramHistory:
    """Targets show both, and the classic buckets lack the bound: the native ones are counted."""
    history = half_each(form)
    history.service = f"boundless-{form}"
    history.without_bound = True
    classic = frozenset([CLASSIC])
    # Classic series without the bound tell nothing: those instances are left out.
    for instance in [each for each, shown in history.shown.items() if shown[0][2] == classic]:
        del history.shown[instance], history.up[instance]
    return history


def quiet(form: str) -> HistogramHistory:
    """A histogram that is shown before it has observed anything, and one that never does."""
    history = HistogramHistory(f"quiet-{form}")
    times = scrapes(START)
    empty = [(t, dict.fromkeys((0.25, 0.5, 1.0, 2.0, inf), 0), frozenset([form])) for t in times]
    late = observing([t for t in times if t > SPOTS[1]], always(form))
    history.add("never:80", empty)
    history.add("late:80", [*(each for each in empty if each[0] <= SPOTS[1]), *late])
    return history


def _cases() -> dict[str, Callable[[], HistogramHistory]]:
    cases: list[Callable[[], HistogramHistory]] = []
    for form in (EXPONENTIAL, CUSTOM):
        for make in (lives, hidden_restarts, failed_scrapes, without_up, half_each, quiet):
            cases.append(lambda make=make, form=form: make(form))
        cases.append(lambda form=form: both_but_the_bound(form))
        for restart in (False, True):
            for pause in PAUSES.values():
                cases.append(lambda f=form, p=pause, restart=restart: paused(f, p, restart=restart))
            cases.append(lambda form=form, restart=restart: other_buckets(form, restart=restart))
            for ways in ((CLASSIC, form), (form, CLASSIC)):
                for overlap in (0, 600):
                    cases.append(
                        lambda w=ways, r=restart, o=overlap: switched(*w, restart=r, overlap=o)
                    )
    return {make().service: make for make in cases}


HISTOGRAMS = _cases()
"""How to make every case, by name."""
