"""How many SLOs one query asks for."""

from __future__ import annotations

import pytest

from exporter.collection.batches import WRAPPING, Limits, Size, Written, cut, size_of
from exporter.collection.planner import Kind
from exporter.prometheus.promql import QueryContext
from exporter.prometheus.questions import counter
from exporter.prometheus.selectors import parse_selector
from exporter.slo.types import SloIndex

CONTEXT = QueryContext((), slot=30, interval=30, lookback=60, closed=True)
NAMES = ("all", "bad")


def sizes(selector: str) -> dict[SloIndex, Size]:
    """Those of a hundred SLOs of two counters each; `{0}` is their names, `{1}` their numbers."""
    written: dict[Kind, Written] = {}
    return {
        SloIndex(n): size_of(
            [(counter(parse_selector(selector.format(name, n))), CONTEXT) for name in NAMES],
            1,
            written,
        )
        for n in range(100)
    }


@pytest.mark.parametrize(("slots", "slos"), [(1, 32), (2, 22), (16, 8), (289, 2), (5_000, 2)])
def test_the_more_slots_the_fewer_expressions(slots, slos):
    """Prometheus 2 goes through all expressions before one at each of its steps."""
    groups = cut(sizes("{0}_{1}"), Limits.of(slots, chars=1_000_000))
    assert max(map(len, groups)) == slos
    assert sorted(sum(groups, ())) == list(range(100))


def test_alike_ones_share_their_expressions():
    """However many there are, they are two expressions: only points count."""
    assert len(cut(sizes('{0}{{service="{1}"}}'), Limits.of(100, chars=1_000_000))) == 1


def test_a_question_is_as_long_as_its_text():
    """Though one of each kind alone is put into words."""
    for n, size in sizes('{0}{{service="s{1}",zone="z",code=~"5.."}}').items():
        texts = [
            counter(parse_selector(f'{name}{{service="s{n}",zone="z",code=~"5.."}}')).text(CONTEXT)
            for name in NAMES
        ]
        assert size.chars == sum(map(len, texts)) + 2 * WRAPPING
