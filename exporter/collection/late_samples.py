"""Whether the samples of a slot are still those that were counted, told by checksums.

Samples come late, are replaced (a store that deduplicates replicas keeps one of them, and another
once that has come), or are deleted. As long as the checksums of slots are those that were noted
before their events were counted, the counts stand. It takes one sample where counting takes eight.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from exporter.collection.per_selector import SamplePlans, sample_context
from exporter.collection.planner import Plan
from exporter.collection.rows import Rows
from exporter.collection.slot_range import SlotRange
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.errors import PrometheusError, QueryRefusedError
from exporter.prometheus.questions import Form
from exporter.prometheus.sample_queries import checksum, native_checksum
from exporter.prometheus.selectors import Selector
from exporter.slo.model import Slo
from exporter.slo.types import Floats, SloIndex

Selectors = Callable[[SloIndex], Sequence[Selector]]
"""Gives the counters and histograms behind an SLO (by its index), each series by one alone."""

Owned = Mapping[SloIndex, Sequence[Selector]]
"""Those that are asked for together, of each SLO."""


class SampleChecksums:
    """Asks for checksums of the samples behind SLOs' counters.

    `clients` has one for the datasource of every SLO; `native` gives those of the selectors that
    are native histograms. `forms` are what is asked instead, of counters and of native histograms.
    """

    def __init__(
        self,
        clients: Mapping[str, PrometheusClient],
        slos: Sequence[Slo],
        selectors: Selectors,
        native: Selectors,
        forms: tuple[Form, Form] = (checksum, native_checksum),
    ) -> None:
        self._clients = clients
        self._slos = slos
        self._selectors = selectors
        self._native = native
        self._forms = forms
        # What has no samples has no series in an answer; that it is an answer is asked, too.
        self._plans = SamplePlans(whole=True)

    async def ask(self, slo_indices: Iterable[SloIndex], span: SlotRange) -> dict[SloIndex, Floats]:
        """The checksum of each slot of a span, of SLOs (by their index).

        NaN where it cannot be told, as when their datasource does not answer; SLOs that
        have no counters are left out. Datasources are asked at once, and all waited for.
        """
        of_datasource: dict[str, dict[SloIndex, Sequence[Selector]]] = defaultdict(dict)
        for slo_index in slo_indices:
            selectors = self._selectors(slo_index)
            if selectors:
                of_datasource[self._slos[slo_index].datasource][slo_index] = selectors
        parts = (self._ask_at(name, those, span) for name, those in of_datasource.items())
        return {
            slo_index: array
            for found in await asyncio.gather(*parts)
            for slo_index, array in found.items()
        }

    async def _ask_at(
        self, datasource: str, counters: Mapping[SloIndex, Sequence[Selector]], span: SlotRange
    ) -> dict[SloIndex, Floats]:
        client = self._clients[datasource]
        try:
            closed, longest = await client.ranges_closed(), await client.longest_query()
        except PrometheusError:
            return {slo_index: _unknown(span) for slo_index in counters}
        context = sample_context(span.slot, closed=closed)
        # An SLO has counters or native histograms; both are asked for in the same way.
        native = {s: set(self._native(s)) for s in counters}
        sums = {s: [c for c in own if c not in native[s]] for s, own in counters.items()}
        found = {slo_index: np.zeros(span.count) for slo_index in counters}

        async def ask(group: Sequence[SloIndex], planned: Plan, own: Owned, form: Form) -> None:
            try:
                series = await client.range_query(
                    planned.text, span.start + span.slot, span.end, span.slot
                )
                rows = Rows(planned, series, span)
            except QueryRefusedError:
                if len(group) == 1:
                    self._plans.note_refused(group[0], form)
                    found[group[0]][:] = np.nan
                    return
                half = len(group) // 2
                for each in (group[:half], group[half:]):
                    await ask(each, self._plans.plan(each, own, form, context), own, form)
            except PrometheusError:  # not known, then: their events are counted again
                for slo_index in group:
                    found[slo_index][:] = np.nan
            else:
                _add_up(found, group, own, rows)

        tasks = []
        of_native: Owned = {s: tuple(those) for s, those in native.items()}
        both: tuple[Owned, Owned] = sums, of_native
        for form, own in zip(self._forms, both, strict=True):
            asked = {s: those for s, those in own.items() if those}
            if asked:
                cuts = self._plans.cuts(asked, form, context, slots=span.count, longest=longest)
                tasks += [ask(group, planned, asked, form) for group, planned in cuts]
        await asyncio.gather(*tasks)
        return found


def _add_up(
    found: dict[SloIndex, Floats],
    group: Sequence[SloIndex],
    own: Owned,
    rows: Rows,
) -> None:
    """Add up the checksums of each SLO's selectors; one that has no samples adds nothing."""
    values = rows.of_places()
    missing = np.isnan(values[-1])
    of_selectors = np.where(np.isnan(values[:-1]), 0.0, values[:-1])
    counts = np.array([len(own[slo_index]) for slo_index in group])
    totals = np.add.reduceat(of_selectors, np.cumsum(counts) - counts, axis=0)
    totals[~np.isfinite(totals)] = np.nan
    totals[:, missing] = np.nan
    for slo_index, total in zip(group, totals, strict=True):
        found[slo_index] += total


def _unknown(span: SlotRange) -> Floats:
    return np.full(span.count, np.nan)
