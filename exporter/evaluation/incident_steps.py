"""The incidents of many SLOs, extended by the slots in which their budgets burnt."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from exporter.evaluation.bad_spans import BadSpans, bad_spans
from exporter.evaluation.past_windows import PastWindowSums
from exporter.evaluation.policy_batch import Figures, PolicyBatch
from exporter.ledger.ledger import Ledger
from exporter.ledger.levels import middle_slot
from exporter.slo.incidents import BadSlots, closed, extended
from exporter.slo.plausible import impossible, possible_each
from exporter.slo.types import Bools, SloIndex, Times

AT_ONCE = 100
"""Series whose slots are read at once: it bounds the memory that this takes."""


def find_past_incidents(
    ledger: Ledger, batch: PolicyBatch, figures: Figures, final_until: Mapping[SloIndex, int]
) -> None:
    """Find the incidents of the time that no fine slots are left of.

    That is all of the period for SLOs that are evaluated for the first time (`final_until`, in Unix
    seconds, is 0), and otherwise what was missed while the daemon was away for longer than fine
    slots last. They come out at the resolution of the ledger's own slots.
    """
    unit = middle_slot(ledger.interval)
    until = batch.start - batch.start % unit
    at = [i for i, slo_index in enumerate(batch.slo_indices) if final_until[slo_index] < until]
    if not at:
        return
    oldest = batch.slos[0].period.span(ledger.end).start
    # All of a period's slots of thousands of series at once would take hundreds of megabytes.
    for first in range(0, len(at), AT_ONCE):
        part = at[first : first + AT_ONCE]
        since = np.array([final_until[batch.slo_indices[i]] or oldest for i in part])
        _find_past(ledger, batch, figures, part, since=since, oldest=oldest, until=until)


def _find_past(
    ledger: Ledger,
    batch: PolicyBatch,
    figures: Figures,
    at: list[int],
    *,
    since: Times,
    oldest: int,
    until: int,
) -> None:
    """Find those of some series of the batch, each behind its `since`, up to `until`."""
    # What a slot that was half over had of an incident is counted already.
    counted = np.array([batch.final[i].incidents_end for i in at])
    starts, ends, bad, total, _ = ledger.slots_since(
        [batch.series[i] for i in at], int(since.min())
    )
    lengths = ends - starts
    within = (ends <= until) & (ends > since[:, None]) & (starts >= counted[:, None])
    within &= (starts >= since[:, None]) | (since[:, None] > oldest)
    burns = (bad > total * batch.error_budgets[at, None]) & within
    burns &= ~impossible(bad, total, lengths.astype(np.float64), batch.slack[at, None])
    about = np.where(lengths > ledger.interval, lengths, 0)
    for row, i in enumerate(at):
        policy_state = batch.now[i]
        slots = np.flatnonzero(burns[row])
        if not slots.size and not policy_state.incidents:
            continue
        bad_slots = BadSlots(
            starts=starts[slots],
            ends=ends[slots],
            bad=bad[row, slots],
            budgets=np.full(len(slots), figures.budget[-1, i]),
            peaks=possible_each(bad[row, slots], total[row, slots]) / total[row, slots],
            about=about[slots],
        )
        above = batch.slos[i].policy.postmortem_above
        incidents = closed(extended(policy_state.incidents, bad_slots, above), until)
        batch.now[i] = policy_state.with_incidents(incidents)
        batch.final[i] = batch.final[i].with_incidents(incidents)


def extend_incidents(
    ledger: Ledger, batch: PolicyBatch, past: PastWindowSums, figures: Figures
) -> None:
    """Extend the incidents to the end of the ledger.

    They are found in its middle slots (five minutes), the last of which may be half over, and begin
    and end with the finest slots in these.
    """
    unit = middle_slot(ledger.interval)
    first = batch.start - batch.start % unit + unit
    whole = np.arange(first, ledger.end + 1, unit, dtype=np.int64)
    ends = whole if ledger.end % unit == 0 else np.append(whole, ledger.end)
    # The one before tells where a spell that goes on had got to.
    ends = np.append(first - unit, ends)
    burns = _burning(ledger, batch, past, ends)
    places = {int(end): k for k, end in enumerate(figures.ends)}
    judged = np.array([int(end) in places for end in ends.tolist()])
    judged[0] = False
    burns[1:] &= judged[1:, None]
    open_ = np.array([bool(each.incidents) and each.incidents[-1].open for each in batch.now])
    at = np.flatnonzero(burns.any(axis=0) | open_)
    if not at.size:
        return
    spans = bad_spans(
        ledger,
        [batch.series[i] for i in at.tolist()],
        ends,
        burns[:, at],
        allowed=batch.error_budgets[at],
        slack=batch.slack[at],
    )
    spans.found[~judged] = False
    budgets = np.full(burns.shape, np.inf)
    budgets[judged] = figures.budget[[places[int(end)] for end in ends[judged].tolist()]]
    for column, i in enumerate(at.tolist()):
        above = batch.slos[i].policy.postmortem_above
        incidents = final = batch.now[i].incidents
        slots = np.flatnonzero(spans.found[:, column])
        bad_slots = _bad_slots(spans, slots, column, budgets[slots, i])
        settled = int(np.searchsorted(whole, batch.until[i], side="right"))
        if settled:
            before = bad_slots.part(0, int(np.searchsorted(slots, settled, side="right")))
            final = closed(extended(incidents, before, above), int(whole[settled - 1]))
        incidents = closed(extended(incidents, bad_slots, above), int(ends[-1]))
        batch.now[i] = batch.now[i].with_incidents(incidents)
        batch.final[i] = batch.final[i].with_incidents(final)


def _burning(ledger: Ledger, batch: PolicyBatch, past: PastWindowSums, ends: Times) -> Bools:
    """In which middle slots the budget burns: slots x series."""
    unit = middle_slot(ledger.interval)
    allowed = batch.error_budgets
    burns = np.zeros((len(ends), len(batch.series)), dtype=np.bool_)
    for k, end in enumerate(ends.tolist()):
        start = (end - 1) // unit * unit
        counts = past.between(start, end)
        burns[k] = counts.bad > counts.total * allowed
        burns[k] &= ~impossible(counts.bad, counts.total, end - start, batch.slack)
    return burns


def _bad_slots(spans: BadSpans, slots: Times, column: int, budgets: object) -> BadSlots:
    cells = slots, column
    return BadSlots(
        starts=spans.starts[cells],
        ends=spans.ends[cells],
        bad=spans.bad[cells],
        budgets=np.asarray(budgets, dtype=np.float64),
        peaks=spans.peaks[cells],
        about=np.zeros(len(slots), dtype=np.int64),
    )
