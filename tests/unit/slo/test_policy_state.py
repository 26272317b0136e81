"""The state machine of tiers: what a budget and burn rates make of the tier that is there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.slo.policy import DEFAULT_POLICY, BurnRate, Gate, Policy, Tier
from exporter.slo.policy_state import PolicyState, worsened_at
from exporter.slo.records import KEPT, Acknowledgement, Incident, TierChange

HOUR = 3_600
T = 1_700_000_100
FAST = Policy(
    "fast",
    (
        Tier("normal", 0.5, Gate.ALLOW, ""),
        Tier("slow", 0.25, Gate.CAUTION, "", burn_rate=BurnRate(HOUR, 6.0)),
        Tier("stop", float("-inf"), Gate.BLOCK, "", burn_rate=BurnRate(HOUR, 14.4)),
    ),
)


def in_tier(name: str, since: int, policy: Policy = DEFAULT_POLICY) -> PolicyState:
    return PolicyState((TierChange(since, "normal", name, policy.name, 0.0),))


TABLE = [
    # from, hours there, budget left -> to
    ("normal", 0, 0.50, "slow_down"),
    ("normal", 0, 0.5000001, "normal"),
    ("normal", 0, 0.10, "incident"),
    ("normal", 0, -3.0, "exhausted"),
    ("slow_down", 0, 0.25, "freeze"),
    ("slow_down", 9, 0.51, "slow_down"),
    ("slow_down", 9, 0.52, "slow_down"),
    ("slow_down", 9, 0.521, "normal"),
    ("slow_down", 0.999, 0.9, "slow_down"),
    ("slow_down", 1, 0.9, "normal"),
    ("freeze", 9, 0.26, "freeze"),
    ("freeze", 9, 0.28, "slow_down"),
    ("freeze", 9, 0.51, "slow_down"),
    ("freeze", 9, 1.0, "normal"),
    ("exhausted", 9, 0.01, "exhausted"),
    ("exhausted", 9, 0.03, "incident"),
    ("exhausted", 0.5, 0.03, "exhausted"),
    ("gone", 9, 0.4, "slow_down"),
    ("gone", 0, 0.4, "slow_down"),
]
"""`gone` is a tier that the policy no longer has: the figures alone decide, at once."""


@pytest.mark.parametrize(("before", "hours", "left", "after"), TABLE)
def test_where_a_budget_leads(before, hours, left, after):
    """Worse at once; better after the stay, and above the margin."""
    now = int(T + hours * HOUR)
    found = in_tier(before, T).moved(DEFAULT_POLICY, now, left, {})
    assert found.changes[-1].after == after
    if before != after:
        assert found.changes[-1] == TierChange(now, before, after, "default", left)
    else:
        assert found == in_tier(before, T)


def test_the_first_tier_is_that_of_the_figures():
    """Nothing is there to hold it."""
    [first] = PolicyState().moved(DEFAULT_POLICY, T, 0.2, {}).changes
    assert first == TierChange(T, None, "freeze", "default", 0.2)


@pytest.mark.parametrize(
    ("before", "left", "rate", "after", "burned"),
    [
        ("normal", 0.9, 6.1, "slow", 6.1),
        ("normal", 0.9, 6.0, "normal", None),
        ("normal", 0.9, 20.0, "stop", 20.0),
        ("normal", 0.4, 6.1, "slow", None),
        ("normal", 0.9, None, "normal", None),
        ("stop", 0.9, 14.5, "stop", None),
        ("stop", 0.9, 7.0, "slow", 7.0),
        ("stop", 0.9, 1.0, "normal", None),
        ("slow", 0.9, None, "normal", None),
    ],
)
def test_a_burn_rate_raises_a_tier_early(before, left, rate, after, burned):
    """The change tells which rate did, and that the budget alone would not have."""
    found = in_tier(before, T, FAST).moved(FAST, T + 2 * HOUR, left, {HOUR: rate}).changes[-1]
    assert found.after == after
    if after != before:
        assert (found.window, found.burn_rate) == ((HOUR, burned) if burned else (None, None))


@pytest.mark.parametrize("above", [0.99, 0.999])
def test_an_untouched_budget_always_recovers(above):
    """A margin beyond 100% would hold a tier for ever."""
    strict = Policy(
        "strict",
        (Tier("fine", above, Gate.ALLOW, ""), Tier("bad", float("-inf"), Gate.BLOCK, "")),
    )
    held = in_tier("bad", T, strict)
    assert held.moved(strict, T + HOUR, 0.99999, {}) == held
    assert held.moved(strict, T + HOUR, 1.0, {}).changes[-1].after == "fine"


def test_margin_and_stay_may_be_none():
    """Then tiers follow the budget."""
    plain = replace(DEFAULT_POLICY, recover_margin=0.0, min_stay=0)
    assert in_tier("freeze", T).moved(plain, T + 1, 0.2500001, {}).changes[-1].after == "slow_down"
    assert in_tier("freeze", T).moved(plain, T + 1, 0.25, {}) == in_tier("freeze", T)


def test_changes_are_kept_for_a_year():
    """And no longer; the newest one always."""
    old = in_tier("slow_down", T - KEPT)
    found = old.moved(DEFAULT_POLICY, T, 0.2, {})
    assert [change.after for change in found.changes] == ["freeze"]
    assert found.changes[0].before == "slow_down"


def test_what_a_clock_that_was_ahead_told_is_forgotten():
    """Changes and incidents of the time to come."""
    policy_state = PolicyState(
        (*in_tier("freeze", T).changes, *in_tier("incident", T + 60).changes),
        (Incident(T - 600, T, 1, 0.1, open=False), Incident(T, T + 60, 1, 0.1, open=True)),
    )
    found = policy_state.until(T)
    assert [change.after for change in found.changes] == ["freeze"]
    assert [incident.end for incident in found.incidents] == [T]


def test_only_what_requires_a_postmortem_is_acknowledged():
    """A mistaken start is told, and changes nothing."""
    word = Acknowledgement(T, "jane", "there")
    small = Incident(T - 600, T - 300, 1, 0.1, open=False)
    large = Incident(T - 100, T, 1, 0.3, open=False, postmortem=True)
    policy_state = PolicyState((), (small, large))
    assert policy_state.acknowledged(T - 600, word) is None
    assert policy_state.acknowledged(T - 99, word) is None
    assert policy_state.acknowledged(T - 100, word) == PolicyState(
        (), (small, replace(large, acknowledged=word))
    )


@pytest.mark.parametrize(
    ("before", "after", "worse"),
    [
        ("normal", "freeze", True),
        ("exhausted", "freeze", False),  # it has become better
        (None, "freeze", False),  # nothing tells what was before
        ("gone", "freeze", False),  # the policy no longer has it
    ],
)
def test_when_a_tier_worsened(before, after, worse):
    """By the newest change alone."""
    old = TierChange(T - HOUR, "normal", "slow_down", "default", 0.4)
    newest = TierChange(T, before, after, "default", 0.2)
    assert worsened_at(DEFAULT_POLICY, (old, newest)) == (T if worse else None)
    assert worsened_at(DEFAULT_POLICY, ()) is None
