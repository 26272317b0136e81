"""The state: the ledger, whose rows are whose, and how answers and histories get into it."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from exporter.collection import pending
from exporter.collection.resample import Resampled
from exporter.collection.slot_range import Floats, Group, SlotRange
from exporter.ledger.history import History, Stretch
from exporter.ledger.ledger import Chunk, Ledger
from exporter.ledger.levels import DAY, FINE_HORIZON, levels
from exporter.ledger.ring_buffer import Slots, stacked
from exporter.ledger.slot_status import SlotStatus
from exporter.slo.maintenance import MaintenanceWindow, excluded
from exporter.slo.measured import measured
from exporter.slo.model import Slo
from exporter.slo.period import CalendarPeriod
from exporter.slo.policy import Policy
from exporter.slo.policy_state import PolicyState
from exporter.state.rebuild import DeferredAnswer, kept_by_ledger
from exporter.state.series_table import SeriesTable
from exporter.store.store import Change, Owner, Stored
from exporter.store.tier_history import PolicyStates


class EvaluationState:
    """What is known of some SLOs. A source is an SLO's index, a row one group of it.

    - `policies`: the number of each source's policy; equal ones have the same.
    - `units`: what each source's spans are made of, in seconds: the interval, or its time slice.
    - `longest`: how far back each source's slots are needed, in seconds.
    - `answered`: until when Prometheus has answered for each source, Unix seconds; 0 for never.
    - `final_until`: until when each source was judged for good, Unix seconds; 0 for never.
    - `policy states`: the policy state of each source's groups as of then.
    - `forecasts`: when the tiers of rows get better, and what that was computed for.
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
        self.policy_states: dict[tuple[int, Group], PolicyState] = {}
        self.forecasts: dict[int, tuple[object, float | None]] = {}
        self._unsaved: set[tuple[int, Group]] = set()
        boundaries = [slo.period.boundary for slo in slos if isinstance(slo.period, CalendarPeriod)]
        boundary = math.gcd(*boundaries) if boundaries else None
        self.ledger = Ledger(
            # What has not settled is judged anew, with the periods that ended then.
            levels(interval, max(self.longest) + FINE_HORIZON, boundary),
            sources=len(self.slos),
            end=0,
        )
        self.rows = SeriesTable(self.slos, self.ledger)
        self._lookbacks = lookbacks or [0] * len(self.slos)
        self._aside: dict[int, list[DeferredAnswer]] = {}
        self._rebuilt: set[int] = set()
        self._shares: dict[tuple[tuple[MaintenanceWindow, ...], int, int, int], Floats] = {}

    def keep(
        self,
        level: int,
        source: int,
        span: SlotRange,
        answer: Mapping[Group, Resampled],
        settled_until: float,
    ) -> str | None:
        """Write an answer down; what ended by `settled_until` (Unix seconds) is settled.

        Returns:
            What is wrong, in words for the SLO's owner, if some groups are left out.
        """
        left_out = self.rows.make_room(source, answer)
        rows = self.rows.of(source)
        ends = np.arange(span.start + span.slot, span.end + 1, span.slot)
        known = np.zeros(span.count, dtype=np.bool_)
        if rows:
            slots, excluded = self._slots(source, span, answer)
            known = np.asarray((slots.known > 0).any(axis=0))
            if source in self._aside:
                self._aside[source].append(DeferredAnswer(level, span, answer))
                held = self.ledger.held(level, rows, span.start, span.count)
                slots = replace(slots, known=np.where(held, 0, slots.known))
            self.ledger.write(level, rows, span.start, slots, excluded)
        asked = np.where(known, SlotStatus.PROVISIONAL, SlotStatus.EMPTY).astype(np.uint8)
        asked[ends <= settled_until] = SlotStatus.SETTLED
        self.ledger.mark(level, source, span.start, asked)
        return left_out

    def _slots(
        self, source: int, span: SlotRange, answer: Mapping[Group, Resampled]
    ) -> tuple[Slots, Slots | None]:
        """An answer as slots of all rows of a source, and what maintenance excludes of them."""
        absent = Slots.none(1, span.count)
        found = [answer.get(group) for group in self.rows.groups(source)]
        slots = stacked([one.slots if one else absent for one in found])
        if not self.slos[source].maintenance:
            return slots, None
        return slots, stacked([one.excluded or absent if one else absent for one in found])

    def rebuild(self, source: int) -> None:
        """Have everything of a source asked for anew.

        Until all of it is there, everything stays as it is; then what Prometheus still has
        replaces what is held, and what it no longer has stays.
        """
        self._aside[source] = []
        self._rebuilt.discard(source)
        self.ledger.forget(source)

    @property
    def rebuilding(self) -> Collection[int]:
        """The sources that are being asked for anew."""
        return self._aside.keys() | self._rebuilt

    def rebuilt(self) -> Collection[int]:
        """Those of them of which everything has been asked for; it is in the ledger by now."""
        if self._aside:
            missing = (self.ledger.asked(0) == SlotStatus.NO).any(axis=1)
            missing |= pending.unread(self.ledger, self.longest)
            for source in [source for source in self._aside if not missing[source]]:
                self._put_in(source, self._aside.pop(source))
                self._rebuilt.add(source)
        return tuple(self._rebuilt)

    def end_rebuild(self, source: int) -> None:
        """Note that it is stored that a source was asked for anew."""
        self._rebuilt.discard(source)

    def _put_in(self, source: int, aside: Sequence[DeferredAnswer]) -> None:
        """Write down what was put aside, but for what the ledger is right about."""
        rows = self.rows.of(source)
        if not rows or not aside:
            return
        spans = [of.span for of in aside]
        answers = [self._slots(source, of.span, of.answer) for of in aside]
        held = [self.ledger.held(of.level, rows, of.span.start, of.span.count) for of in aside]
        starts = np.concatenate([np.arange(of.start, of.end, of.slot) for of in spans])
        # Where a slot was asked for twice, the later answer stands.
        order = np.argsort(starts, kind="stable")
        picked = order[np.append(np.diff(starts[order]) > 0, True)]
        answered = np.concatenate([slots.known > 0 for slots, _ in answers], axis=1)
        holds = np.concatenate(held, axis=1)
        keep = np.ones_like(holds)
        for row in range(len(rows)):
            keep[row, picked] = kept_by_ledger(
                starts[picked], answered[row, picked], holds[row, picked], self._lookbacks[source]
            )
        cuts = np.cumsum([of.count for of in spans])[:-1]
        for of, (slots, out), kept in zip(
            aside, answers, np.split(keep, cuts, axis=1), strict=True
        ):
            right = replace(slots, known=np.where(kept, 0, slots.known))
            self.ledger.write(of.level, rows, of.span.start, right, out)
            self.ledger.note_change(of.level, of.span.start, of.span.end, source)

    def owners(self) -> list[Owner]:
        """Whose slots these are, for the store; in the order of the sources."""
        return [
            Owner(measured(slo), slo.service, slo.name, keep)
            for slo, keep in zip(self.slos, self.longest, strict=True)
        ]

    def take_over(self, stored: Mapping[int, Stored], *, at: int) -> None:
        """Begin with histories (by source) from a store or another state; at `at` at the latest.

        What they tell of the time after `at` (Unix seconds) is left out: it is yet to come.
        """
        ends = [of.history.end for of in stored.values()]
        self.ledger.advance(min(at, max(ends, default=0)))
        for source, of in stored.items():
            history = of.history
            if self.slos[source].group_by:
                # Those that left the period would take the room of those that are there.
                history = history.since(self.ledger.end - self.longest[source])
                self.rows.make_room(source, history.groups)
            self._restore(source, Stored(history, of.own))
            self.final_until[source] = of.until
            for group, policy_state in of.policy_states.items():
                self.policy_states[source, group] = policy_state
                if not of.own:
                    self._unsaved.add((source, group))
            if of.rebuild:
                self.rebuild(source)

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
        self, old: EvaluationState, stored: Mapping[int, Stored], *, at: int, saved: bool
    ) -> None:
        """Take the place of another state; what they do not have comes from the store.

        `saved` tells whether the store has all that is settled in the old ones.
        """
        done = old.rebuilt()
        owners = old.owners()
        same = {owner.identity: source for source, owner in enumerate(owners)}
        alike = {owner.measured: source for source, owner in enumerate(owners)}
        found, followed = dict(stored), {}
        for source, owner in enumerate(self.owners()):
            own = owner.identity in same
            before = same.get(owner.identity, alike.get(owner.measured))
            if before is not None:
                followed[source] = before
                history = old.history(before)
                if source in stored:
                    history = history.over(stored[source].history)
                found[source] = Stored(
                    history,
                    own=own and saved,
                    until=int(old.final_until[before]),
                    policy_states=old.policy_states_of(before),
                )
        self.take_over(found, at=at)
        for source, before in followed.items():
            self.answered[source] = min(at, old.answered[before])
            self.rows.continue_counters(source, old.rows, before)
            if before in done:
                self._rebuilt.add(source)
            elif before in old.rebuilding:
                self.rebuild(source)

    def policy_state(self, row: int) -> PolicyState | None:
        """What a row was judged for good."""
        of = self.rows.all[row]
        return self.policy_states.get((of.source, of.group or ()))

    def set_policy_state(self, row: int, policy_state: PolicyState) -> None:
        """Judge a row for good."""
        of = self.rows.all[row]
        key = of.source, of.group or ()
        self.policy_states[key] = policy_state
        self._unsaved.add(key)

    def policy_states_of(self, source: int) -> dict[Group, PolicyState]:
        """The policy states of a source, by group."""
        return {group: of for (owner, group), of in self.policy_states.items() if owner == source}

    def unsaved_policy_states(self) -> PolicyStates:
        """Those that have changed since the last call; to be stored, or given back."""
        changed = {key: self.policy_states[key] for key in self._unsaved}
        self._unsaved = set()
        return PolicyStates(self.final_until.tolist(), changed)

    def give_policy_states_back(self, unsaved: PolicyStates) -> None:
        """Note again what could not be stored."""
        self._unsaved |= (unsaved.changed or {}).keys()

    def history(self, source: int) -> History:
        """Everything that is known of a source."""
        return self.ledger.history(source, self.rows.of(source), self.rows.groups(source))

    def _restore(self, source: int, of: Stored) -> None:
        ledger, history = self.ledger, of.history
        groups = self.rows.groups(source)
        stored = of.own and history.end <= ledger.end  # otherwise a clock was ahead
        if history.end < ledger.end:
            # It is brought up to date in a ledger of its own, since it is of another time.
            aside = Ledger(ledger.levels, sources=1, end=history.end)
            rows = [aside.add_row() for _ in history.groups]
            aside.restore(0, rows, history, stored=False)
            aside.advance(ledger.end)
            history = aside.history(0, rows, history.groups)
            stored = False
        stretches = tuple(self._reexcluded(source, of) for of in history.stretches)
        stored &= all(new is old for new, old in zip(stretches, history.stretches, strict=True))
        picked = History(history.end, history.groups, stretches).of_groups(groups)
        ledger.restore(source, self.rows.of(source), picked, stored=stored)

    def _reexcluded(self, source: int, stretch: Stretch) -> Stretch:
        windows = self.slos[source].maintenance
        if not windows and stretch.excluded is None:
            return stretch
        unit = self.units[source]
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
            rows = [self.rows.of(source) for source in chunk.sources]
            stretches = self.ledger.stretches(chunk, rows)
            for source, stretch in zip(chunk.sources, stretches, strict=True):
                yield Change(source, chunk.number, self.rows.groups(source), stretch)


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
