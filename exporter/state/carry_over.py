"""Histories on their way into a ledger: brought up to its time, its cut and its maintenance."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from exporter.ledger.history import History, Stretch
from exporter.ledger.ledger import Ledger
from exporter.ledger.levels import Level
from exporter.slo.maintenance import MaintenanceWindow, excluded
from exporter.slo.types import Floats, Groups, SeriesIndex, SloIndex, enumerate_slos
from exporter.store.stored import SloKey


def brought_up_to(history: History, ledger: Ledger) -> History:
    """The history as of the end of a ledger that may be later than it.

    It goes through a ledger of its own, since its levels cover another time.
    """
    if history.end >= ledger.end:
        return history
    own = Ledger(ledger.levels, slo_count=1, end=history.end)
    series = [own.add_series() for _ in history.groups]
    own.restore(SloIndex(0), series, history, stored=False)
    own.advance(ledger.end)
    return own.history(SloIndex(0), series, history.groups)


@dataclass(frozen=True, slots=True)
class Followed:
    """What an SLO goes on from: its index `before`.

    `own` tells whether it is the same SLO, and not one that measures the same under another name.
    `renamed` tells of the latter that it is configured no more: its tiers and incidents go on, too.
    """

    before: SloIndex
    own: bool
    renamed: bool

    @property
    def goes_on(self) -> bool:
        """Whether its tiers, incidents and firings go on."""
        return self.own or self.renamed


def followed_slos(new: Sequence[SloKey], old: Sequence[SloKey]) -> dict[SloIndex, Followed]:
    """Which SLO of another configuration each one goes on from.

    Those that go on from none are left out. Of several that measure the same, it is the one that
    was renamed; of these, the one that is judged in the same way and was called most alike.
    """
    same = {key: slo_index for slo_index, key in enumerate_slos(old)}
    there = set(new)
    alike: dict[str, list[SloIndex]] = defaultdict(list)
    for slo_index, key in enumerate_slos(old):
        alike[key.measured].append(slo_index)
    found, taken = {}, set()
    for slo_index, key in enumerate_slos(new):
        if key in same:
            found[slo_index] = Followed(same[key], own=True, renamed=False)
            continue
        others = alike.get(key.measured)
        if not others:
            continue

        def fitting(other: SloIndex, key: SloKey = key) -> tuple[bool, bool, bool, bool]:
            before = old[other]
            gone = before not in there and other not in taken
            judged = before.judged_by == key.judged_by
            return gone, judged, before.service == key.service, before.name == key.name

        before = max(others, key=fitting)
        renamed = fitting(before)[0]
        if renamed:
            taken.add(before)
        found[slo_index] = Followed(before, own=False, renamed=renamed)
    return found


def held_by(
    old_keys: Sequence[SloKey],
    old_levels: Sequence[Level],
    keys: Sequence[SloKey],
    levels: Sequence[Level],
) -> tuple[set[SloIndex], set[SloIndex]]:
    """Which SLOs a state that is followed has all of, so that a store need not be read.

    It has not where they go further back now, or have slots of lengths that it has not.

    Returns:
        Those, and those of them that are judged otherwise now.
    """
    if not {level.slot for level in levels} <= {level.slot for level in old_levels}:
        return set(), set()
    there = {key: key for key in old_keys}
    before = {slo_index: there[key] for slo_index, key in enumerate_slos(keys) if key in there}
    known = {i for i, each in before.items() if keys[i].keep <= each.keep}
    return known, {i for i in known if keys[i].judged_by != before[i].judged_by}


class Restoring:
    """Puts histories into a ledger; shares of maintenance windows are computed once for all."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._shares: dict[tuple[tuple[MaintenanceWindow, ...], int, int, int], Floats] = {}

    def restore(
        self,
        slo_index: SloIndex,
        series: Sequence[SeriesIndex],
        groups: Groups,
        history: History,
        *,
        windows: tuple[MaintenanceWindow, ...],
        unit: int,
        stored: bool,
    ) -> None:
        """Put an SLO's history into its series, which hold nothing yet.

        `unit` is what its spans are made of, in seconds. `stored` tells whether the store has it.
        """
        ledger = self._ledger
        stored = stored and history.end == ledger.end
        history = brought_up_to(history, ledger)
        stretches = tuple(self.reexcluded(stretch, windows, unit) for stretch in history.stretches)
        stored &= all(new is old for new, old in zip(stretches, history.stretches, strict=True))
        picked = History(history.end, history.groups, stretches).of_groups(groups)
        ledger.restore(slo_index, series, picked, stored=stored)

    def reexcluded(
        self, stretch: Stretch, windows: tuple[MaintenanceWindow, ...], unit: int
    ) -> Stretch:
        """A stretch under the maintenance windows of now."""
        if not windows and stretch.excluded is None:
            return stretch
        stretch = stretch.without_stand_ins()
        if max(unit, stretch.slot) % min(unit, stretch.slot):
            return stretch  # of another interval: it is asked for again as it is
        key = (windows, unit, stretch.slot, stretch.start)
        share = self._shares.get(key)
        if share is None or len(share) < len(stretch.asked):
            share = self._shares[key] = _share(windows, unit, stretch)
        return stretch.reexcluded(share[: len(stretch.asked)])


def _share(windows: Sequence[MaintenanceWindow], unit: int, stretch: Stretch) -> Floats:
    """How much of each slot of a stretch is excluded: a unit is as soon as a window touches it."""
    start = stretch.start - stretch.start % unit
    end = -(-stretch.end // unit) * unit
    out = (excluded(windows, start, unit, (end - start) // unit) > 0).astype(np.float64)
    if unit > stretch.slot:
        out = np.repeat(out, unit // stretch.slot)
        first = (stretch.start - start) // stretch.slot
        return out[first : first + len(stretch.asked)]
    share: Floats = out.reshape(len(stretch.asked), -1).mean(axis=1)
    return share
