"""The torture set: the cases of the integration tests, and those that they leave out."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Callable
from functools import partial

from exporter.slo.model import EventsSli, LatencySli
from tests.helpers.integration.cases import CASES
from tests.helpers.integration.histories import END, History, growing, scrapes
from tests.helpers.integration.scenario import (
    BUCKET,
    COUNT,
    SPOTS,
    START,
    TOTAL,
    Case,
    availability,
    selector,
    slo_of,
)
from tests.oracle import DAY, HOUR, Events


def rolling_deploys() -> Case:
    """Twenty instances replaced one by one, 45 s apart, at each of three ages."""
    history = History("rolling-deploys")
    deploys = [START - DAY, *SPOTS, END + DAY]
    for generation in range(len(SPOTS) + 1):
        for n in range(20):
            born, dies = (deploys[generation + i] + 45 * n for i in (0, 1))
            alive = [t + n for t in scrapes(START, step=60) if born <= t < dies]
            instance = f"v{generation}-{n}:80"
            history.target(alive, instance=instance)
            history.counter(TOTAL, growing(alive, 3, first=1), instance=instance, code="200")
            # The first errors of an instance come some scrapes after its birth, or never.
            errors = alive[2 + n :] if n % 3 else []
            history.counter(
                TOTAL, growing(errors, lambda i: i < 9, first=2), instance=instance, code="500"
            )
    return availability(history)


def scraped_every(seconds: int) -> Case:
    """A scrape interval with births, resets and failed scrapes; short ones for ten hours."""
    history = History(f"scraped-every-{seconds}-s")
    every = scrapes(START if seconds > 15 else END - 10 * HOUR, step=seconds, offset=1.5)
    lost = {t for spot in SPOTS for t in every if spot < t < spot + 3 * seconds}
    times = [t for t in every if t not in lost]
    history.target(every, failed=lost)
    resets = {spot + 600.0: [2] for spot in SPOTS}
    history.counter(TOTAL, growing(times, lambda n: n % 5, resets=resets), code="200")
    born = times[bisect_left(times, SPOTS[-1] + 300) :]
    history.counter(TOTAL, growing(born, lambda n: n % 4 == 0, first=3), code="500")
    return availability(history)


def irregular() -> Case:
    """Scrapes at random moments, 1 s to 55 s apart, to the millisecond."""
    rng = random.Random(7)
    history = History("irregular")
    times = [START + 0.5]
    while times[-1] < END - 60:
        times.append(round(times[-1] + rng.uniform(1, 55), 3))
    history.target(times)
    resets = {spot: [1] for spot in SPOTS}
    history.counter(TOTAL, growing(times, lambda n: n % 3, resets=resets), code="200")
    history.counter(TOTAL, growing(times[5_000:], lambda n: n % 17 == 0, first=4), code="500")
    return availability(history)


def high_traffic() -> Case:
    """A million requests a second."""
    history = History("high-traffic")
    times = scrapes(START)
    history.target(times)
    resets = {spot: [12_345_678] for spot in SPOTS}
    history.counter(TOTAL, growing(times, 30_000_001, resets=resets), code="200")
    history.counter(TOTAL, growing(times, lambda n: 1_000 + n % 977, resets=resets), code="500")
    return availability(history)


def low_traffic() -> Case:
    """A request every three hours; every fourth of them fails."""
    history = History("low-traffic")
    times = scrapes(START)
    history.target(times)
    history.counter(TOTAL, growing(times, lambda n: n % 367 == 0, first=1), code="200")
    errors = times[2_000:]
    history.counter(TOTAL, growing(errors, lambda n: n % 1_447 == 0, first=1), code="500")
    return availability(history)


def replicas() -> Case:
    """Two Prometheus replicas scrape the same target; the second is added later."""
    history = History("replicas")
    late = bisect_left(scrapes(START), SPOTS[0])
    for replica, skipped in (("a", 0), ("b", late)):
        times = [t + 4.5 * (replica == "b") for t in scrapes(START)[skipped:]]
        history.target(times, replica=replica)
        samples = growing(times, 3, first=3 * skipped, resets={SPOTS[1]: [1]})
        history.counter(TOTAL, samples, code="200", replica=replica)
        errors = [t for t in times if t > SPOTS[1]]
        samples = growing(errors, lambda n: n % 9 == 0, first=6)
        history.counter(TOTAL, samples, code="500", replica=replica)
    return availability(history)


def renamed_bound() -> Case:
    """An upgrade of Prometheus spells a bucket bound anew: the counter goes on under `1.0`."""
    history = History("renamed-bound")
    times = scrapes(START)
    history.target(times)
    count, fast = growing(times, 4), growing(times, lambda n: 4 - (n % 50 == 0))
    history.counter(COUNT, count)
    cut = bisect_left(times, SPOTS[1])
    for le, samples in (("1", fast[:cut]), ("1.0", fast[cut:])):
        history.counter(BUCKET, samples, le=le)
    total = history.events(COUNT)
    identity = next(iter(history.counters[COUNT]))
    whole = Events({identity: fast}, history.up)
    return Case(
        history,
        slo_of(history, LatencySli(f'latency_seconds{{service="{history.service}"}}', 1.0)),
        bad=lambda start, end: total.between(start, end) - whole.between(start, end),
        total=total.between,
    )


def own_labels() -> Case:
    """A metric's own label overrides its target's (`honor_labels`); its births still count."""
    history = History("own-labels")
    times = scrapes(START)
    history.target(times, zone="target")
    alive = {"200": times, "500": [t for t in times if t > SPOTS[1]]}
    for code, item in alive.items():
        history.counter(TOTAL, growing(item, 3, first=20), code=code, zone="own")
    sli = EventsSli(total=selector(history), bad=selector(history, ', code="500"'))
    bad = Events(
        {k: v for k, v in history.counters[TOTAL].items() if ("code", "500") in k},
        {(("job", history.service),): next(iter(history.up.values()))},
    )
    good = history.events(TOTAL, code="200")
    return Case(
        history,
        slo_of(history, sli),
        bad=bad.between,
        total=lambda start, end: bad.between(start, end) + good.between(start, end),
    )


def _torture() -> dict[str, Callable[[], Case]]:
    found = [rolling_deploys, irregular, high_traffic, low_traffic, replicas, renamed_bound]
    torture = {make.__name__: make for make in [*found, own_labels]}
    torture |= {f"every-{n}-s": partial(scraped_every, n) for n in (5, 15, 60)}
    return {name: make for name, make in CASES.items() if name != "month"} | torture


TORTURE = _torture()
"""How to make every case, by name."""
