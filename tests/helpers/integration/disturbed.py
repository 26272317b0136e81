"""Services whose scrapes or processes fail, each at three ages.

The ages fall into the ledger's fine, middle and coarse slots.
"""

from __future__ import annotations

import random
from itertools import pairwise

from tests.helpers.integration.histories import END, SCRAPE, History, growing, scrapes, without
from tests.helpers.integration.scenario import (
    SPOTS,
    START,
    TOTAL,
    Case,
    availability,
    denser_at_spots,
)
from tests.oracle import DAY, MINUTE


def single_resets() -> Case:
    """The process restarts and its counters begin anew."""
    history = History("single-resets")
    times = scrapes(START)
    history.target(times)
    spots = {spot: [2] for spot in SPOTS}
    history.counter(TOTAL, growing(times, 3, resets=spots), code="200")
    history.counter(TOTAL, growing(times, lambda n: n % 5 == 0, resets=spots), code="500")
    return availability(history)


def climbing_resets() -> Case:
    """A counter passes its old value before the slot of its reset ends."""
    history = History("climbing-resets")
    times = denser_at_spots()
    history.target(times)
    spots = {spot: [5, 200_000 * (n + 1)] for n, spot in enumerate(SPOTS)}
    history.counter(TOTAL, growing(times, 1, resets=spots), code="200")
    history.counter(TOTAL, growing(times, lambda n: n % 5 == 0, resets=spots), code="500")
    return availability(history)


def repeated_resets() -> Case:
    """A process that crashes again and again within a slot."""
    history = History("repeated-resets")
    times = denser_at_spots()
    history.target(times)
    spots = {spot: [7, 3, 9, 1, 8, 2] for spot in SPOTS}
    history.counter(TOTAL, growing(times, 1, resets=spots), code="200")
    history.counter(TOTAL, growing(times, lambda n: n % 9 == 0, resets=spots), code="500")
    return availability(history)


def late_births() -> Case:
    """The first errors ever seen: their series are born during the incident."""
    history = History("late-births")
    times = scrapes(START)
    history.target(times)
    history.counter(TOTAL, growing(times, 3), code="200")
    for spot, code in zip(SPOTS, ("500", "502", "503"), strict=True):
        after = [t for t in times if t > spot]
        history.counter(TOTAL, growing(after, lambda n: n < 20, first=17), code=code)
    return availability(history)


def births_with_target() -> Case:
    """New instances whose counters were already high at their first scrape."""
    history = History("births-with-target")
    times = scrapes(START)
    history.target(times)
    history.counter(TOTAL, growing(times, 3), code="200")
    for n, spot in enumerate(SPOTS):
        after = [t + 11 for t in times if t > spot]
        instance = f"b{n}:80"
        history.target(after, instance=instance)
        history.counter(TOTAL, growing(after, 2, first=1_000), instance=instance, code="200")
        history.counter(
            TOTAL, growing(after, lambda n: n % 3 == 0, first=100), instance=instance, code="500"
        )
    return availability(history)


def failed_first_scrape() -> Case:
    """An instance that cannot be scraped at first: its counters are born with its first success."""
    history = History("failed-first-scrape")
    times = scrapes(START)
    history.target(times)
    history.counter(TOTAL, growing(times, 3), code="200")
    for n, spot in enumerate(SPOTS):
        after = [t + 11 for t in times if t > spot]
        instance = f"b{n}:80"
        history.target(after, failed=after[:3], instance=instance)
        history.counter(TOTAL, growing(after[3:], 2, first=500), instance=instance, code="200")
    return availability(history)


def failed_scrapes(name: str, length: int, *, restart: bool, away: bool) -> Case:
    """Scrapes fail for `length` seconds, or there are none at all where Prometheus is `away`."""
    history = History(name)
    every = scrapes(START)
    times = without(every, [(spot, spot + length) for spot in SPOTS])
    history.target(times if away else every, failed=set(every) - set(times))
    spots = {spot + length: [4] for spot in SPOTS} if restart else None
    lost = length // SCRAPE

    def after_gap(n: int) -> int:
        return 5 * (lost + 1) if times[n] - times[n - 1] > SCRAPE + 1 else 5

    history.counter(TOTAL, growing(times, after_gap, resets=spots), code="200")
    history.counter(TOTAL, growing(times, lambda n: after_gap(n) > 5, resets=spots), code="500")
    return availability(history)


def births_after_failed_scrapes() -> Case:
    """A process that could not be scraped for minutes comes back with its first errors."""
    history = History("births-after-failed-scrapes")
    every = scrapes(START)
    times = without(every, [(spot, spot + 4 * MINUTE) for spot in SPOTS])
    history.target(every, failed=set(every) - set(times))
    history.counter(TOTAL, growing(times, 3), code="200")
    for spot, code in zip(SPOTS, ("500", "502", "503"), strict=True):
        after = [t for t in times if t > spot]
        history.counter(TOTAL, growing(after, lambda n: n < 20, first=17), code=code)
    return availability(history)


def deaths() -> Case:
    """Instances replaced in the middle of a slot, with errors up to their last scrape."""
    history = History("deaths")
    times = scrapes(START)
    borders = [START, *SPOTS, END]
    for n, (born, dead) in enumerate(pairwise(borders)):
        alive = [t + 3 * n for t in times if born <= t < dead]
        instance = f"p{n}:80"
        history.target(alive, instance=instance)
        history.counter(TOTAL, growing(alive, 4), instance=instance, code="200")
        history.counter(
            TOTAL, growing(alive, lambda n: n % 2, first=1), instance=instance, code="500"
        )
    return availability(history)


def chaos(seed: int) -> Case:
    """Everything at once, at random: restarts, replaced instances, failed scrapes, births."""
    rng = random.Random(seed)
    history = History(f"chaos-{seed}")
    for instance in ("a:80", "b:80", "c:80"):
        born = START + rng.choice((0, 0, rng.randrange(5 * DAY)))
        every = scrapes(born, step=15, offset=rng.random() * 15)
        gaps = [
            (t, t + rng.choice((20, 45, 100, 400)))
            for t in (rng.randrange(START, END) for _ in range(30))
        ]
        times = without(every, gaps)
        history.target(every, failed=set(every) - set(times), instance=instance)
        for code in ("200", "500", "503"):
            first = 0 if code == "200" else rng.randrange(len(times))
            last = len(times) - rng.choice((0, 0, rng.randrange(1, len(times) - first + 1)))
            alive = times[first:last]
            spots = {rng.choice(times): [rng.randrange(9)] for _ in range(20)}
            samples = growing(
                alive, lambda _: rng.choice((0, 0, 1, 40)), first=rng.randrange(50), resets=spots
            )
            history.counter(TOTAL, samples, instance=instance, code=code)
    return availability(history)
