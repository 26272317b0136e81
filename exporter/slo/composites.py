"""The slots of a composite, from those of its parts. Pure; docs/design/composites.md has why.

A slot of a composite weighs as many events as it has seconds, of which the share is bad that its
parts' error ratios come to. A part without traffic has no say in a slot; nor has one that is not
known, where the composite leaves such parts out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from exporter.slo.combining import Method, OnUnknown
from exporter.slo.model import CompositeSli
from exporter.slo.plausible import possible_each
from exporter.slo.types import Bools, Floats


@dataclass(frozen=True, slots=True)
class Ratios:
    """The error ratio of each slot of some parts: parts x slots.

    `error` is 0 where a part has no `traffic`. `known` is the share of each slot that is known.
    """

    error: Floats
    traffic: Bools
    known: Floats


def ratios(bad: Floats, total: Floats, known: Floats) -> Ratios:
    """Those of counts: parts x slots."""
    traffic = (total > 0) & (known > 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.where(traffic, possible_each(bad, total) / total, 0.0)
    return Ratios(error, traffic, known)


def evened_out(bad: Floats, total: Floats, known: Floats, block: int) -> tuple[Floats, Floats]:
    """Counts of parts whose counters are read apart, with what cannot be spread over a block.

    What one slot has too much of another one lacks. In blocks of so many slots that have such
    slots, all have their share of the block's events.

    Args:
        bad, total, known: parts x slots, whole blocks.
        block: how many slots a block has.
    """
    odd = (known > 0) & ((bad < 0) | (bad > total) | (total < 0))
    if not odd.any():
        return bad, total
    shape = (*bad.shape[:-1], -1, block)
    blocks = odd.reshape(shape).any(axis=-1, keepdims=True)
    shares = known.reshape(shape)
    seconds = np.maximum(shares.sum(axis=-1, keepdims=True), 1e-9)

    def spread(counts: Floats) -> Floats:
        each = counts.reshape(shape)
        even = each.sum(axis=-1, keepdims=True) * shares / seconds
        return np.where(blocks, even, each).reshape(counts.shape)

    return spread(bad), spread(total)


def reached_back(of: Ratios, slots: Sequence[int]) -> Ratios:
    """The same where parts are scraped less often than once a slot.

    The events of a scrape happened since the one before it. So a slot without any has the ratio of
    the next one that has some, if that follows within as many `slots` as the part's scrapes are
    apart.
    """
    error, traffic = of.error.copy(), of.traffic.copy()
    for part, reach in enumerate(slots):
        for ahead in range(1, reach + 1):
            late = error.shape[1] - ahead
            if late <= 0:
                break
            idle = ~traffic[part, :late] & (of.known[part, :late] > 0)
            take = idle & of.traffic[part, ahead:]
            error[part, :late][take] = of.error[part, ahead:][take]
            traffic[part, :late] |= take
    return Ratios(error, traffic, of.known)


def combined(sli: CompositeSli, of: Ratios) -> Ratios:
    """The error ratio of a composite in each slot: one row.

    Of a slot of which its parts are known in part, as much is known as they surely have in common.
    """
    has_say: Bools = of.traffic & np.asarray(of.known > 0)
    error = np.where(has_say, of.error, 0.0)
    match sli.method:
        case Method.ALL:
            error = 1 - (1 - error).prod(axis=0)
        case Method.WORST:
            error = error.max(axis=0)
        case Method.WEIGHTED:
            weights = np.array([[part.weight] for part in sli.parts]) * has_say
            whole = weights.sum(axis=0)
            error = (weights * error).sum(axis=0) / np.where(whole > 0, whole, 1.0)
    if sli.on_unknown is OnUnknown.LEAVE_OUT:
        known = of.known.max(axis=0)
    else:
        known = np.maximum(0.0, 1 - (1 - of.known).sum(axis=0))
    error = np.clip(error, 0.0, 1.0)
    return Ratios(error[None, :], np.any(has_say, axis=0)[None, :], known[None, :])
