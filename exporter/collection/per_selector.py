"""Questions about the samples behind SLOs' selectors, asked of many SLOs at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exporter.collection.batches import Limits, Written, cut, size_of
from exporter.collection.planner import Kind, Plan, plan
from exporter.collection.rows import numbers_of
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.errors import QueryRefusedError
from exporter.prometheus.matrix import Matrix, Series
from exporter.prometheus.promql import QueryContext
from exporter.prometheus.questions import Form, Question, free
from exporter.prometheus.selectors import Selector
from exporter.slo.types import SloIndex

MOST_REMEMBERED = 100
"""Cuts that are kept for the next tick, which mostly asks the same."""

Selectors = Mapping[SloIndex, Sequence[Selector]]
"""The selectors of each SLO."""


@dataclass(frozen=True, slots=True)
class Cut:
    """SLOs that one query asks about, with the places of their selectors in turn.

    `at` has the same SLOs, `firsts` the number of each one's first selector.
    """

    group: tuple[SloIndex, ...]
    plan: Plan
    at: NDArray[np.intp]
    firsts: NDArray[np.intp]

    def halves(self) -> tuple[tuple[SloIndex, ...], tuple[SloIndex, ...]]:
        """Its SLOs in two parts."""
        half = len(self.group) // 2
        return self.group[:half], self.group[half:]


class SamplePlans:
    """The queries that ask about selectors; kept, as they are the same from tick to tick.

    With `whole`, each has one more question at its end that has always an answer.
    """

    def __init__(self, *, whole: bool = False) -> None:
        self._last = [free(_always)] if whole else []
        self._kept: dict[Hashable, tuple[list[Sequence[Selector]], list[Cut]]] = {}
        self._alone: dict[Form, set[SloIndex]] = {}

    def cuts(
        self, selectors: Selectors, form: Form, context: QueryContext, *, slots: int, longest: int
    ) -> list[Cut]:
        """Cut SLOs into groups that one query can ask about; the first time it takes long.

        Args:
            selectors: of each SLO.
            form: what is asked of each.
            context: how.
            slots: points of time that are asked for at once.
            longest: characters of a query.
        """
        # Rounded up, so that spans that grow by a slot at every tick have the same cuts.
        slots = 10 ** len(str(slots - 1))
        key = form, context, slots, longest, tuple(selectors)
        own, all_kept = list(selectors.values()), self._kept
        kept = all_kept.get(key)
        if kept is None or kept[0] != own:
            if len(all_kept) > MOST_REMEMBERED:
                all_kept.clear()
            written: dict[Kind, Written] = {}
            sizes = {
                slo_index: size_of([(Question(each, form), context) for each in those], 1, written)
                for slo_index, those in selectors.items()
            }
            limits = Limits.of(slots, longest)
            groups = cut(sizes, limits, self._alone.get(form, ()))
            cuts = [self.cut(group, selectors, form, context) for group in groups]
            kept = all_kept[key] = own, cuts
        return kept[1]

    def cut(
        self, group: tuple[SloIndex, ...], selectors: Selectors, form: Form, context: QueryContext
    ) -> Cut:
        """The query about some SLOs."""
        asked = [Question(each, form) for s in group for each in selectors[s]]
        planned = plan((question, context) for question in (*asked, *self._last))
        counts = np.array([len(selectors[slo_index]) for slo_index in group])
        return Cut(group, planned, np.array(group, dtype=np.intp), np.cumsum(counts) - counts)

    def note_refused(self, slo_index: SloIndex, form: Form) -> None:
        """Note that the question about an SLO alone is refused: it is not asked with others."""
        self._alone.setdefault(form, set()).add(slo_index)
        self._kept = {}  # another one: a thread may be working out the old ones


def _always(_: Selector, __: QueryContext) -> str:
    return "vector(0)"


async def ask_each(
    client: PrometheusClient,
    selectors: Selectors,
    form: Form,
    at: int,
    choose: np.ufunc,
    *,
    plans: SamplePlans | None = None,
) -> dict[SloIndex, float]:
    """The value of an expression for each SLO's selectors.

    Args:
        client: of the datasource.
        selectors: of each SLO.
        form: gives the PromQL for a selector, which has one value at the most.
        at: when it is evaluated, Unix seconds.
        choose: of two values for an SLO, the one that counts: `np.fmin` or `np.fmax`.
        plans: the queries that were asked before.

    Returns:
        SLOs without any value are left out, and so are those whose query is refused: counting will
        say what is wrong.

    Raises:
        UnavailableError: the datasource does not answer.
    """
    asked = {slo_index: own for slo_index, own in selectors.items() if own}
    if not asked:
        return {}
    plans = plans or SamplePlans()
    closed, longest = await client.ranges_closed(), await client.longest_query()
    context = sample_context(1, closed=closed)
    cuts = await asyncio.to_thread(plans.cuts, asked, form, context, slots=1, longest=longest)

    async def ask(cut: Cut) -> dict[SloIndex, float]:
        try:
            series = await client.instant_query(cut.plan.text, at)
        except QueryRefusedError:
            if len(cut.group) == 1:
                plans.note_refused(cut.group[0], form)
                return {}
            found: dict[SloIndex, float] = {}
            for half in cut.halves():
                found |= await ask(await asyncio.to_thread(plans.cut, half, asked, form, context))
            return found
        return await asyncio.to_thread(_dealt_out, cut, series, choose)

    parts = await asyncio.gather(*(ask(each) for each in cuts))
    return {s: value for part in parts for s, value in part.items()}


def _dealt_out(cut: Cut, series: Sequence[Series], choose: np.ufunc) -> dict[SloIndex, float]:
    """The value of each SLO that has one."""
    matrix = Matrix.of(series)
    # One more, of nothing, for those that have no answer.
    values = np.append(matrix.newest(), np.nan)
    values[~np.isfinite(values)] = np.nan
    chosen = choose.reduceat(values[numbers_of(cut.plan, matrix)], cut.firsts)
    told = ~np.isnan(chosen)
    group = cut.group if told.all() else map(SloIndex, cut.at[told].tolist())
    return dict(zip(group, chosen[told].tolist(), strict=True))


def owned(
    selectors: Callable[[SloIndex], Sequence[Selector]], slo_indices: Iterable[SloIndex]
) -> dict[SloIndex, Sequence[Selector]]:
    """The selectors of each of some SLOs; the first time they are asked for it takes long."""
    return {slo_index: selectors(slo_index) for slo_index in slo_indices}


def sample_context(slot: int, *, closed: bool) -> QueryContext:
    """How one asks about samples of slots, without groups."""
    return QueryContext((), slot=slot, interval=slot, lookback=0, closed=closed)
