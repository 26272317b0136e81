"""What an answer of Prometheus says of an SLO: counts per slot, made exact where they are not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from exporter.collection.histogram_samples import having_bucket, read_histograms
from exporter.collection.plausible_shares import most_apart
from exporter.collection.raw_questions import BY, SELECTOR, RawQuestion
from exporter.collection.raw_samples import (
    Around,
    CounterSamples,
    Read,
    count_slot,
    read_counters,
    utc,
)
from exporter.collection.rows import MOST_EVENTS, Row
from exporter.collection.slot_range import Counts, SlotRange
from exporter.collection.surroundings import Surroundings, family_of
from exporter.collection.together import Together
from exporter.collection.unknown_slots import Reason, Slot
from exporter.errors import DatasourceError
from exporter.prometheus.births import UNSUSPICIOUS
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.counters_behind import stored_selectors
from exporter.prometheus.errors import QueryRefusedError
from exporter.prometheus.histogram_promql import HistogramSelectors
from exporter.prometheus.indicators import (
    Counters,
    Histogram,
    Indicator,
)
from exporter.prometheus.promql import QueryContext
from exporter.prometheus.raw import is_number
from exporter.prometheus.selectors import Selector, parse_selector
from exporter.slo.model import NO_UNIT, LatencySli, RatioSli, Sli
from exporter.slo.plausible import possible_each
from exporter.slo.types import Floats, Group


class SliError(DatasourceError):
    """An SLO's indicator does not fit what Prometheus holds."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What an answer says: counts per group, and why slots are not known of it."""

    counts: dict[Group, Counts]
    doubts: dict[Slot, Reason]


@dataclass(slots=True)
class _Exact:
    """What the raw samples of odd slots have told, by group and slot: see `SlotEvents`."""

    born: dict[tuple[Group, int], float] = field(default_factory=dict)
    doubts: dict[tuple[Group, int], Reason] = field(default_factory=dict)


async def read_answer(
    ask: Together,
    sli: Sli,
    way: Indicator,
    context: QueryContext,
    *,
    span: SlotRange,
    parts: Sequence[Sequence[Row]],
) -> Decoded:
    """Make counts of the rows that answer each of an indicator's expressions.

    Raises:
        SliError: the histogram has no such bucket bound.
        PrometheusError: a further query was not answered.
    """
    values, counting = [], []
    family = family_of(stored_selectors(way))

    def around(end: int, slot: int) -> Surroundings:
        return Surroundings(ask, family, context.lookback, end=end, slot=slot)

    for selector, series in zip(way.selectors, parts, strict=True):
        counter = selector is not None or isinstance(way, Histogram)
        arrays = _arrays(series, context, counter=counter)
        if selector is not None:
            counting.append((_reader(ask, selector, context, way), [arrays]))
        values.append(arrays)
    if isinstance(way, Histogram):
        counting.append((_histogram_reader(ask, way.of, context), values))
    made_exact = [
        _make_exact(ask, read, around, context, span=span, kinds=of) for read, of in counting
    ]
    exact = [one for found in await ask.parts(made_exact) for one in found]
    if isinstance(sli, LatencySli) and isinstance(way, Counters) and not way.leaves_out(parts):
        totals, buckets, *_ = values
        if not totals and not buckets:
            await _require_bound(ask, sli, span)
    doubts = {key: text for part in reversed(exact) for key, text in part.doubts.items()}
    if isinstance(way, Counters):
        doubts |= _parts_above_total(way, values, exact, span)
    counts = {}
    absent = np.full(span.count, np.nan)
    for group in {group for arrays in values for group in arrays}:
        bad, total = way.combine([arrays.get(group, absent) for arrays in values], context)
        unknown = [i for each, i in doubts if each == group]
        total = np.where(np.isin(np.arange(span.count), unknown), np.nan, total)
        most = most_apart(way)
        if most is not None:
            outside = np.flatnonzero((bad < -most * total) | (bad - total > most * total))
            for i in outside.tolist():
                share = float(bad[i] / total[i]) if total[i] else float("inf")
                doubts[group, i] = _no_share(sli, share, span.one(i).end)
            total[outside] = np.nan
            bad = possible_each(bad, total)
        if not np.isnan(total).all():
            counts[group] = Counts(bad=bad, total=total)
    return Decoded(counts, {(span.one(i).end, group): why for (group, i), why in doubts.items()})


def _parts_above_total(
    way: Counters, values: Sequence[dict[Group, Floats]], exact: Sequence[_Exact], span: SlotRange
) -> dict[tuple[Group, int], Reason]:
    """The slots in which counters that begin make the part of the events more than all of them."""
    cut = len(way.total)
    born: dict[tuple[Group, int], float] = defaultdict(float)
    for part in exact[cut:]:
        for key, count in part.born.items():
            born[key] += count
    found = {}
    for (group, i), count in born.items():
        if count > UNSUSPICIOUS and all(term.sign > 0 for term in (*way.total, *way.part)):
            whole, part_of_it = (
                sum(float(np.nan_to_num(arrays[group][i])) for arrays in each if group in arrays)
                for each in (values[:cut], values[cut : cut + len(way.part)])
            )
            if part_of_it > whole:
                found[group, i] = Reason(
                    f"not known before {utc(span.one(i).end)}: counters that began make "
                    f"{part_of_it:,.0f} of {whole:,.0f} events"
                )
    return found


