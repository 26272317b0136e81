"""The state: the ledger, whose series are whose, and how answers and histories get into it."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from exporter.collection import pending
from exporter.collection.resample import Resampled
from exporter.collection.slot_range import SlotRange
from exporter.ledger.history import History, Stretch
from exporter.ledger.ledger import Chunk, Ledger
from exporter.ledger.levels import FINE_HORIZON, levels
from exporter.ledger.ring_buffer import Slots, stacked
from exporter.ledger.slot_status import SlotStatus
from exporter.slo.maintenance import MaintenanceWindow, excluded
from exporter.slo.measured import measured
from exporter.slo.model import Slo
from exporter.slo.period import CalendarPeriod
from exporter.slo.policy import Policy
from exporter.slo.policy_state import PolicyState
from exporter.slo.types import DAY, Floats, Group, SeriesIndex, SloIndex, enumerate_slos
from exporter.state.rebuild import DeferredAnswer, kept_by_ledger
from exporter.state.series_table import SeriesTable
from exporter.store.store import Change, Owner, Stored
from exporter.store.tier_history import PolicyStates


class EvaluationState:
    """What is known of some SLOs. Each is known by its place, and may have several series.

    - `policies`: the number of each SLO's policy; equal ones have the same.
    - `units`: what each SLO's spans are made of, in seconds: the interval, or its time slice.
    - `longest`: how far back each SLO's slots are needed, in seconds.
    - `answered`: until when Prometheus has answered for each SLO, Unix seconds; 0 for never.
    - `final_until`: until when each SLO was judged for good, Unix seconds; 0 for never.
    - `policy states`: the policy state of each SLO's groups as of then.
    - `forecasts`: when the tiers of series get better, and what that was computed for.
    """

    def __init__(self, slos: Sequence[Slo], interval: int, lookbacks: Sequence[int] = ()) -> None:
        self.slos = tuple(slos)
        numbers: dict[Policy, int] = {}
        self.policies = [numbers.setdefault(slo.policy, len(numbers)) for slo in slos]
        self.units = [slo.timeslices.slice if slo.timeslices else interval for slo in slos]
        # Counters are of the day, so that is needed whatever the period.
        self.longest = [max(slo.period.longest, DAY) for slo in slos]
        self.answered = np.zeros(len(self.slos))
        self.final_until = np.zeros(len(self.slos), dtype=np.int64)
        self.policy_states: dict[tuple[SloIndex, Group], PolicyState] = {}
        self.forecasts: dict[SeriesIndex, tuple[object, float | None]] = {}
        self._unsaved: set[tuple[SloIndex, Group]] = set()
        boundaries = [slo.period.boundary for slo in slos if isinstance(slo.period, CalendarPeriod)]
        boundary = math.gcd(*boundaries) if boundaries else None
        self.ledger = Ledger(
            # What has not settled is judged anew, with the periods that ended then.
            levels(interval, max(self.longest) + FINE_HORIZON, boundary),
            slo_count=len(self.slos),
            end=0,
        )
        self.series = SeriesTable(self.slos, self.ledger)
        self._lookbacks = lookbacks or [0] * len(self.slos)
        self._aside: dict[SloIndex, list[DeferredAnswer]] = {}
        self._rebuilt: set[SloIndex] = set()
        self._shares: dict[tuple[tuple[MaintenanceWindow, ...], int, int, int], Floats] = {}

    def keep(
        self,
        level: int,
        slo_index: SloIndex,
        span: SlotRange,
        answer: Mapping[Group, Resampled],
        settled_until: float,
    ) -> str | None:
        """Write an answer down; what ended by `settled_until` (Unix seconds) is settled.

        Returns:
            What is wrong, in words for the SLO's owner, if some groups are left out.
        """
        left_out = self.series.make_room(slo_index, answer)
        series_indices = self.series.indices(slo_index)
        ends = np.arange(span.start + span.slot, span.end + 1, span.slot)
        known = np.zeros(span.count, dtype=np.bool_)
        if series_indices:
            slots, excluded = self._slots(slo_index, span, answer)
            known = np.asarray((slots.known > 0).any(axis=0))
            if slo_index in self._aside:
                self._aside[slo_index].append(DeferredAnswer(level, span, answer))
                held = self.ledger.held(level, series_indices, span.start, span.count)
                slots = replace(slots, known=np.where(held, 0, slots.known))
            self.ledger.write(level, series_indices, span.start, slots, excluded)
        asked = np.where(known, SlotStatus.PROVISIONAL, SlotStatus.EMPTY).astype(np.uint8)
        asked[ends <= settled_until] = SlotStatus.SETTLED
        self.ledger.mark(level, slo_index, span.start, asked)
        return left_out

    def _slots(
        self, slo_index: SloIndex, span: SlotRange, answer: Mapping[Group, Resampled]
    ) -> tuple[Slots, Slots | None]:
        """An answer as slots of all series of an SLO, and what maintenance excludes of them."""
        absent = Slots.none(1, span.count)
        found = [answer.get(group) for group in self.series.groups(slo_index)]
        slots = stacked([one.slots if one else absent for one in found])
        if not self.slos[slo_index].maintenance:
            return slots, None
        return slots, stacked([one.excluded or absent if one else absent for one in found])

    def rebuild(self, slo_index: SloIndex) -> None:
        """Have everything of an SLO asked for anew.

        Until all of it is there, everything stays as it is; then what Prometheus still has
        replaces what is held, and what it no longer has stays.
        """
        self._aside[slo_index] = []
        self._rebuilt.discard(slo_index)
        self.ledger.forget(slo_index)

    @property
    def rebuilding(self) -> Collection[SloIndex]:
        """The SLOs that are being asked for anew."""
        return self._aside.keys() | self._rebuilt

    def rebuilt(self) -> Collection[SloIndex]:
        """Those of them of which everything has been asked for; it is in the ledger by now."""
        if self._aside:
            missing = (self.ledger.asked(0) == SlotStatus.NO).any(axis=1)
            missing |= pending.unread(self.ledger, self.longest)
            for slo_index in [slo_index for slo_index in self._aside if not missing[slo_index]]:
                self._put_in(slo_index, self._aside.pop(slo_index))
                self._rebuilt.add(slo_index)
        return tuple(self._rebuilt)

    def end_rebuild(self, slo_index: SloIndex) -> None:
        """Note that it is stored that an SLO was asked for anew."""
        self._rebuilt.discard(slo_index)

    def _put_in(self, slo_index: SloIndex, aside: Sequence[DeferredAnswer]) -> None:
        """Write down what was put aside, but for what the ledger is right about."""
        series_indices = self.series.indices(slo_index)
        if not series_indices or not aside:
            return
        spans = [of.span for of in aside]
        answers = [self._slots(slo_index, of.span, of.answer) for of in aside]
        held = [
            self.ledger.held(of.level, series_indices, of.span.start, of.span.count) for of in aside
        ]
        starts = np.concatenate([np.arange(of.start, of.end, of.slot) for of in spans])
        # Where a slot was asked for twice, the later answer stands.
        order = np.argsort(starts, kind="stable")
        picked = order[np.append(np.diff(starts[order]) > 0, True)]
        answered = np.concatenate([slots.known > 0 for slots, _ in answers], axis=1)
        holds = np.concatenate(held, axis=1)
        keep = np.ones_like(holds)
        for series_index in range(len(series_indices)):
            keep[series_index, picked] = kept_by_ledger(
                starts[picked],
                answered[series_index, picked],
                holds[series_index, picked],
                self._lookbacks[slo_index],
            )
        cuts = np.cumsum([of.count for of in spans])[:-1]
        for of, (slots, out), kept in zip(
            aside, answers, np.split(keep, cuts, axis=1), strict=True
        ):
            right = replace(slots, known=np.where(kept, 0, slots.known))
            self.ledger.write(of.level, series_indices, of.span.start, right, out)
            self.ledger.note_change(of.level, of.span.start, of.span.end, slo_index)

    def owners(self) -> list[Owner]:
        """Whose slots these are, for the store; in the order of the SLOs."""
        return [
            Owner(measured(slo), slo.service, slo.name, keep)
            for slo, keep in zip(self.slos, self.longest, strict=True)
        ]

    def take_over(self, stored: Mapping[SloIndex, Stored], *, at: int) -> None:
        """Begin with histories (by SLO) from a store or another state; at `at` at the latest.

        What they tell of the time after `at` (Unix seconds) is left out: it is yet to come.
        """
        ends = [of.history.end for of in stored.values()]
        self.ledger.advance(min(at, max(ends, default=0)))
        for slo_index, of in stored.items():
            history = of.history
            if self.slos[slo_index].group_by:
                # Those that left the period would take the room of those that are there.
                history = history.since(self.ledger.end - self.longest[slo_index])
                self.series.make_room(slo_index, history.groups)
            self._restore(slo_index, Stored(history, of.own))
            self.final_until[slo_index] = of.until
            for group, policy_state in of.policy_states.items():
                self.policy_states[slo_index, group] = policy_state
                if not of.own:
                    self._unsaved.add((slo_index, group))
            if of.rebuild:
                self.rebuild(slo_index)

    def go_to(self, end: int) -> EvaluationState:
        """The state at a moment (Unix seconds), which may lie behind the one they are at."""
        if end >= self.ledger.cover(0)[0] or not self.ledger.end:
            self.ledger.retreat(end)
            self.ledger.advance(end)
            # What was answered for a time yet to come is no sign that anybody answers now.
            np.minimum(self.answered, end, out=self.answered)
            return self
        # Coarse slots are not taken apart in place.
        state = EvaluationState(self.slos, self.ledger.interval, self._lookbacks)
        state.follow(self, {}, at=end, saved=False)
        state.ledger.advance(end)
        return state

    def follow(
        self, old: EvaluationState, stored: Mapping[SloIndex, Stored], *, at: int, saved: bool
    ) -> None:
        """Take the place of another state; what they do not have comes from the store.

        `saved` tells whether the store has all that is settled in the old ones.
        """
        done = old.rebuilt()
        owners = old.owners()
        same = {owner.identity: slo_index for slo_index, owner in enumerate_slos(owners)}
        alike = {owner.measured: slo_index for slo_index, owner in enumerate_slos(owners)}
        found, followed = dict(stored), {}
        for slo_index, owner in enumerate_slos(self.owners()):
            own = owner.identity in same
            before = same.get(owner.identity, alike.get(owner.measured))
            if before is not None:
                followed[slo_index] = before
                history = old.history(before)
                if slo_index in stored:
                    history = history.over(stored[slo_index].history)
                found[slo_index] = Stored(
                    history,
                    own=own and saved,
                    until=int(old.final_until[before]),
                    policy_states=old.policy_states_of(before),
                )
        self.take_over(found, at=at)
        for slo_index, before in followed.items():
            self.answered[slo_index] = min(at, old.answered[before])
            self.series.continue_counters(slo_index, old.series, before)
            if before in done:
                self._rebuilt.add(slo_index)
            elif before in old.rebuilding:
                self.rebuild(slo_index)

    def policy_state(self, series_index: SeriesIndex) -> PolicyState | None:
        """What a series was judged for good."""
        of = self.series.entries[series_index]
        return self.policy_states.get((of.slo_index, of.group or ()))

    def set_policy_state(self, series_index: SeriesIndex, policy_state: PolicyState) -> None:
        """Judge a series for good."""
        of = self.series.entries[series_index]
        key = of.slo_index, of.group or ()
        self.policy_states[key] = policy_state
        self._unsaved.add(key)

    def policy_states_of(self, slo_index: SloIndex) -> dict[Group, PolicyState]:
        """The policy states of an SLO, by group."""
        return {
            group: of for (owner, group), of in self.policy_states.items() if owner == slo_index
        }

    def unsaved_policy_states(self) -> PolicyStates:
        """Those that have changed since the last call; to be stored, or given back."""
        changed = {key: self.policy_states[key] for key in self._unsaved}
        self._unsaved = set()
        return PolicyStates(self.final_until.tolist(), changed)

    def give_policy_states_back(self, unsaved: PolicyStates) -> None:
        """Note again what could not be stored."""
        self._unsaved |= (unsaved.changed or {}).keys()

    def history(self, slo_index: SloIndex) -> History:
        """Everything that is known of an SLO."""
        return self.ledger.history(
            slo_index, self.series.indices(slo_index), self.series.groups(slo_index)
        )

    def _restore(self, slo_index: SloIndex, of: Stored) -> None:
        ledger, history = self.ledger, of.history
        groups = self.series.groups(slo_index)
        stored = of.own and history.end <= ledger.end  # otherwise a clock was ahead
        if history.end < ledger.end:
            # It is brought up to date in a ledger of its own, since it is of another time.
            aside = Ledger(ledger.levels, slo_count=1, end=history.end)
            series_indices = [aside.add_series() for _ in history.groups]
            aside.restore(SloIndex(0), series_indices, history, stored=False)
            aside.advance(ledger.end)
            history = aside.history(SloIndex(0), series_indices, history.groups)
            stored = False
        stretches = tuple(self._reexcluded(slo_index, of) for of in history.stretches)
        stored &= all(new is old for new, old in zip(stretches, history.stretches, strict=True))
        picked = History(history.end, history.groups, stretches).of_groups(groups)
        ledger.restore(slo_index, self.series.indices(slo_index), picked, stored=stored)

    def _reexcluded(self, slo_index: SloIndex, stretch: Stretch) -> Stretch:
        windows = self.slos[slo_index].maintenance
        if not windows and stretch.excluded is None:
            return stretch
        unit = self.units[slo_index]
        if max(unit, stretch.slot) % min(unit, stretch.slot):
            return stretch  # of another interval: it is asked for again as it is
        key = (windows, unit, stretch.slot, stretch.start)
        share = self._shares.get(key)
        if share is None or len(share) < len(stretch.asked):
            share = self._shares[key] = _share(windows, unit, stretch)
        return stretch.reexcluded(share[: len(stretch.asked)])

    def changes(self, chunks: Sequence[Chunk]) -> Iterator[Change]:
        """What has changed in the ledger, as the store takes it."""
        for chunk in chunks:
            series_indices = [self.series.indices(slo_index) for slo_index in chunk.slo_indices]
            stretches = self.ledger.stretches(chunk, series_indices)
            for slo_index, stretch in zip(chunk.slo_indices, stretches, strict=True):
                yield Change(slo_index, chunk.number, self.series.groups(slo_index), stretch)


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
