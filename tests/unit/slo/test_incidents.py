"""Incidents: which bad slots are of one, and what it took of the budget."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from exporter.slo.incidents import LEAST, PAUSE, BadSlots, awaited, closed, extended, of_period
from exporter.slo.records import KEPT, Acknowledgement, Incident

T = 1_700_000_100
BUDGET = 1_000.0

Slot = tuple[int, int, float, float, float, int]
"""Start, end, bad events, the period's budget, the highest error ratio, how far times are off."""


def bad(at: int, events: float = 50.0, budget: float = BUDGET, peak: float = 0.5) -> Slot:
    """A bad slot of five minutes that begins `at` seconds after T."""
    return T + at, T + at + 300, events, budget, peak, 0


def together(*slots: Slot) -> BadSlots:
    columns = zip(*slots, strict=True) if slots else ((),) * 6
    kinds = (np.int64, np.int64, float, float, float, np.int64)
    return BadSlots(*(np.array(each, kind) for each, kind in zip(columns, kinds, strict=True)))


def after(*slots: Slot, above: float = 0.20) -> tuple[Incident, ...]:
    return extended((), together(*slots), above)


def one_by_one(
    incidents: tuple[Incident, ...], slots: list[Slot], above: float
) -> tuple[Incident, ...]:
    """What incidents are, slot by slot: the definition that `extended` is held to."""
    for start, end, events, budget, peak, about in slots:
        incidents = closed(incidents, start)
        before = incidents[-1] if incidents and incidents[-1].open else None
        total = events + (before.bad if before else 0.0)
        incident = Incident(
            start=before.start if before else start,
            end=end,
            bad=total,
            share=total / budget,
            open=True,
            postmortem=total / budget > above or bool(before and before.postmortem),
            acknowledged=before.acknowledged if before else None,
            peak_error_ratio=max(before.peak_error_ratio, peak) if before else peak,
            start_about=before.start_about if before else about,
            end_about=about,
        )
        incidents = (*(incidents[:-1] if before else incidents), incident)
    return incidents


def random_slots(chance: np.random.Generator, count: int) -> list[Slot]:
    """Slots with pauses of all lengths between them: most below PAUSE, some of months."""
    slots, at = [], 0
    for _ in range(count):
        at += int(chance.choice([0, 0, 0, 300, PAUSE, PAUSE + 1, 7_200, KEPT // 3]))
        length = int(chance.choice([300, 3_600]))
        events = float(chance.choice([0.1, 1.7, 9.99, 10.0, 60.3, 250.0]))
        budget, peak = float(chance.choice([BUDGET, 900.7])), float(chance.random())
        about = 0 if length == 300 else length
        slots.append((T + at, T + at + length, events, budget, peak, about))
        at += length
    return slots


@pytest.mark.parametrize("seed", range(50))
def test_many_slots_at_once_are_what_they_are_one_by_one(seed):
    """However they are cut, and whether an incident was under way, to the last bit."""
    chance = np.random.default_rng(seed)
    slots = random_slots(chance, int(chance.integers(1, 80)))
    first = int(chance.integers(0, len(slots) + 1))
    before = one_by_one((), slots[:first], 0.2)
    if before and chance.random() < 0.5:
        word = Acknowledgement(float(T), "jane", "")
        before = (*before[:-1], replace(before[-1], acknowledged=word))
    expected = one_by_one(before, slots[first:], 0.2)
    assert extended(before, together(*slots[first:]), 0.2) == expected
    assert extended((), together(*slots), 0.2) == one_by_one((), slots, 0.2)


def test_a_spell_is_from_its_first_to_its_last_bad_slot():
    """A short pause is part of it, but not what failed in it."""
    [one] = after(bad(0), bad(300), bad(600 + PAUSE))
    assert (one.start, one.end) == (T, T + 900 + PAUSE)
    assert (one.bad, one.share, one.open) == (150.0, 0.15, True)


def test_a_longer_pause_ends_it():
    """By a second."""
    first, second = after(bad(0), bad(301 + PAUSE))
    assert (first.start, first.end, first.open) == (T, T + 300, False)
    assert (second.start, second.open) == (T + 301 + PAUSE, True)
    assert closed((second,), second.end + PAUSE) == (second,)
    assert closed((second,), second.end + PAUSE + 1) == (replace(second, open=False),)


def test_small_ones_are_forgotten_when_they_are_over():
    """A share of 1% is not small."""
    [small], [just] = after(bad(0, 9.99)), after(bad(0, BUDGET * LEAST))
    assert closed((small,), T + 9_000) == ()
    assert closed((just,), T + 9_000) == (replace(just, open=False),)


def test_more_than_a_fifth_of_the_budget_requires_a_postmortem():
    """Also when traffic that grows makes the share smaller again."""
    assert not after(bad(0, 200.0))[0].postmortem
    assert after(bad(0, 200.1))[0].postmortem
    assert after(bad(0, 200.1), bad(300, 1.0, budget=2 * BUDGET))[0].postmortem
    assert after(bad(0, 101.0), above=0.1)[0].postmortem


def test_a_postmortem_is_awaited_until_it_is_acknowledged():
    """However long ago the incident was."""
    [old] = closed(after(bad(0, 300.0)), T + 9_000)
    known = replace(old, acknowledged=Acknowledgement(T, "jane", ""))
    assert (awaited(old), awaited(known)) == (True, False)
    much_later = bad(2 * KEPT)
    assert [
        each.start for each in closed(extended((old,), together(much_later), 0.2), T + 3 * KEPT)
    ] == [
        old.start,
        much_later[0],
    ]
    assert [
        each.start for each in closed(extended((known,), together(much_later), 0.2), T + 3 * KEPT)
    ] == [much_later[0]]


def test_those_of_the_period_are_shown():
    """And older ones that await a postmortem; one that is still too small is not."""
    small, old, large = (
        Incident(T, T + 300, 1, 0.001, open=True),
        Incident(T - 900, T - 600, 1, 0.1, open=False),
        Incident(T - 1800, T - 1500, 1, 0.3, open=False, postmortem=True),
    )
    assert of_period((large, old, small), T - 1000) == (large, old)
    assert of_period((large, old, small), T - 600) == (large,)
