"""Incidents: which bad slots are of one, and what it took of the budget."""

from __future__ import annotations

from dataclasses import replace

from exporter.slo.incidents import LEAST, PAUSE, BadSlot, awaited, closed, extended, of_period
from exporter.slo.records import KEPT, Acknowledgement, Incident

T = 1_700_000_100
BUDGET = 1_000.0


def bad(at: int, events: float = 50.0, budget: float = BUDGET) -> BadSlot:
    """A bad slot of five minutes that begins `at` seconds after T."""
    return BadSlot(T + at, T + at + 300, events, budget)


def after(*slots: BadSlot, above: float = 0.20) -> tuple[Incident, ...]:
    found: tuple[Incident, ...] = ()
    for slot in slots:
        found = extended(found, slot, above)
    return found


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
    assert [one.start for one in closed(extended((old,), much_later, 0.2), T + 3 * KEPT)] == [
        old.start,
        much_later.start,
    ]
    assert [one.start for one in closed(extended((known,), much_later, 0.2), T + 3 * KEPT)] == [
        much_later.start
    ]


def test_those_of_the_period_are_shown():
    """And older ones that await a postmortem; one that is still too small is not."""
    small, old, large = (
        Incident(T, T + 300, 1, 0.001, open=True),
        Incident(T - 900, T - 600, 1, 0.1, open=False),
        Incident(T - 1800, T - 1500, 1, 0.3, open=False, postmortem=True),
    )
    assert of_period((large, old, small), T - 1000) == (large, old)
    assert of_period((large, old, small), T - 600) == (large,)
