"""Counting with a fake Prometheus: what the tests of it share."""

from __future__ import annotations

import asyncio

import numpy as np

from exporter.collection.blocks import Block
from exporter.collection.resample import resample
from exporter.collection.slot_counter import Answer, Counted, SlotCounter
from exporter.collection.slot_range import Counts, SlotRange
from exporter.ledger.slots import Slots
from exporter.slo.model import EventsSli, Slo
from tests.helpers.evaluation.fake_prometheus import FakePrometheus
from tests.helpers.samples import slo

START = 1_699_999_200
SPAN = SlotRange(START, START + 120, 30)


def numbered(i: int) -> Slo:
    """An SLO of its own counters."""
    return slo(name=f"slo{i}", sli=EventsSli(total=f"all{i}_total", bad=f"bad{i}_total"))


def count(
    fake: FakePrometheus,
    slos: list[Slo],
    span: SlotRange = SPAN,
    slo_indices: list[int] | None = None,
    interval: int = 30,
) -> dict[int, Answer]:
    """Count the SLOs' events in a span, batch by batch."""
    return count_with(
        SlotCounter({"prometheus": fake}, slos, interval), slo_indices or [*range(len(slos))], span
    )


def count_with(
    counter: SlotCounter, slo_indices: list[int], span: SlotRange = SPAN
) -> dict[int, Answer]:
    """The same with a counter that may have counted before."""

    async def run() -> dict[int, Answer]:
        answers: dict[int, Answer] = {}
        for batch in counter.queries.batches(slo_indices, span):
            of_batch = answers_of(await counter.count(batch))
            answers |= {s: of_batch[s] for s in batch.slo_indices}
        return answers

    return asyncio.run(run())


def answers_of(counted: Counted) -> dict[int, Answer]:
    """What came back for each SLO, whether it was counted together with others or not."""
    found: dict[int, Answer] = dict(counted.answers)
    for block in counted.blocks:
        found |= one_by_one(block)
    return found


def one_by_one(block: Block) -> dict[int, Answer]:
    """The answers that a block stands for."""
    return {
        slo_index: {}
        if np.isnan(total).all()
        else {(): resample(Counts(bad, total), None, len(total))}
        for slo_index, bad, total in zip(block.slo_indices, block.bad, block.total, strict=True)
    }


SeriesEntry = tuple[list[float], list[float | None]]


def counts(answer: Answer, group: tuple[str, ...] = ()) -> SeriesEntry:
    """Bad and total of each slot, None where nothing is known."""
    assert isinstance(answer, dict)
    return _row(answer[group].slots)


def excluded(answer: Answer, group: tuple[str, ...] = ()) -> SeriesEntry | None:
    """What of them lies in maintenance windows; None for an SLO that has none."""
    assert isinstance(answer, dict)
    of = answer[group].excluded
    return None if of is None else _row(of)


def known(answer: Answer, group: tuple[str, ...] = ()) -> list[float]:
    """The known share of each slot."""
    assert isinstance(answer, dict)
    return answer[group].slots.known[0].tolist()


def _row(slots: Slots) -> SeriesEntry:
    pairs = zip(slots.total[0].tolist(), slots.known[0].tolist(), strict=True)
    return slots.bad[0].tolist(), [total if share else None for total, share in pairs]
