"""The ledger's rows: which SLO or group each one holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from exporter.collection.slot_range import Group
from exporter.ledger.ledger import Ledger
from exporter.slo.model import Slo


@dataclass(slots=True)
class SeriesEntry:
    """One SLO, or one group of it.

    An SLO with `group_by` has a row without a group besides: it stands for the SLO while no
    group is known, and is never written to.
    """

    source: int
    group: Group | None
    # What was shown last of the day's events, and of which day: see `show`.
    day: int = 0
    bad_shown: float = 0.0
    total_shown: float = 0.0

    def show(self, day: int, bad: float, total: float) -> None:
        """Show the events counted since `day` began (Unix seconds).

        A correction may take events back, but what is shown is a counter and must not fall.
        """
        if day != self.day:
            self.day, self.bad_shown, self.total_shown = day, bad, total
        self.bad_shown = max(self.bad_shown, bad)
        self.total_shown = max(self.total_shown, total)


class SeriesTable:
    """Gives every SLO its row, and every group that is found one."""

    def __init__(self, slos: Sequence[Slo], ledger: Ledger) -> None:
        self._slos = slos
        self._ledger = ledger
        self._free: list[int] = []
        self._of_source: list[list[int]] = [[] for _ in slos]
        self.all: list[SeriesEntry] = []
        for source, slo in enumerate(slos):
            if slo.group_by:
                self._ledger.add_row()
                self.all.append(SeriesEntry(source, None))
            else:
                self._add(source, ())

    def of(self, source: int) -> Sequence[int]:
        """The rows of an SLO (by its index)."""
        return self._of_source[source]

    def groups(self, source: int) -> tuple[Group, ...]:
        """The groups of these rows."""
        return tuple(self.all[row].group or () for row in self._of_source[source])

    def continue_counters(self, source: int, old: SeriesTable, before: int) -> None:
        """Go on from what other rows have shown of the same SLO, which was `before` among them."""
        shown = dict(zip(old.groups(before), old.of(before), strict=True))
        for row, group in zip(self._of_source[source], self.groups(source), strict=True):
            if group in shown:
                of = old.all[shown[group]]
                self.all[row].show(of.day, of.bad_shown, of.total_shown)

    def make_room(self, source: int, groups: Iterable[Group]) -> str | None:
        """Give rows to the groups that have none yet, as far as `max_groups` lets them.

        Returns:
            What is wrong, in words for the SLO's owner, if some are left out.
        """
        slo = self._slos[source]
        held = {self.all[row].group for row in self._of_source[source]}
        new = sorted(set(groups) - held)
        if not new:
            return None
        room = slo.max_groups - len(held) if slo.group_by else 0
        if len(new) > room:
            room += self._forget(source)
        for group in new[:room]:
            self._add(source, group)
        if len(new) <= room:
            return None
        return (
            f"{len(held) + len(new)} groups found, more than max_groups "
            f"({slo.max_groups}): {len(new) - room} are left out"
        )

    def _forget(self, source: int) -> int:
        """Free the rows of groups that left the period; how many."""
        rows = self._of_source[source]
        known = self._ledger.window(self._slos[source].period.longest).known
        gone = [row for row in rows if not known[row]]
        for row in gone:
            rows.remove(row)
            self._ledger.clear_row(row)
        self._free += gone
        return len(gone)

    def _add(self, source: int, group: Group) -> None:
        if self._free:
            row = self._free.pop()
            self.all[row] = SeriesEntry(source, group)
        else:
            row = self._ledger.add_row()
            self.all.append(SeriesEntry(source, group))
        self._of_source[source].append(row)
