"""The ledger's series: which SLO or group each one holds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exporter.ledger.ledger import Ledger
from exporter.slo.model import Slo
from exporter.slo.types import (
    LONGEST_VALUE,
    Floats,
    Group,
    SeriesIndex,
    SloIndex,
    enumerate_slos,
)


@dataclass(slots=True)
class SeriesEntry:
    """One SLO, or one group of it.

    An SLO with `group_by` has a series without a group besides: it stands for the SLO while no
    group is known, and is never written to.
    """

    slo_index: SloIndex
    group: Group | None
    # The labels of the group, by the names that they have here.
    shown: Mapping[str, str]


class SeriesTable:
    """Gives every SLO its series, and every group that is found one."""

    def __init__(self, slos: Sequence[Slo], ledger: Ledger) -> None:
        self._slos = slos
        self._ledger = ledger
        self._free: list[SeriesIndex] = []
        self._of_slo: list[list[SeriesIndex]] = [[] for _ in slos]
        self.entries: list[SeriesEntry] = []
        # What was shown last of each one's events of a day, and of which day: see `show_day`.
        self._day = np.zeros(0, dtype=np.int64)
        self._bad_shown, self._total_shown = np.zeros(0), np.zeros(0)
        self._slo_indices: NDArray[np.intp] | None = None
        self._keys: list[tuple[SloIndex, Group]] = []
        for slo_index, slo in enumerate_slos(slos):
            if slo.group_by:
                self._ledger.add_series()
                self.entries.append(self._entry(slo_index, None))
            else:
                self._add(slo_index, ())

    def indices(self, slo_index: SloIndex) -> Sequence[SeriesIndex]:
        """The series of an SLO (by its index)."""
        return self._of_slo[slo_index]

    def groups(self, slo_index: SloIndex) -> tuple[Group, ...]:
        """The groups of these series."""
        return tuple(
            self.entries[series_index].group or () for series_index in self._of_slo[slo_index]
        )

    def _entry(self, slo_index: SloIndex, group: Group | None) -> SeriesEntry:
        self._slo_indices, self._keys = None, []
        return SeriesEntry(slo_index, group, self._slos[slo_index].groups(group or ()))

    def slo_indices(self) -> NDArray[np.intp]:
        """Whose each series is. Not to be changed."""
        if self._slo_indices is None:
            self._slo_indices = np.array([each.slo_index for each in self.entries], dtype=np.intp)
        return self._slo_indices

    def keys(self) -> Sequence[tuple[SloIndex, Group]]:
        """Whose each series is, and the group that it holds. Not to be changed."""
        if not self._keys:
            self._keys = [(each.slo_index, each.group or ()) for each in self.entries]
        return self._keys

    def show_day(self, day: int, bad: Floats, total: Floats) -> None:
        """Show the events of each series counted since `day` began (Unix seconds).

        A correction may take events back, but what is shown is a counter and must not fall.
        """
        self._make_room_to_show()
        same = self._day == day
        self._bad_shown = np.where(same, np.maximum(self._bad_shown, bad), bad)
        self._total_shown = np.where(same, np.maximum(self._total_shown, total), total)
        self._day[:] = day

    def _make_room_to_show(self) -> None:
        new = len(self.entries) - len(self._day)
        if new:
            self._day = np.append(self._day, np.zeros(new, dtype=np.int64))
            self._bad_shown = np.append(self._bad_shown, np.zeros(new))
            self._total_shown = np.append(self._total_shown, np.zeros(new))

    def shown_of_the_day(self) -> tuple[Floats, Floats]:
        """The bad and all events that are shown of each series. Not to be changed."""
        return self._bad_shown, self._total_shown

    def continue_counters(self, slo_index: SloIndex, old: SeriesTable, before: SloIndex) -> None:
        """Go on from what the series of `old` have shown of the same SLO, `before` there."""
        self._make_room_to_show()
        old._make_room_to_show()
        shown = dict(zip(old.groups(before), old.indices(before), strict=True))
        for series_index, group in zip(
            self._of_slo[slo_index], self.groups(slo_index), strict=True
        ):
            if group in shown:
                of = shown[group]
                self._day[series_index] = old._day[of]
                self._bad_shown[series_index] = old._bad_shown[of]
                self._total_shown[series_index] = old._total_shown[of]

    def make_room(self, slo_index: SloIndex, groups: Iterable[Group]) -> str | None:
        """Give series to the groups that have none yet, as far as `max_groups` lets them.

        Returns:
            What is wrong, in words for the SLO's owner: some are left out, or none has the label.
        """
        slo = self._slos[slo_index]
        held = {self.entries[series_index].group for series_index in self._of_slo[slo_index]}
        found = set(groups) - held
        new = sorted(group for group in found if _is_short(group))
        too_long = _too_long(slo, found)
        if not new:
            return too_long or _absent_label(slo, held)
        room = slo.max_groups - len(held) if slo.group_by else 0
        if len(new) > room:
            room += self._forget(slo_index)
        for group in new[:room]:
            self._add(slo_index, group)
        if len(new) <= room:
            return too_long or _absent_label(slo, held | set(new))
        # Without their number, which changes with every answer: it would be said each time.
        return f"there are more groups than max_groups ({slo.max_groups}): the others are left out"

    def _forget(self, slo_index: SloIndex) -> int:
        """Free the series of groups that left the period; how many."""
        series_indices = self._of_slo[slo_index]
        known = self._ledger.window(self._slos[slo_index].period.longest).known
        gone = [series_index for series_index in series_indices if not known[series_index]]
        for series_index in gone:
            series_indices.remove(series_index)
            self._ledger.clear_series(series_index)
        self._free += gone
        return len(gone)

    def _add(self, slo_index: SloIndex, group: Group) -> None:
        if self._free:
            series_index = self._free.pop()
            self.entries[series_index] = self._entry(slo_index, group)
            if series_index < len(self._day):
                self._day[series_index] = 0
        else:
            series_index = self._ledger.add_series()
            self.entries.append(self._entry(slo_index, group))
        self._of_slo[slo_index].append(series_index)


def _is_short(group: Group) -> bool:
    return all(len(value) <= LONGEST_VALUE for value in group)


def _too_long(slo: Slo, groups: Iterable[Group]) -> str | None:
    """Say which `group_by` label has values that no page, metric or store should have to hold."""
    for group in groups:
        for label, value in zip(slo.group_by, group, strict=False):
            if len(value) > LONGEST_VALUE:
                return (
                    f"the label {label} has values of more than {LONGEST_VALUE:,} characters: "
                    "their groups are left out"
                )
    return None


def _absent_label(slo: Slo, groups: Collection[Group | None]) -> str | None:
    """Say which `group_by` label no series has."""
    values = [group for group in groups if group]
    for i, label in enumerate(slo.group_by):
        if values and not any(group[i] for group in values):
            return f"no series has the label {label}, or the query sums it away: all are one group"
    return None
