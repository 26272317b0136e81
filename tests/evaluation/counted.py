"""Counting with a fake Prometheus: what the tests of it share."""

from __future__ import annotations

import asyncio
from math import isnan

from fake_prometheus import FakePrometheus
from samples import slo

from exporter.evaluation.counting import Answer, Counts, SlotCounter, Span
from exporter.slo.model import EventsSli, Slo

START = 1_699_999_200
SPAN = Span(START, START + 120, 30)


def numbered(i: int) -> Slo:
    """An SLO of its own counters."""
    return slo(name=f"slo{i}", sli=EventsSli(total=f"all{i}_total", bad=f"bad{i}_total"))


def count(
    fake: FakePrometheus, slos: list[Slo], span: Span = SPAN, sources: list[int] | None = None
) -> dict[int, Answer]:
    counter = SlotCounter(fake, slos)
    return asyncio.run(counter.count(sources or list(range(len(slos))), span))


def counts(answer: Answer, group: tuple[str, ...] = ()) -> tuple[list[float], list[float]]:
    """Bad and total of each slot, None where nothing is known."""
    assert isinstance(answer, dict)
    found: Counts = answer[group]
    total = [None if isnan(one) else one for one in found.total.tolist()]
    return found.bad.tolist(), total
