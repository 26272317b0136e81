"""The default policy: which remaining budget falls into which tier."""

from __future__ import annotations

from math import inf, nextafter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.slo.policy import DEFAULT_POLICY, BurnRate, Gate, Policy, Tier


@pytest.mark.parametrize(
    ("remaining", "name"),
    [
        (1.0, "normal"),
        (nextafter(0.5, 1), "normal"),
        (0.5, "slow_down"),
        (nextafter(0.25, 1), "slow_down"),
        (0.25, "freeze"),
        (nextafter(0.1, 1), "freeze"),
        (0.1, "incident"),
        (nextafter(0.0, 1), "incident"),
        (0.0, "exhausted"),
        (-0.0, "exhausted"),
        (nextafter(0.0, -1), "exhausted"),
        (-999.0, "exhausted"),
        (-inf, "exhausted"),
    ],
)
def test_the_tier_of_a_remaining_budget(remaining, name):
    """A threshold itself belongs to the worse tier."""
    assert DEFAULT_POLICY.tier(remaining, {}).name == name


def test_the_default_policy_is_the_designs_table():
    """Names, gates and guidance in order from best to worst."""
    found = [(tier.name, tier.gate, tier.guidance) for tier in DEFAULT_POLICY.tiers]
    assert found == [
        ("normal", Gate.ALLOW, "normal development velocity, feature releases allowed"),
        ("slow_down", Gate.CAUTION, "slow feature releases down, prioritise reliability"),
        ("freeze", Gate.BLOCK, "feature freeze, work on the SLO"),
        ("incident", Gate.BLOCK, "incident declared, all hands on reliability"),
        (
            "exhausted",
            Gate.BLOCK,
            "freeze at once, roll back recent changes, root-cause analysis, notify the executives",
        ),
    ]
    assert DEFAULT_POLICY.name == "default"


def test_severity_counts_from_the_best_tier():
    """0 is the best one, and each further one is worse."""
    found = [DEFAULT_POLICY.severity(tier) for tier in DEFAULT_POLICY.tiers]
    assert found == [0, 1, 2, 3, 4]


@given(st.floats(-1e6, 1), st.floats(-1e6, 1))
def test_less_budget_never_means_a_better_tier(one, other):
    """The tiers are ordered as the budgets are."""
    less, more = sorted((one, other))
    worse, better = (
        DEFAULT_POLICY.severity(DEFAULT_POLICY.tier(each, {})) for each in (less, more)
    )
    assert worse >= better


def test_the_last_tier_takes_every_value_left():
    """A policy whose last threshold is not -inf still has a tier for everything."""
    policy = Policy("own", (Tier("fine", 0.2, Gate.ALLOW, ""), Tier("bad", 0.1, Gate.BLOCK, "")))
    assert [policy.tier(each, {}).name for each in (0.3, 0.15, 0.1, -5)] == [
        "fine",
        "bad",
        "bad",
        "bad",
    ]


BURNING = Policy(
    "burning",
    (
        Tier("fine", 0.5, Gate.ALLOW, ""),
        Tier("poor", 0.2, Gate.CAUTION, "", burn_rate=BurnRate(3600, 6)),
        Tier("bad", float("-inf"), Gate.BLOCK, "", burn_rate=BurnRate(300, 20)),
    ),
)


@pytest.mark.parametrize(
    ("remaining", "rates", "name"),
    [
        (0.9, {}, "fine"),
        (0.9, {3600: 6.0}, "fine"),
        (0.9, {3600: 6.1}, "poor"),
        (0.9, {3600: None, 300: None}, "fine"),
        (0.9, {3600: 6.1, 300: 20.1}, "bad"),
        (0.9, {300: 20.1}, "bad"),
        (0.9, {300: 6.1}, "fine"),
        (0.1, {3600: 6.1}, "bad"),
    ],
)
def test_a_burn_rate_puts_a_tier_in_force_early(remaining, rates, name):
    """The worse of what is left and of how fast it burns; what is not known raises nothing."""
    assert BURNING.tier(remaining, rates).name == name


def test_gates_decide_between_tiers_of_two_policies():
    """A policy of two tiers may block where one of five is still cautious in its third."""
    long = tuple(Tier(str(i), -i, Gate.CAUTION, "") for i in range(5))
    short = (Tier("a", 0.5, Gate.ALLOW, ""), Tier("b", 0.0, Gate.BLOCK, ""))
    assert Policy("short", short).badness(short[1]) > Policy("long", long).badness(long[3])
