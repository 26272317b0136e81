"""Which free queries are recognised as sums of counters, and which are not."""

from __future__ import annotations

import pytest

from exporter.prometheus.rates import recognise

NO_GROUPS: tuple[str, ...] = ()


def terms(text: str, group_by: tuple[str, ...] = NO_GROUPS) -> list[str] | None:
    """The counters as `+a`, `-b`; None if the query is not recognised."""
    found = recognise(text, group_by)
    if found is None:
        return None
    return [f"{'+' if term.sign > 0 else '-'}{term.selector}" for term in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sum(rate(a[$window]))", ["+a"]),
        ("sum(increase(a[$window]))", ["+a"]),
        ("sum by () (rate(a[$window]))", ["+a"]),
        ("sum(rate(a[$window])) by ()", ["+a"]),
        ('sum(rate(a{code=~"5..",b!="c"}[$window]))', ['+a{b!="c",code=~"5.."}']),
        ('sum(rate({__name__="a.b"}[$window]))', ['+{__name__="a.b"}']),
        ("( (sum((rate(a[$window]))) ) )", ["+a"]),
        ("sum(rate(a[$window])) + sum(rate(b[$window]))", ["+a", "+b"]),
        ("sum(rate(a[$window])) - sum(rate(b[$window]))", ["+a", "-b"]),
        (
            "sum(rate(a[$window])) - (sum(rate(b[$window])) - sum(rate(c[$window])))",
            ["+a", "-b", "+c"],
        ),
        (
            "sum(rate(a[$window])) - sum(rate(b[$window])) - sum(rate(c[$window]))",
            ["+a", "-b", "-c"],
        ),
    ],
)
def test_sums_of_rates_are_recognised(text, expected):
    """With their signs, in order."""
    assert terms(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "rate(a[$window])",  # not summed: one series only by luck
        "a",
        "42",
        "sum(a)",
        "sum(rate(a[5m]))",  # a window of its own
        "sum(rate(a[$window:30s]))",
        "sum(rate(a[$window] offset 5m))",
        "sum(rate(a[$window] @ 100))",
        "sum(irate(a[$window]))",
        "sum(delta(a[$window]))",
        "sum(sum_over_time(a[$window]))",
        "avg(rate(a[$window]))",
        "max(rate(a[$window]))",
        "count(rate(a[$window]))",
        "sum by (region) (rate(a[$window]))",
        "sum without (region) (rate(a[$window]))",
        "sum(rate(a[$window]) > 0)",
        "sum(rate(a[$window])) > 0",
        "sum(rate(a[$window])) * 2",
        "2 * sum(rate(a[$window]))",
        "sum(rate(a[$window])) / sum(rate(b[$window]))",
        "-sum(rate(a[$window]))",
        "sum(rate(a[$window])) + 1",
        "sum(rate(a[$window])) or vector(0)",
        "sum(rate(a[$window])) + on () sum(rate(b[$window]))",
        "sum(rate(a[$window])) unless sum(rate(b[$window]))",
        "clamp_min(sum(rate(a[$window])), 0)",
        "sum(rate(a[$window])) + avg(rate(b[$window]))",
        "topk(1, rate(a[$window]))",
    ],
)
def test_anything_else_is_not(text):
    """What means something else than counting must be evaluated as it stands."""
    assert terms(text) is None


class TestGroups:
    @pytest.mark.parametrize(
        "text",
        [
            "sum by (region, tenant) (rate(a[$window]))",
            "sum by (tenant, region) (rate(a[$window]))",
            "sum(rate(a[$window])) by (region, tenant)",
        ],
    )
    def test_labels_that_are_the_slos_own_are_recognised(self, text):
        """In any order."""
        assert terms(text, ("region", "tenant")) == ["+a"]

    @pytest.mark.parametrize(
        "text",
        [
            "sum(rate(a[$window]))",
            "sum by (region) (rate(a[$window]))",
            "sum by (region, tenant, code) (rate(a[$window]))",
            "sum without (region, tenant) (rate(a[$window]))",
            "sum by (region, tenant) (rate(a[$window])) + sum(rate(b[$window]))",
        ],
    )
    def test_other_labels_are_not(self, text):
        """The groups would not be those that the query says."""
        assert terms(text, ("region", "tenant")) is None


def test_what_is_no_promql_is_told():
    """In the parser's words."""
    with pytest.raises(ValueError, match="unclosed left parenthesis"):
        recognise("sum(rate(a[$window])", ())
