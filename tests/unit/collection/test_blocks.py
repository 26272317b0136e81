"""SLOs that are counted together have the counts that they have one by one."""

from __future__ import annotations

from dataclasses import replace
from math import inf, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.slo.maintenance import one_off
from exporter.slo.model import EventsSli, LatencySli, ProbeSli, RatioSli
from tests.helpers.evaluation.counted import START, count, counts
from tests.helpers.evaluation.fake_prometheus import FakePrometheus
from tests.helpers.samples import slo

pytestmark = pytest.mark.lengthy

SLIS = {
    "bad": lambda i: EventsSli(f"all{i}_total", bad=f"all{i}_total{{code='5'}}"),
    "good": lambda i: EventsSli(f"all{i}_total", good=f"part{i}_total"),
    "latency": lambda i: LatencySli(f"h{i}", 0.5),
    "probe": lambda i: ProbeSli(f"up{i}"),
    "ratio": lambda i: RatioSli(error=f"ratio{i}"),
}
VALUES = st.none() | st.sampled_from([0.0, 3.0, 30.0, 29.5, 1e6, -5.0, nan, inf, 1e308])


@pytest.mark.parametrize("kind", SLIS)
@settings(max_examples=15)
@given(data=st.data())
def test_together_as_one_by_one(kind, data):
    """Whatever the answers are: unknown slots, odd ones, figures that cannot be."""
    slos = [slo(name=f"slo{i}", sli=SLIS[kind](i)) for i in range(4)]
    fake = FakePrometheus({})
    told = {
        n: data.draw(st.lists(VALUES, min_size=4, max_size=4), label=str(n)) for n in range(3 * 4)
    }

    def answers(number):
        return lambda _, end: told[number][(end - START) // 30 - 1]

    keys = {
        "bad": ("all{}_total", 'all{}_total{{code="5"}}'),
        "good": ("all{}_total", "part{}_total"),
        "latency": ("h{}_count", r'h{}_bucket{{le=~"0\\.5"}}', "count_over_time(h{}["),
        "probe": ("(count_over_time(up{}[", "(sum_over_time(up{}["),
        "ratio": ("sum_over_time((avg by () ((ratio{})", "count_over_time((avg by () ((ratio{})"),
    }[kind]
    for i in range(4):
        for place, key in enumerate(keys):
            # Nearly no histogram has native series.
            if place < 2 or told[3 * i + place][0] == 3.0:
                fake.counters[key.format(i)] = answers(3 * i + place)
    together = count(fake, slos)
    for i, one in enumerate(slos):
        alone = _one_by_one(fake, one)
        assert _figures(together[i]) == _figures(alone)


def _one_by_one(fake, one):
    """An SLO with a maintenance window, one long over, is not counted with others."""
    [found] = count(fake, [replace(one, maintenance=(one_off("long ago", 0, 1),))]).values()
    return found


def _figures(answer):
    if not isinstance(answer, dict):
        return str(answer)
    return [counts(answer, group) for group in answer if np.any(answer[group].slots.known)]
