"""Whether free PromQL gives rates or counts: told by its functions, or else by the user."""

from __future__ import annotations

import pytest

from exporter.prometheus.units import UnitError, covered, seconds_covered


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("sum(rate(a[$window]))", 1),
        ("irate(a[$window])", 1),
        ("deriv(a[$window])", 1),
        ("my:errors:rate5m", 1),
        ("my:errors:rate$window", 1),
        ("my:errors:increase1h", 3_600),
        ("increase(a[$window])", 120),
        ("increase(a[1h])", 3_600),
        ("increase(a[$window] offset 5m)", 120),
        ("sum by (b) (increase(a[$window])) + increase(c[$window])", 120),
        ("-(increase(a[$window]))", 120),
        ("delta(a[$window]) or vector(0)", 120),
        ("changes(a[$window])", 120),
        ("resets(a[$window])", 120),
        ("clamp_min(sum(increase(a[$window])), 0)", 120),
        ("sum(count_over_time(a[$window]))", 120),
        ("(sum(sum_over_time(a[$window])))", 120),
        ("count_over_time((a > 1)[$window:30s])", 120),
        ("max_over_time(increase(a[$window])[1h:])", 120),
        ("quantile_over_time(0.9, my:errors:rate5m[$window])", 1),
        ("histogram_count(sum(rate(h[$window])))", 1),
        ("rate(a[$window]) * on (pod) group_left () kube_pod_labels", 1),
        ("kube_pod_labels * rate(a[$window])", 1),
        ("rate(a[$window]) + 0.5 * rate(b[$window])", 1),
        ("rate(a[$window]) unless on () maintenance", 1),
        ("rate(a[$window]) > 0", 1),
        ("topk(3, rate(a[$window]))", 1),
        # No function tells, or it is a pure number.
        ("a", None),
        ("errors_rate5m", None),
        ("my:errors:rate5xx", None),
        ("my:errors:increase4xx", None),
        ("count(a)", None),
        ("sum(a) * 3", None),
        ("a * b", None),
        ("idelta(a[$window])", None),
        ("avg_over_time(a[$window])", None),
        ("sum_over_time(my:errors:rate5m[$window])", 120),
        ("sum_over_time(rate(a[5m])[$window:30s])", None),
        ("rate(a[$window]) > bool 0", None),
        ("rate(a[$window]) / rate(b[$window])", None),
        ("rate(a[$window]) * rate(b[$window])", None),
        ("rate(a[$window]) + b", None),
        ("vector(1)", None),
    ],
)
def test_what_the_functions_tell(text, seconds):
    """The seconds that a value counts over: 1 for a rate, None where nothing tells."""
    assert seconds_covered(text, 120) == seconds


RATE, INCREASE = "sum(rate(a[$window]))", "sum(increase(a[$window]))"


@pytest.mark.parametrize(
    ("total", "bad", "unit", "seconds"),
    [
        (RATE, RATE, None, 1),
        (INCREASE, INCREASE, None, 60),
        (RATE, RATE, "per_second", 1),
        (RATE, f"{RATE} or vector(0)", None, 1),
        ("a", "b", "per_second", 1),
        ("a", "b", "per_window", 60),
        ("a", INCREASE, "per_window", 60),
        (f"60 * {RATE}", f"60 * {RATE}", "per_window", 60),
    ],
)
def test_the_sides_have_one_unit(total, bad, unit, seconds):
    """By the functions or by what the user says."""
    assert covered({"total": total, "bad": bad}, 60, unit) == seconds


@pytest.mark.parametrize(
    ("total", "bad", "unit", "message"),
    [
        (
            INCREASE,
            RATE,
            None,
            "has two units: total is a count over 1m, bad is a rate per second; use the same "
            "function in both",
        ),
        (
            INCREASE,
            RATE,
            "per_second",
            "has two units: total is a count over 1m, bad is a rate per second; use the same "
            "function in both",
        ),
        (
            f"{RATE} + {INCREASE}",
            RATE,
            None,
            "total adds up a rate per second and a count over 1m: use the same function throughout",
        ),
        (
            RATE,
            "a",
            None,
            "needs unit: per_second or unit: per_window, as the functions of bad do not tell "
            "whether its value is a rate per second or a count over $window",
        ),
        (INCREASE, "a", "per_second", "has unit: per_second, but total is a count over 1m"),
    ],
)
def test_what_is_not_one_unit_is_refused(total, bad, unit, message):
    """The message names the side and what it is."""
    with pytest.raises(UnitError) as caught:
        covered({"total": total, "bad": bad}, 60, unit)
    assert str(caught.value) == message
