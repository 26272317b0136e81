"""Whatever Prometheus answers: it is counted, or it is no answer, and what is held are numbers."""

from __future__ import annotations

from math import inf, nan

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from exporter.prometheus.errors import UnavailableError
from exporter.prometheus.matrix import Series
from exporter.prometheus.promql import PART_LABEL
from exporter.slo.model import LatencySli, ProbeSli, QuerySli, RatioSli, ThresholdSli, Timeslices
from tests.helpers.evaluation.counted import SPAN, START, count
from tests.helpers.evaluation.fake_prometheus import FakePrometheus
from tests.helpers.samples import slo
from tests.helpers.thorough import examples

SLOS = [
    slo(group_by=("region",)),
    slo(name="latency", sli=LatencySli("http_seconds", 0.5)),
    slo(name="query", sli=QuerySli(total="a / b", bad="c / d", window=60, unit="per_second")),
    slo(name="ratio", sli=RatioSli(error="e")),
    slo(name="probe", sli=ProbeSli("up"), timeslices=Timeslices(60, 0.99)),
    slo(name="shares", timeslices=Timeslices(30, None)),
    slo(name="threshold", sli=ThresholdSli("age", "<", 5.0)),
]

TIMES = st.sampled_from(range(START + 30, START + 121, 30))
ODD_TIMES = st.sampled_from([START - 60, START + 7.5, START + 150, nan, 1e300])
VALUES = st.sampled_from([0.0, 7.0, -1.0, 1e299, 1e308, -1e308, inf, -inf, nan])
LABELS = st.fixed_dictionaries(
    {PART_LABEL: st.sampled_from("01")},
    optional={name: st.sampled_from(["a", "0.5", "NaN", ""]) for name in ("region", "le", "job")},
)


def answers(times: st.SearchStrategy[float]) -> st.SearchStrategy[list[list[Series]]]:
    """Answers to the queries to come, with samples at some times."""
    samples = st.lists(st.tuples(times, VALUES), max_size=5)
    return st.lists(st.lists(st.builds(Series, LABELS, samples), max_size=4), max_size=5)


class Nonsense(FakePrometheus):
    """Answers every query with the next of some answers, and with nothing after them."""

    def __init__(self, answers: list[list[Series]]) -> None:
        super().__init__({})
        self._answers = iter(answers)

    async def range_query(self, query, start, end, step):
        return next(self._answers, [])

    async def instant_query(self, query, at):
        return next(self._answers, [])


@examples(300)
@given(st.sampled_from(SLOS), answers(TIMES) | answers(TIMES | ODD_TIMES))
def test_nonsense_is_no_answer_or_harmless(of, told):
    """No error but that of no answer, and nothing in a slot that is no finite number."""
    try:
        found = count(Nonsense(told), [of])
    except UnavailableError:
        return
    for answer in found.values():
        for resampled in answer.values() if isinstance(answer, dict) else ():
            assert resampled.slots.bad.shape == (1, SPAN.count)
            assert all(np.isfinite(array).all() for array in resampled.slots.arrays())
