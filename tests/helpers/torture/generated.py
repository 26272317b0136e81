"""Histories that Hypothesis makes up: scrape by scrape, for every target and every counter."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from math import inf

from hypothesis import strategies as st

from tests.helpers.integration.histories import END, History
from tests.helpers.integration.scenario import TOTAL, Case, availability
from tests.oracle import HOUR

LONGEST = 40
"""Scrapes at the most: two thirds of an hour at the slowest interval."""

AGES = (HOUR, 30 * HOUR, 80 * HOUR)
"""How old a history is at `END`: what slots of half a minute, of 5 m and of an hour hold."""

OK, FAILED, MISSED = "ok", "failed", "missed"

_services = (f"generated-{n}" for n in count())


@st.composite
def generated(draw: st.DrawFn, ages: Sequence[int] = AGES) -> Case:
    """One or two targets with two counters each, which may do anything at any scrape.

    The labels of a target, or of its counters alone, may change at one of them.
    """
    history = History(next(_services))
    interval = draw(st.sampled_from([30, 5, 15, 60]), label="scrape interval")
    scrapes = draw(st.integers(2, LONGEST), label="scrapes")
    start = END - draw(st.sampled_from(ages), label="age") + draw(st.integers(0, 299))
    for instance in ("a:80", "b:80")[: draw(st.integers(1, 2), label="targets")]:
        offset = draw(st.sampled_from([0.0, 7.25, 29.999]), label="offset")
        jitter = draw(_each(st.integers(0, interval * 900), scrapes), label="jitter")
        times = [start + offset + n * interval + late / 1000 for n, late in enumerate(jitter)]
        kinds = st.sampled_from([OK, OK, OK, FAILED, MISSED])
        scraped = draw(_each(kinds, scrapes), label="scrapes of " + instance)
        up = [(t, kind) for t, kind in zip(times, scraped, strict=True) if kind != MISSED]
        failed = [t for t, kind in up if kind == FAILED]
        relabeled = draw(st.sampled_from([None, None, "metrics", "target"]), label="relabeled")
        at = times[draw(st.integers(0, scrapes - 1), label="from")] if relabeled else inf
        for after in (False, True):
            more = {"team": "x"} if after and relabeled == "target" else {}
            there = [t for t, _ in up if (t >= at and relabeled == "target") == after]
            if there:
                history.target(there, failed=failed, instance=instance, **more)
        for code in ("200", "500"):
            actions = draw(_each(_action, scrapes), label=f"{code} of {instance}")
            seen = [
                (t, action)
                for t, kind, action in zip(times, scraped, actions, strict=True)
                if kind == OK
            ]
            lifetime = draw(st.sampled_from([0, 0, 30, 20_000]), label="lifetime")
            samples = _values(seen, lifetime)
            for after, more in ((False, {}), (True, {"team": "x"})):
                there = [(t, value) for t, value in samples if (t >= at) == after]
                if there:
                    history.counter(TOTAL, there, instance=instance, code=code, **more)
    return availability(history)


def _each(values: st.SearchStrategy, size: int) -> st.SearchStrategy[list]:
    return st.lists(values, min_size=size, max_size=size)


_action = st.one_of(
    st.just(0),
    st.integers(1, 50),
    st.sampled_from(["absent", "reset to 0", "reset to 3"]),
)


def _values(seen: Sequence[tuple[float, int | str]], lifetime: int) -> list[tuple[float, float]]:
    """A counter's samples: it grows, starts again from zero, or is not in the scrape."""
    value, samples = float(lifetime), []
    for t, action in seen:
        if action == "absent":
            continue
        value = float(str(action).removeprefix("reset to ")) + (
            value if isinstance(action, int) else 0
        )
        samples.append((t, value))
    return samples
