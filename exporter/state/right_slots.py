"""Which slots Prometheus is right about, and which the ledger, once all were asked for again. Pure.

Prometheus may have lost the oldest part, or any other. A counter that comes back after a hole
brings the events of the hole with it, or counts as born: its first slot says too much, and the one
in which it went away too little. So the answers are put aside until all of them are there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from exporter.collection.blocks import Block
from exporter.collection.resample import Resampled, resample
from exporter.collection.slot_range import Counts, SlotRange
from exporter.ledger.slots import Slots
from exporter.slo.types import Bools, Group, SloIndex, Times

Answer = Mapping[Group, Resampled]
"""Slots by group."""


@dataclass(frozen=True, slots=True)
class DeferredAnswer:
    """An answer that is put aside, and the level of the ledger that it is for."""

    level: int
    span: SlotRange
    answer: Answer


def deferred_block(level: int, span: SlotRange, block: Block) -> dict[SloIndex, DeferredAnswer]:
    """An answer about many SLOs without groups, as one for each of them."""
    found = {}
    for i, slo_index in enumerate(block.slo_indices):
        counts = Counts(block.bad[i], block.total[i])
        answer: dict[Group, Resampled] = {}
        if not np.isnan(counts.total).all():
            answer[()] = resample(counts, None, span.count)
        found[slo_index] = DeferredAnswer(level, span, answer)
    return found


def right_slots(
    deferred: Sequence[DeferredAnswer],
    slots: Sequence[Slots],
    held: Sequence[Bools],
    lookback: int,
) -> list[Bools]:
    """Which slots of each answer are to be written, and not kept as the ledger has them.

    Args:
        deferred: the answers to one SLO.
        slots: what each says: series x slots.
        held: whether the ledger knows anything of these slots: series x slots.
        lookback: how far a counter is looked for, in seconds.
    """
    spans = [each.span for each in deferred]
    starts = np.concatenate([np.arange(span.start, span.end, span.slot) for span in spans])
    # Where a slot was asked for twice, the later answer stands.
    order = np.argsort(starts, kind="stable")
    picked = order[np.append(np.diff(starts[order]) > 0, True)]
    answered = np.concatenate([slot.known > 0 for slot in slots], axis=1)
    holds = np.concatenate(held, axis=1)
    keep = np.ones_like(holds)
    for row in range(len(holds)):
        keep[row, picked] = kept_by_ledger(
            starts[picked], answered[row, picked], holds[row, picked], lookback
        )
    return np.split(~keep, np.cumsum([span.count for span in spans])[:-1], axis=1)


def kept_by_ledger(starts: Times, answered: Bools, held: Bools, lookback: int) -> Bools:
    """Which slots the ledger is right about: those that it is to keep.

    Those are what Prometheus knows nothing of, though the ledger does; the first slot behind each
    such hole, and behind the beginning of everything; and the last ones before a hole, as far as
    counters are looked for from it.

    Args:
        starts: where each slot begins (Unix seconds), in order of time.
        answered: whether Prometheus knows anything of it.
        held: whether the ledger does.
        lookback: how far a counter is looked for, in seconds.
    """
    keep = held & ~answered
    behind = True
    for i in range(len(starts)):
        if answered[i]:
            keep[i] |= behind and held[i]
            behind = False
        elif held[i]:
            behind = True
    hole_at = np.inf
    for i in range(len(starts) - 1, -1, -1):
        if held[i] and not answered[i]:
            hole_at = starts[i]
        else:
            end = starts[i + 1] if i + 1 < len(starts) else np.inf
            keep[i] |= held[i] and end > hole_at - lookback
    return keep
