"""The state: what is known of every SLO, and everything that may be done to it.

Slots are written on the event loop alone, in short steps; what else is read or changed by a job
elsewhere is the daemon's to keep apart (`exporter/daemon/exclusive.py`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from exporter.collection.lateness import Arrivals
from exporter.collection.resample import Resampled
from exporter.collection.settings import MOST_FINE
from exporter.collection.slot_range import SlotRange
from exporter.ledger.history import History
from exporter.ledger.ledger import Ledger
from exporter.ledger.levels import FINE_HORIZON, Level, levels
from exporter.slo.model import Slo
from exporter.slo.past_figures import PastOfMany
from exporter.slo.period import CalendarPeriod
from exporter.slo.types import DAY, Bools, Group, SloIndex
from exporter.state.carry_over import Restoring, followed_slos
from exporter.state.composing import Composing
from exporter.state.days import Days
from exporter.state.impossible_slots import ImpossibleSlots
from exporter.state.part_times import PartTimes, needed_back
from exporter.state.policy_records import PolicyRecords
from exporter.state.reading import Reading, reach_of
from exporter.state.rebuild import Rebuilds
from exporter.state.rebuild_work import Lengths
from exporter.state.rebuild_writing import RebuildWriting
from exporter.state.recording import Ages, GroupSlots, Recording
from exporter.state.revisiting import Revisiting
from exporter.state.series_table import SeriesTable
from exporter.state.settling import Settling
from exporter.state.shared_slots import SharedSlots
from exporter.state.unsaved import Unsaved, collect_unsaved
from exporter.store.stored import SloKey, StoredSlo, key_of


class EvaluationState:
    """What is known of some SLOs. Each is known by its index, and has a series per group.

    - `slos`: the SLOs themselves; `window_kinds`: their periods, each with windows of conditions.
    - `policies`: the number of each SLO's policy and conditions; equal ones have the same.
    - `ledger`: their slots, and `series`: whose each series of it is. For reading.
    - `policy_records`: the policy states that are final.
    - `rebuilds`: the SLOs of which slots are asked for again, `shared_slots`: those of others.
    - `arrivals`: up to when the data of each SLO are complete; `settling`: which are asked.
    - `lookbacks`: how far each SLO's counters are looked for: two scrape intervals, in seconds.
    - `slack`: how many seconds of events the counters of an SLO may be apart; 0 if they never are.
    - `impossible`: the slots of which nothing is known as their counts cannot be.
    - `recording`: writes answers down; `reading`: what of the past is read next.
    - `revisiting`: looks at settled slots again.
    - `composing` puts composites together; `times` are theirs, and those of all.
    - `past_of_many`: what policy states tell.
    """

    def __init__(
        self,
        slos: Sequence[Slo],
        interval: int,
        lookbacks: Sequence[int] = (),
        slack: Callable[[SloIndex], float] = lambda _: 0.0,
        patience: float = 300,
        *,
        cut: Sequence[Level] | None = None,
        most_fine: int = MOST_FINE,
        revisit: int = FINE_HORIZON,
    ) -> None:
        """Begin with nothing known; `cut` is how the ledger is cut, if not as is usual."""
        self.slos = tuple(slos)
        self._patience, self._most_fine, self._revisit = patience, most_fine, revisit
        numbers: dict[Hashable, int] = {}
        self.policies = tuple(
            numbers.setdefault((slo.policy, slo.alerting.enabled, slo.timeslices), len(numbers))
            for slo in slos
        )
        self.window_kinds = frozenset((slo.period, slo.alerting.windows) for slo in slos)
        # What each SLO's spans are made of.
        self._units = [slo.timeslices.slice if slo.timeslices else interval for slo in slos]
        self._longest = needed_back(self.slos)
        self._answered = np.zeros(len(self.slos))
        boundaries = [slo.period.boundary for slo in slos if isinstance(slo.period, CalendarPeriod)]
        boundary = math.gcd(*boundaries) if boundaries else None
        self.ledger = Ledger(
            # What has not settled is replayed, with the periods that ended then.
            cut or levels(interval, max(self._longest) + FINE_HORIZON, boundary),
            slo_count=len(self.slos),
            end=0,
        )
        self.series = SeriesTable(self.slos, self.ledger)
        self.policy_records = PolicyRecords(self.slos, self.series)
        self._days = Days(self.ledger, self.series, len(self.slos))
        self.lookbacks = lookbacks or [0] * len(self.slos)
        self.arrivals = Arrivals(interval, self.lookbacks, patience)
        reach = reach_of(self.ledger, len(self.slos), most_fine)
        self.settling = Settling(self.ledger, self.arrivals, self._units, patience, reach=reach)
        groups = GroupSlots(self.slos, self.series)
        self.slack = slack
        self.impossible = ImpossibleSlots(self.ledger)
        known = self.ledger, self.series, groups.of, self.policy_records, self.impossible
        writing = RebuildWriting(*known, slack=slack, lookbacks=self.lookbacks)
        lengths = Lengths(self._units, self.lookbacks, self._longest, patience)
        self.rebuilds = Rebuilds(self.ledger, self.settling, writing, lengths)
        self.recording = Recording(
            *(self.ledger, groups, self.impossible),
            slack=slack,
            ages=Ages(self.settling, self.arrivals, self._answered),
        )
        self.reading = Reading(
            *(self.slos, self.ledger, self.series, self.settling),
            longest=self._longest,
            in_long=reach is not None,
        )
        self.revisiting = Revisiting(
            *(self.ledger, self.series, self.settling, self.policy_records),
            lengths=lengths,
            horizon=revisit,
        )
        own = self.slos, (self._units, interval)
        self.times = PartTimes(*own, self.arrivals, self._answered, self.lookbacks)
        parts = self.slos, self.ledger, self.series, self.times
        self.composing = Composing(*parts, replay=self.policy_records.go_back, slack=slack)
        self._restoring = Restoring(self.ledger)
        self.past_of_many = PastOfMany()
        self._keys: tuple[SloKey, ...] = ()
        self.shared_slots = SharedSlots(
            self.slos, self.ledger, self.series, self._restoring, units=self._units, settle=patience
        )

    # What is to be asked

    def note_arrivals(self, reaches: Mapping[SloIndex, float | None], now: float) -> None:
        """Note how far the samples of SLOs reach at `now`; see `Arrivals.note`."""
        at, found = np.array([*reaches], dtype=np.intp), [*reaches.values()]
        self.arrivals.note_all(at, np.array(found, dtype=np.float64), now)  # NaN for None

    def note_nothing_new(self, slo_indices: Iterable[SloIndex]) -> None:
        """Note that the answer for some SLOs is that nothing new has come."""
        at = np.array([*slo_indices], dtype=np.intp)
        self._answered[at] = np.maximum(self._answered[at], self.ledger.end)

    # What was answered

    def record(
        self,
        level: int,
        slo_index: SloIndex,
        span: SlotRange,
        answer: Mapping[Group, Resampled],
        settled_until: float,
    ) -> str | None:
        """Write an answer down; see `Recording.record`."""
        return self.recording.record(level, slo_index, span, answer, settled_until)

    def go_to(self, end: int) -> EvaluationState:
        """The state at a moment (Unix seconds), which may lie behind the one it is at."""
        if end >= self.ledger.cover(0)[0] or not self.ledger.end:
            self.ledger.retreat(end)
            self.ledger.advance(end)
            # What was answered for a time yet to come does not show that anybody answers now.
            np.minimum(self._answered, end, out=self._answered)
            return self
        # Coarse slots are not taken apart in place.
        return self.begun_again({}, end)

    def begun_again(self, stored: Mapping[SloIndex, StoredSlo], end: int) -> EvaluationState:
        """Another state at `end`, of what this one knows and, before all tiers, what is stored."""
        state = EvaluationState(
            *(self.slos, self.ledger.interval, self.lookbacks, self.slack, self._patience),
            most_fine=self._most_fine,
            revisit=self._revisit,
        )
        again = {s: replace(item, resumed=True) for s, item in stored.items()}
        state.follow(self, again, at=end, saved=False)
        state.ledger.advance(end)
        return state

    # What an evaluation needs, and what comes of it

    def answered_since(self, moment: float) -> Bools:
        """Of which SLOs Prometheus has answered since a moment (Unix seconds)."""
        # A slice is answered for only once it is over.
        slack = np.asarray(self._units) - self.ledger.interval
        return np.asarray(self._answered >= moment - slack)

    def incomplete(self) -> Bools:
        """Of which SLOs history is missing that was never asked for."""
        return np.asarray((self._answered <= 0) | self.reading.unread(), dtype=np.bool_)

    def count_the_day(self) -> list[bool]:
        """Bring the counters of the day up to date, and tell of which SLOs all of it is known.

        They begin at midnight UTC, and not with the process: replicas and restarts agree on them.
        """
        end = self.ledger.end
        day = (end - 1) // DAY * DAY
        sums = self.ledger.window(end - day)
        self.series.show_day(day, sums.bad, sums.total)
        unread = self.reading.unread([end - day] * len(self.slos))
        known: list[bool] = ((self._answered > 0) & ~unread).tolist()
        return known

    # The store, and other states

    def keys(self) -> Sequence[SloKey]:
        """What identifies these SLOs in the store, by their index."""
        if not self._keys:  # hashing thousands takes long, and a start asks more than once
            self._keys = tuple(map(key_of, self.slos, self._longest))
        return self._keys

    def take_unsaved(self, most: int | None = None) -> Unsaved:
        """What has changed since the last call, or `most` of it; to be stored, or given back."""
        return collect_unsaved(self.ledger, self.series, self.policy_records, self._days, most)

    def give_back(self, unsaved: Unsaved) -> None:
        """Note again what could not be stored."""
        self.ledger.give_back(unsaved.chunks)
        self.policy_records.give_back(unsaved.policy_states)
        self._days.give_back(unsaved.days)

    def give_all_back(self) -> None:
        """Note that nothing is stored any more."""
        self.ledger.give_all_back()
        self.policy_records.give_all_back()
        self._days.give_all_back()

    def history(self, slo_index: SloIndex) -> History:
        """Everything that is known of an SLO."""
        return self.ledger.history(
            slo_index, self.series.indices(slo_index), self.series.groups(slo_index)
        )

    def take_over(self, stored: Mapping[SloIndex, StoredSlo], *, at: int) -> None:
        """Begin with histories (by SLO) from a store or another state; at `at` at the latest.

        What they tell of the time after `at` (Unix seconds) is left out: it is yet to come.
        """
        ends = [item.history.end for item in stored.values()]
        self.ledger.advance(min(at, max(ends, default=0)))
        for slo_index, item in stored.items():
            slo, history = self.slos[slo_index], item.history
            if slo.group_by:
                # Those that left the period would take the room of those that are there.
                history = history.since(self.ledger.end - self._longest[slo_index])
                self.series.make_room(slo_index, history.groups)
            self._restoring.restore(
                slo_index,
                self.series.indices(slo_index),
                self.series.groups(slo_index),
                history,
                windows=slo.maintenance,
                unit=self._units[slo_index],
                stored=item.own,
            )
            self.take_records(slo_index, item)
        self.ledger.cells.forget()

    def take_records(self, slo_index: SloIndex, item: StoredSlo) -> None:
        """Take over what is known of an SLO besides its slots."""
        self.revisiting.counted_elsewhere(slo_index)
        stored = item.own and not item.resumed
        self.policy_records.restore(slo_index, item.final_until, item.policy_states, stored=stored)
        if item.rebuild:
            self.rebuilds.begin(slo_index)

    def follow(
        self, old: EvaluationState, stored: Mapping[SloIndex, StoredSlo], *, at: int, saved: bool
    ) -> None:
        """Take the place of another state; what it does not have comes from the store.

        `saved` tells whether the store has all that is settled in the old one.
        """
        old.rebuilds.finish_all()
        followed = followed_slos(self.keys(), old.keys())
        histories = dict(stored)
        final_until = old.policy_records.until
        for slo_index, each in followed.items():
            history, item = old.history(each.before), stored.get(slo_index)
            if item is not None:
                history = history.over(item.history)
            if item is None or not (item.resumed or (item.policy_states and not each.goes_on)):
                past = (final_until[each.before], old.policy_records.of_slo(each.before))
                until, states = past if each.goes_on else (0, {})
                item = StoredSlo(history, own=True, final_until=until, policy_states=states)
            own = each.own and saved
            histories[slo_index] = replace(item, history=history, own=own, rebuild=False)
        self.take_over(histories, at=at)
        for slo_index, each in followed.items():
            before = each.before
            self._answered[slo_index] = min(at, old._answered[before])
            self.series.continue_counters(slo_index, old.series, before)
            self.rebuilds.follow(slo_index, old.rebuilds, before)
            self.revisiting.follow(slo_index, old.revisiting, before)
