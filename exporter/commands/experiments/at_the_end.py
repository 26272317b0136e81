"""The measurement that an experiment is judged by: everything is read once more when it is over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from exporter.commands.experiments.measuring import Measuring, Taken
from exporter.experiment.course import Moments
from exporter.experiment.judging import Measured
from exporter.experiment.refusing import Standing
from exporter.prometheus.errors import UnavailableError

PATIENCE = 60.0
"""Seconds for which a Prometheus that is away is asked again."""

AGAIN = 2.0
"""Seconds between two attempts."""


async def measured_at_the_end(
    measuring: Measuring,
    standings: Sequence[Standing],
    *,
    baseline: int,
    moments: tuple[float, float, float],
    length: int,
) -> tuple[Measured, list[str]]:
    """What was measured, now that what came late is there; and what has to be told of it.

    Args:
        measuring: what reads.
        standings: how the SLOs stood before.
        baseline: from when on is read, Unix seconds.
        moments: the first step, the end of the rollback, and that of the watch.
        length: of the baseline, in seconds.
    """
    begin, rolled_back, watched = moments
    grain, notes = measuring.grain, []
    end = min(measuring.complete(time.time()), -(-int(watched) // grain) * grain)
    end = max(end, baseline + grain)
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            taken = await measuring.take(baseline, end)
            break
        except UnavailableError as error:
            if time.monotonic() >= deadline:
                notes.append(f"nothing could be measured at the end: {error}")
                taken = Taken({}, {})
                break
            await asyncio.sleep(AGAIN)
    start = max(baseline, int(begin) // grain * grain - length)
    of = Moments(start, begin, rolled_back, end, grain)
    allowed = {str(each.target): each.allowed for each in standings if each.allowed}
    return Measured(of, measuring.judged(taken, of.first_slot, allowed), taken.queries), notes
