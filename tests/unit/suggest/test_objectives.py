"""The objective that a past has met, as people say it; and when there is none."""

import pytest

from exporter.suggest.candidates import Candidate
from exporter.suggest.gauges import usual_bound
from exporter.suggest.objectives import Past, Skipped, suggest
from exporter.suggest.thresholds import thresholds

DAY = 86_400
HOUR = 3_600


def candidate(bounds=(), **more):
    """One of as many ways as it has bounds."""
    slis = tuple({"events": {"total": f"t{n}"}} for n in range(max(1, len(bounds))))
    return Candidate("cart", "availability", slis, "kind", "metric_total", bounds=bounds, **more)


def past(bad, total, known=30 * DAY, **more):
    """What was counted of one."""
    return Past(bad, total, known, **({"groups": {}} | more))


def chosen(*pasts, of=None, least=DAY):
    """What is suggested: the objective, or why none is."""
    found = suggest(of or candidate(), [[each] for each in pasts], 30 * DAY, least)
    return found.why if isinstance(found, Skipped) else found.objective


@pytest.mark.parametrize(
    ("bad", "total", "objective"),
    [
        (600, 1_000_000, "99.9"),
        (900, 1_000_000, "99.9"),
        (950, 1_000_000, "99.5"),
        (1_001, 1_000_000, "99.5"),
        (20, 1_000_000, "99.99"),
        (0, 1_000_000, "99.9"),
        (30_000, 1_000_000, "95"),
        (80_000, 1_000_000, "90"),
        # The budget has to allow ten failures.
        (1, 20_000, "99.95"),
        (1, 6_000, "99.5"),
        # What has never failed must have been able to.
        (0, 2_999, "99.5"),
        (0, 31, "90"),
    ],
)
def test_the_strictest_objective_that_was_met(bad, total, objective):
    """With a tenth of its budget to spare."""
    known = 30 * DAY if total > 100 else DAY
    assert chosen(past(bad, total, known)) == objective


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (past(None, None), "no traffic in the last 30d"),
        (past(0, 0), "no traffic in the last 30d"),
        (past(None, None, problem="refused: too many samples"), "refused: too many samples"),
        (past(1, 1e6, 2 * HOUR), "too little history: 2h of it is known, and 1d is the least"),
        (past(1, 1e6, 5), "too little history: next to none of it is known"),
        (past(0, 16), "too little traffic: 16 requests in 30d, of which 0 failed"),
        (past(5e5, 1e6), "50% of its requests failed: look into it first"),
    ],
)
def test_why_there_is_none(found, why):
    """In words that tell what to do."""
    assert chosen(found).startswith(why)


def test_the_strictest_threshold_that_keeps_99_percent_is_taken():
    """Else the one that keeps most."""
    of = candidate(("100ms", "250ms", "500ms"))
    slow, better, best = past(40_000, 1e6), past(4_000, 1e6), past(40, 1e6)
    assert suggest(of, [[slow], [better], [best]], 30 * DAY, DAY).bound == "250ms"
    assert suggest(of, [[slow], [past(30_000, 1e6)], [slow]], 30 * DAY, DAY).bound == "100ms"
    assert suggest(of, [[past(2e5, 1e6)], [better], [best]], 30 * DAY, DAY).bound == "250ms"


def test_groups_have_one_objective_which_all_but_the_lost_ones_meet():
    """A target that is gone is left out of the SLO, and said."""
    probe = Candidate(
        "blackbox", "availability", ({"probe": {"selector": 'probe_success{job="b"}'}},),
        "kind", "probe_success", what="probes", group_by=("instance",),
    )  # fmt: skip
    several = [
        past(10, 1e5, groups={"instance": "a"}),
        past(300, 1e5, groups={"instance": "b"}),
        past(1e5, 1e5, groups={"instance": "c"}),
    ]
    found = suggest(probe, [several], 30 * DAY, DAY)
    assert found.objective == "99.5"
    assert found.missing == ("c (100% failed)",)
    assert found.sli == {"probe": {"selector": 'probe_success{job="b",instance!="c"}'}}


def test_saturation_is_never_promised_to_the_minute():
    """It hurts nobody by itself."""
    of = candidate(("80%",), timed=True)
    assert chosen(past(1, 30 * DAY), of=of) == "99.9"


@pytest.mark.parametrize(
    ("values", "seconds", "bound"),
    [
        ([0.0] * 100, False, 100),
        ([700.0] * 100, False, 1_000),
        ([1.0] * 50 + [3_000.0] * 50, False, 5_000),
        ([900.0] * 100, False, 2_000),
        ([1.0] * 995 + [9e9] * 5, False, 100),
        ([3_500.0] * 100, True, 2 * HOUR),
        ([DAY - 60.0] * 100, True, 26 * HOUR),
        ([7.0 * DAY] * 100, True, 8 * DAY),
        ([90.0 * DAY] * 100, True, None),
    ],
)
def test_bounds_are_round_and_just_above_what_is_usual(values, seconds, bound):
    """A daily batch has two hours to run late."""
    assert usual_bound(values, seconds=seconds) == bound


@pytest.mark.parametrize(
    ("within", "unit", "expected"),
    [
        ({"0.1": 50, "0.25": 98, "0.5": 99.5, "1.0": 100, "+Inf": 100}, 1.0, [0.5, 1.0]),
        ({"100": 50, "250": 98, "500": 99.5, "1000": 100, "+Inf": 100}, 1e-3, [500.0, 1000.0]),
        # Nobody notices what is faster than a tenth of a second.
        ({"0.005": 100, "0.1": 100, "0.2": 100, "0.3": 100, "0.5": 100, "+Inf": 100}, 1.0,
         [0.1, 0.2, 0.3]),
        # None holds 99%: the largest are measured.
        ({"0.1": 1, "0.2": 2, "0.3": 3, "0.5": 4, "+Inf": 100}, 1.0, [0.2, 0.3, 0.5]),
        ({"0.01": 99, "0.05": 100, "+Inf": 100}, 1.0, [0.05]),
        ({"+Inf": 100}, 1.0, []),
        ({}, 1.0, []),
        ({"0.1": 0, "1.0": 0, "+Inf": 0}, 1.0, [0.1, 1.0]),
    ],
)  # fmt: skip
def test_thresholds_are_bounds_that_exist(within, unit, expected):
    """The first is the strictest that holds 99%."""
    assert thresholds(within, unit) == expected
