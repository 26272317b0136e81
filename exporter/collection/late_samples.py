"""Whether the samples of a slot are still those that were counted, told by checksums.

Samples come late, are replaced (a store that deduplicates replicas keeps one of them, and another
once that has come), or are deleted. As long as the checksums of slots are those that were noted
before their events were counted, the counts stand. It takes one sample where counting takes eight.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exporter.collection.per_selector import Cut, SamplePlans, sample_context
from exporter.collection.rows import Rows
from exporter.collection.slot_range import SlotRange
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.errors import PrometheusError, QueryRefusedError
from exporter.prometheus.matrix import Series
from exporter.prometheus.questions import Form
from exporter.prometheus.sample_queries import checksum, native_checksum
from exporter.prometheus.selectors import Selector
from exporter.slo.model import Slo
from exporter.slo.types import Floats, SloIndex

Selectors = Callable[[SloIndex], Sequence[Selector]]
"""Gives the counters and histograms behind an SLO (by its index), each series by one alone."""

Owned = Mapping[SloIndex, Sequence[Selector]]
"""Those that are asked for together, of each SLO."""

MOST_KEPT = 20
"""Sets of SLOs of which it is kept what is asked about them; mostly it is one."""


@dataclass(frozen=True, slots=True)
class Checksums:
    """Those of some SLOs, each once: SLOs x slots. NaN where it cannot be told."""

    slo_indices: NDArray[np.intp]
    of_slots: Floats

    def of(self, slo_indices: Sequence[SloIndex]) -> Checksums:
        """Those of other SLOs, which are not told where they are not among these."""
        wanted = np.asarray(slo_indices, dtype=np.intp)
        if np.array_equal(wanted, self.slo_indices):
            return self
        places = np.full(max(wanted.max(initial=-1), self.slo_indices.max(initial=-1)) + 1, -1)
        places[self.slo_indices] = np.arange(len(self.slo_indices))
        found = np.append(self.of_slots, np.full((1, self.of_slots.shape[1]), np.nan), axis=0)
        return Checksums(wanted, found[places[wanted]])


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked about some SLOs: the `selectors` and `native` ones of each.

    `slo_indices` are those that have any. `of_datasource` has what is asked of each datasource, in
    which form. `places` tells where each SLO is among `slo_indices`.
    """

    selectors: list[Sequence[Selector]]
    native: list[Sequence[Selector]]
    slo_indices: NDArray[np.intp]
    places: NDArray[np.intp]
    of_datasource: Mapping[str, Sequence[tuple[Form, Owned]]]


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
        self._kept: dict[tuple[SloIndex, ...], _Asked] = {}

    async def ask(self, slo_indices: Iterable[SloIndex], span: SlotRange) -> dict[SloIndex, Floats]:
        """`ask_all`, by SLO."""
        found = await self.ask_all(slo_indices, span)
        return dict(zip(map(SloIndex, found.slo_indices.tolist()), found.of_slots, strict=True))

    async def ask_all(self, slo_indices: Iterable[SloIndex], span: SlotRange) -> Checksums:
        """The checksum of each slot of a span, of SLOs (by their index).

        NaN where it cannot be told, as when their datasource does not answer; SLOs that
        have no counters are left out. Datasources are asked at once, and all waited for.
        """
        asked = await asyncio.to_thread(self._asked, tuple(slo_indices))
        found = np.zeros((len(asked.slo_indices), span.count))
        await asyncio.gather(
            *(
                self._ask_at(name, own, span, found, asked.places)
                for name, own in asked.of_datasource.items()
            )
        )
        return Checksums(asked.slo_indices, found)

    def _asked(self, slo_indices: tuple[SloIndex, ...]) -> _Asked:
        """What is asked about some SLOs: mostly the same as last time."""
        selectors, native = ([*map(of, slo_indices)] for of in (self._selectors, self._native))
        kept = self._kept.get(slo_indices)
        if kept is not None and kept.selectors == selectors and kept.native == native:
            return kept
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        both: dict[str, tuple[dict[SloIndex, Sequence[Selector]], ...]]
        both = defaultdict(lambda: ({}, {}))
        with_any = []
        for slo_index, own, native_ in zip(slo_indices, selectors, native, strict=True):
            if own:
                with_any.append(slo_index)
                # An SLO has counters or native histograms; both are asked for in the same way.
                sums = [each for each in own if each not in native_]
                for those, asked in zip(
                    both[self._slos[slo_index].datasource], (sums, native_), strict=True
                ):
                    if asked:
                        those[slo_index] = asked
        at = np.array(with_any, dtype=np.intp)
        places = np.zeros(at.max(initial=-1) + 1, dtype=np.intp)
        places[at] = np.arange(len(at))
        of_datasource: dict[str, Sequence[tuple[Form, Owned]]] = {
            name: [(form, own) for form, own in zip(self._forms, those, strict=True) if own]
            for name, those in both.items()
        }
        found = self._kept[slo_indices] = _Asked(selectors, native, at, places, of_datasource)
        return found

    async def _ask_at(
        self,
        datasource: str,
        asked: Sequence[tuple[Form, Owned]],
        span: SlotRange,
        found: Floats,
        places: NDArray[np.intp],
    ) -> None:
        """Add up what a datasource tells of SLOs in the rows of `found` that are their `places`."""
        client = self._clients[datasource]
        try:
            closed, longest = await client.ranges_closed(), await client.longest_query()
        except PrometheusError:
            for _, own in asked:
                found[places[[*own]]] = np.nan
            return
        context = sample_context(span.slot, closed=closed)

        async def ask(cut: Cut, own: Owned, form: Form) -> None:
            rows = places[cut.at]
            try:
                series = await client.range_query(
                    cut.plan.text, span.start + span.slot, span.end, span.slot
                )
                found[rows] += await asyncio.to_thread(_added_up, cut, series, span)
            except QueryRefusedError:
                if len(cut.group) == 1:
                    self._plans.note_refused(cut.group[0], form)
                    found[rows] = np.nan
                    return
                for each in cut.halves():
                    half = await asyncio.to_thread(self._plans.cut, each, own, form, context)
                    await ask(half, own, form)
            except PrometheusError:  # not known, then: their events are counted again
                found[rows] = np.nan

        tasks = []
        for form, own in asked:
            cuts = await asyncio.to_thread(
                self._plans.cuts, own, form, context, slots=span.count, longest=longest
            )
            tasks += [ask(each, own, form) for each in cuts]
        await asyncio.gather(*tasks)


def _added_up(cut: Cut, series: Sequence[Series], span: SlotRange) -> Floats:
    """The sums over each SLO's selectors; one that has no samples adds nothing.

    Raises:
        UnavailableError: it is the answer to something else.
    """
    values = Rows(cut.plan, series, span).of_places()
    missing = np.isnan(values[-1])
    of_selectors = np.where(np.isnan(values[:-1]), 0.0, values[:-1])
    totals: Floats = np.add.reduceat(of_selectors, cut.firsts, axis=0)
    totals[~np.isfinite(totals)] = np.nan
    totals[:, missing] = np.nan
    return totals
