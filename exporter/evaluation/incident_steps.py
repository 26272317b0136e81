"""The incidents of many SLOs, extended by the slots in which their budgets burnt."""

from __future__ import annotations

import numpy as np

from exporter.evaluation.past_windows import PastWindowSums
from exporter.evaluation.policy_batch import Figures, PolicyBatch
from exporter.ledger.ledger import Ledger
from exporter.ledger.levels import middle_slot
from exporter.slo.incidents import BadSlots, closed, extended
from exporter.slo.plausible import impossible
from exporter.slo.types import SloIndex


def find_past_incidents(
    ledger: Ledger, batch: PolicyBatch, figures: Figures, first_time: set[SloIndex]
) -> None:
    """Find the incidents of the time before SLOs were evaluated for the `first_time`.

    They come out at the resolution of the ledger's own slots.
    """
    unit = middle_slot(ledger.interval)
    until = batch.start - batch.start % unit
    at = [i for i, slo_index in enumerate(batch.slo_indices) if slo_index in first_time]
    if not at:
        return
    since = batch.slos[0].period.span(ledger.end).start
    starts, ends, bad, total, _ = ledger.slots_since([batch.series[i] for i in at], since)
    within = (ends <= until) & (starts >= since)
    burns = (bad > total * batch.error_budgets()[at, None]) & within
    lengths = (ends - starts).astype(np.float64)
    burns &= ~impossible(bad, total, lengths, batch.slack[at, None])
    for row, i in enumerate(at):
        policy_state = batch.now[i]
        slots = np.flatnonzero(burns[row])
        if not slots.size and not policy_state.incidents:
            continue
        budgets = np.full(len(slots), figures.budget[-1, i])
        bad_slots = BadSlots(starts[slots], ends[slots], bad[row, slots], budgets)
        above = batch.slos[i].policy.postmortem_above
        incidents = closed(extended(policy_state.incidents, bad_slots, above), until)
        batch.now[i] = policy_state.with_incidents(incidents)
        batch.final[i] = batch.final[i].with_incidents(incidents)


def extend_incidents(
    ledger: Ledger, batch: PolicyBatch, past: PastWindowSums, figures: Figures
) -> None:
    """Extend the incidents to the end of the ledger, in its middle slots (five minutes)."""
    unit = middle_slot(ledger.interval)
    first = batch.start - batch.start % unit + unit
    ends = np.arange(first, ledger.end + 1, unit, dtype=np.int64)
    if not ends.size:
        return
    places = {int(end): k for k, end in enumerate(figures.ends)}
    bad = np.zeros((len(ends), len(batch.series)))
    burns = np.zeros(bad.shape, dtype=np.bool_)
    budgets = np.full(bad.shape, np.inf)
    allowed = batch.error_budgets()
    for k, end in enumerate(ends.tolist()):
        if end in places:
            counts = past.between(end - unit, end)
            bad[k] = counts.bad
            burns[k] = bad[k] > counts.total * allowed
            burns[k] &= ~impossible(bad[k], counts.total, unit, batch.slack)
            budgets[k] = figures.budget[places[end]]
    open_ = np.array([bool(each.incidents) and each.incidents[-1].open for each in batch.now])
    for i in np.flatnonzero(burns.any(axis=0) | open_).tolist():
        above = batch.slos[i].policy.postmortem_above
        incidents = final = batch.now[i].incidents
        slots = np.flatnonzero(burns[:, i])
        bad_slots = BadSlots(ends[slots] - unit, ends[slots], bad[slots, i], budgets[slots, i])
        settled = int(np.searchsorted(ends, batch.until[i], side="right"))
        if settled:
            before = bad_slots.part(0, int(np.searchsorted(slots, settled)))
            final = closed(extended(incidents, before, above), int(ends[settled - 1]))
        incidents = closed(extended(incidents, bad_slots, above), int(ends[-1]))
        batch.now[i] = batch.now[i].with_incidents(incidents)
        batch.final[i] = batch.final[i].with_incidents(final)
