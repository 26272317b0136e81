"""Every case: services that run undisturbed here, and by name those that do not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from exporter.slo.model import EventsSli, LatencySli, Slo
from exporter.slo.period import RollingPeriod
from tests.helpers.integration import disturbed
from tests.helpers.integration.histories import END, SCRAPE, History, growing, scrapes
from tests.helpers.integration.scenario import (
    BUCKET,
    COUNT,
    SPOTS,
    START,
    TOTAL,
    Case,
    availability,
    objective,
    selector,
    slo_of,
)
from tests.oracle import DAY, HOUR, MINUTE, Events


def steady() -> Case:
    """Nothing happens but traffic and, now and then, an error."""
    history = History("steady")
    times = scrapes(START)
    history.target(times)
    history.counter(TOTAL, growing(times, lambda n: n % 9), code="200")
    history.counter(TOTAL, growing(times, lambda n: n % 41 == 0), code="500")
    return availability(history)


def month() -> Case:
    """Thirty days and more of a day's rise and fall, with an outage in its second week."""
    history = History("month")
    times = scrapes(END - 31 * DAY)
    history.target(times)
    outage = (END - 20 * DAY + 700, END - 20 * DAY + 4_300)

    def busy(n: int) -> int:
        return 20 + (n // 120) % 24

    def failing(n: int) -> int:
        return busy(n) // 2 if outage[0] < times[n] < outage[1] else n % 97 == 0

    history.counter(TOTAL, growing(times, busy), code="200")
    history.counter(TOTAL, growing(times, failing), code="500")
    return availability(history, objective=objective("99.9"), period=RollingPeriod(30 * DAY))


def quarter() -> Case:
    """Ninety days and more at a scrape every five minutes."""
    history = History("quarter")
    times = scrapes(END - 92 * DAY, step=5 * MINUTE)
    history.target(times)
    history.counter(TOTAL, growing(times, lambda n: n % 11), code="200")
    history.counter(TOTAL, growing(times, lambda n: n % 101 == 0), code="500")
    return availability(history, period=RollingPeriod(90 * DAY))


def on_boundaries() -> Case:
    """Every scrape falls on a slot boundary."""
    history = History("on-boundaries")
    times = scrapes(START, offset=0)
    history.target(times)
    spots = {spot // SCRAPE * SCRAPE: [2] for spot in SPOTS}
    history.counter(TOTAL, growing(times, lambda n: n % 7, resets=spots), code="200")
    history.counter(TOTAL, growing(times, lambda n: n % 13 == 0), code="500")
    return availability(history)


def idle_hours() -> Case:
    """No request for hours, the last two among them."""
    history = History("idle-hours")
    times = scrapes(START)
    history.target(times)

    def busy(n: int) -> int:
        return 0 if times[n] > END - 3 * HOUR or (times[n] // HOUR) % 5 == 0 else 2

    history.counter(TOTAL, growing(times, busy), code="200")
    history.counter(TOTAL, growing(times, lambda n: busy(n) * (n % 29 == 0)), code="500")
    return availability(history)


def no_errors() -> Case:
    """There is no series of errors at all."""
    history = History("no-errors")
    times = scrapes(START)
    history.target(times)
    history.counter(TOTAL, growing(times, 3), code="200")
    return availability(history)


def good_of_total() -> Case:
    """The SLI names good events; the rest is bad."""
    history = History("good-of-total")
    times = scrapes(START)
    history.target(times)
    spots = {spot: [0] for spot in SPOTS}
    history.counter(TOTAL, growing(times, 3, resets=spots), code="200")
    history.counter(TOTAL, growing(times, lambda n: n % 50 == 0, resets=spots), code="500")
    sli = EventsSli(total=selector(history), good=selector(history, ', code="200"'))
    return Case(
        history,
        slo_of(history, sli),
        bad=history.events(TOTAL, code="500").between,
        total=history.events(TOTAL).between,
    )


def latency(bound: str) -> Case:
    """A classic histogram whose bound of one second is spelled in one of two ways."""
    history = History(f"latency-{bound}")
    times = scrapes(START)
    history.target(times)
    slow = {"0.5": 2, bound: 3, "+Inf": 4}
    for le, per_scrape in slow.items():
        resets = {spot: [per_scrape] for spot in SPOTS}
        history.counter(BUCKET, growing(times, per_scrape, resets=resets), le=le)
    resets = {spot: [4] for spot in SPOTS}
    history.counter(COUNT, growing(times, 4, resets=resets))
    sli = LatencySli(f'latency_seconds{{service="{history.service}"}}', threshold=1.0)
    total, fast = history.events(COUNT), history.events(BUCKET, le=bound)
    return Case(
        history,
        slo_of(history, sli, objective=objective("70")),
        bad=lambda start, end: total.between(start, end) - fast.between(start, end),
        total=total.between,
    )


def floats() -> Case:
    """Counters of seconds rather than of requests."""
    history = History("floats")
    times = scrapes(START)
    history.target(times)
    spots = {spot: [0.1] for spot in SPOTS}
    history.counter(TOTAL, growing(times, lambda n: 0.1 * (n % 7), resets=spots), code="200")
    history.counter(TOTAL, growing(times, lambda n: 1 / 3 if n % 5 else 0), code="500")
    return availability(history)


@dataclass(frozen=True)
class Grouped:
    """A history, the SLO that watches it per tenant, and each tenant's bad and total events."""

    history: History
    slo: Slo
    bad: dict[str, Events]
    total: dict[str, Events]


def grouped() -> Grouped:
    """Tenants that appear one after another."""
    history = History("grouped")
    times = scrapes(START)
    history.target(times)
    bad, total = {}, {}
    for n, born in enumerate((START, *SPOTS)):
        alive, tenant = [t for t in times if t >= born], f"tenant-{n}"
        history.counter(TOTAL, growing(alive, n + 2, first=2), code="200", tenant=tenant)
        history.counter(TOTAL, growing(alive, lambda n: n % 3 == 0), code="500", tenant=tenant)
        bad[tenant] = history.events(TOTAL, code="500", tenant=tenant)
        total[tenant] = history.events(TOTAL, tenant=tenant)
    sli = EventsSli(total=selector(history), bad=selector(history, ', code=~"5.."'))
    return Grouped(history, slo_of(history, sli, group_by=("tenant",)), bad, total)


def _cases() -> dict[str, Callable[[], Case]]:
    found: list[Callable[[], Case]] = [
        steady,
        month,
        on_boundaries,
        disturbed.single_resets,
        disturbed.climbing_resets,
        disturbed.repeated_resets,
        disturbed.late_births,
        disturbed.births_with_target,
        disturbed.failed_first_scrape,
        disturbed.births_after_failed_scrapes,
        disturbed.deaths,
        idle_hours,
        no_errors,
        good_of_total,
        floats,
    ]
    cases = {make.__name__: make for make in found}
    for length, seconds in (
        ("a-scrape", 30),
        ("two", 60),
        ("minutes", 4 * MINUTE),
        ("long", 25 * MINUTE),
    ):
        for kind, settings in (
            ("failed", {"restart": False, "away": False}),
            ("failed-restart", {"restart": True, "away": False}),
            ("away", {"restart": False, "away": True}),
        ):
            name = f"{kind}-{length}"
            cases[name] = partial(disturbed.failed_scrapes, name, seconds, **settings)
    cases |= {f"latency-{bound}": partial(latency, bound) for bound in ("1", "1.0")}
    cases |= {f"chaos-{seed}": partial(disturbed.chaos, seed) for seed in range(3)}
    return cases


CASES = _cases()
"""How to make every case with a single group, by name."""