def _no_share(sli: Sli, bad: float, end: int) -> Reason:
    """Why a slot is not known in which a share of `bad` is not between 0 and 1."""
    match sli:
        case RatioSli(error=None):
            what, hint = f"the success ratio was {1 - bad:.4g}", "is it in percent?"
        case RatioSli():
            what, hint = f"the error ratio was {bad:.4g}", "is it in percent?"
        case _:
            what, hint = f"the probe was {1 - bad:.4g}", "is it another gauge?"
    return Reason(
        f"not known before {utc(end)}: {what}, which is not between 0 and 1: {hint}", proof=1
    )


def _arrays(rows: Sequence[Row], context: QueryContext, *, counter: bool) -> dict[Group, Floats]:
    """The rows as arrays over the span's slots, NaN where there is no value."""
    arrays: dict[Group, Floats] = {}
    for row in rows:
        group = tuple(row.labels.get(name, "") for name in context.group_by)
        # A counter may have been NaN or infinite for a while: its other samples still count.
        values = row.values if counter else np.where(np.isinf(row.values), np.nan, row.values)
        before = arrays.get(group)
        arrays[group] = (
            values.copy() if before is None else np.where(np.isnan(values), before, values)
        )
    return arrays


def _reader(ask: Together, selector: Selector, context: QueryContext, way: Indicator) -> Read:
    async def read(end: int, slot: int) -> list[list[CounterSamples]]:
        lookback = context.lookback
        counters = await read_counters(ask, selector, end=end, slot=slot, lookback=lookback)
        histogram = way.histogram if isinstance(way, Counters) else None
        if counters and histogram and selector == histogram.count:
            bucket = histogram.bucket
            buckets = await read_counters(ask, bucket, end=end, slot=slot, lookback=lookback)
            counters = having_bucket(counters, buckets)
        return [counters]

    return read


def _histogram_reader(ask: Together, of: HistogramSelectors, context: QueryContext) -> Read:
    async def read(end: int, slot: int) -> Sequence[Sequence[CounterSamples]]:
        return await read_histograms(ask, of, end=end, slot=slot, lookback=context.lookback)

    return read


async def _make_exact(
    ask: Together,
    read: Read,
    around: Around,
    context: QueryContext,
    *,
    span: SlotRange,
    kinds: Sequence[dict[Group, Floats]],
) -> list[_Exact]:
    """Count the slots that are marked by +Inf, of one kind or another, from raw samples, in place.

    What the samples tell besides is given kind by kind.
    """
    told = [_Exact() for _ in kinds]
    odd = {
        i
        for arrays in kinds
        for array in arrays.values()
        for i in np.isinf(array).nonzero()[0].tolist()
    }
    slots = [
        count_slot(
            read,
            around,
            context.group_by,
            end=span.one(i).end,
            slot=span.slot,
            lookback=context.lookback,
        )
        for i in sorted(odd)
    ]
    for i, counted in zip(sorted(odd), await ask.parts(slots), strict=True):
        for arrays, events, exact in zip(kinds, counted, told, strict=True):
            # Should the samples be gone by now, nothing is known of the slot any more.
            for array in arrays.values():
                array[i] = np.nan
            for group, count in events.counts.items():
                known = abs(count) < MOST_EVENTS
                array = arrays.setdefault(group, np.full(span.count, np.nan))
                array[i] = count if known else np.nan
            exact.born |= {(group, i): count for group, count in events.born.items()}
            exact.doubts |= {(group, i): text for group, text in events.doubts.items()}
    return told


async def _require_bound(ask: Together, sli: LatencySli, span: SlotRange) -> None:
    """Tell whether the histogram has the bound at all.

    Raises:
        SliError: it does not; the message names the bounds there are.
    """
    histogram = parse_selector(sli.histogram)
    bucket = histogram.renamed(f"{histogram.name}_bucket")
    # Slots of a second: moments that are apart are asked for by themselves.
    asked = RawQuestion(f"count by (le{BY}) ({SELECTOR})", bucket, span.end, slot=1)
    found = await ask.series(asked)
    spelled = (each.labels.get("le", "") for each in found)
    bounds = sorted({float(le) for le in spelled if is_number(le)})
    if bounds and sli.threshold not in bounds:
        finite = ", ".join(f"{bound:g}" for bound in bounds if bound != float("inf"))
        raise SliError(
            f"threshold {sli.limit} is not a bucket bound of {sli.histogram}; "
            f"the bounds there are{_in_unit(sli)}: {finite}"
        )


_UNITS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds"}


def _in_unit(sli: LatencySli) -> str:
    return "" if sli.unit == NO_UNIT else f" (in {_UNITS[sli.unit or 's']})"


async def knows_native_histograms(client: PrometheusClient, at: int) -> bool:
    """Whether a server has the functions that read native histograms.

    Raises:
        UnavailableError: it did not answer.
    """
    try:
        await client.instant_query("histogram_count(vector(0))", at)
    except QueryRefusedError:
        return False
    return True
