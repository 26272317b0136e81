"""The policy states that are final, until when they are, and what of that is not stored yet."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from exporter.slo.model import Slo
from exporter.slo.policy_state import PolicyState
from exporter.slo.records import Acknowledgement, Incident
from exporter.slo.types import Group, SeriesIndex, SloIndex, enumerate_series, slos_where
from exporter.state.policy_past import Held, PolicyPast, with_words
from exporter.state.series_table import SeriesTable
from exporter.store.sharing import longer_past, with_word
from exporter.store.stored import PolicyStates, SharedRecords


class PolicyRecords:
    """The final policy state of each series, and the moment that it is of.

    What has settled by that moment is in it for good; what came later is replayed from there.
    Policy states are kept by group: one that loses its series has its past again when it is back.
    """

    def __init__(self, slos: Sequence[Slo], series: SeriesTable) -> None:
        self._slos = slos
        self._series = series
        self._until = np.zeros(len(slos), dtype=np.int64)
        self._states: dict[tuple[SloIndex, Group], PolicyState] = {}
        self._unsaved: set[tuple[SloIndex, Group]] = set()
        self._forecasts: dict[SeriesIndex, tuple[Hashable, float]] = {}
        self._past = PolicyPast()
        # Incidents that somebody has acknowledged, of series that are replayed.
        self._words: dict[tuple[SloIndex, Group], dict[int, Incident]] = {}

    @property
    def until(self) -> Sequence[int]:
        """Until when each SLO's policy states are final, Unix seconds; 0 for never."""
        until: list[int] = self._until.tolist()
        return until

    def _key(self, series_index: SeriesIndex) -> tuple[SloIndex, Group]:
        return self._series.keys()[series_index]

    def all_of(self, series_indices: Iterable[SeriesIndex]) -> list[PolicyState | None]:
        """The final policy state of each series, where it has one."""
        keys, states = self._series.keys(), self._states
        return [states.get(keys[series_index]) for series_index in series_indices]

    def get(self, series_index: SeriesIndex) -> PolicyState | None:
        """The final policy state of a series, if it has one."""
        return self._states.get(self._key(series_index))

    def put(self, series_index: SeriesIndex, policy_state: PolicyState) -> None:
        """Note a final policy state, which is to be stored."""
        key = self._key(series_index)
        self._past.replaced(key, self._states.get(key), int(self._until[key[0]]))
        if key in self._words:
            policy_state = with_words(policy_state, self._words[key])
        self._put(key, policy_state)

    def _put(self, key: tuple[SloIndex, Group], policy_state: PolicyState) -> None:
        self._states[key] = policy_state
        self._unsaved.add(key)

    def advance(self, slo_indices: Sequence[SloIndex], until: Sequence[int]) -> None:
        """Note until when SLOs' policy states are final now, Unix seconds."""
        self._until[list(slo_indices)] = until
        fresh = self._past.fresh()
        if fresh:
            for slo_index, at in zip(slo_indices, until, strict=True):
                if slo_index in fresh:
                    self._past.advanced(slo_index, at)

    def go_back(self, slo_index: SloIndex, moment: int, oldest: int) -> int | None:
        """Have an SLO's tiers, firings and incidents replayed from a moment on (Unix seconds).

        Slots that follow it are others than they were. What was acknowledged stays so. Nothing
        happens if that would have to begin before `oldest`: no fine slots are left to replay.

        Returns:
            From when on they are replayed, which may be earlier; None if they are not.
        """
        until = int(self._until[slo_index])
        if moment >= until:
            return moment
        own = self.of_slo(slo_index)
        keys = [(slo_index, group) for group in own]
        at = moment
        while True:
            found = {key: self._past.at(key, self._states[key], at, until) for key in keys}
            earliest = min((held.until for held in found.values()), default=at)
            if earliest < oldest:
                return None
            if earliest >= at:
                break
            at = earliest
        for key, held in found.items():
            self._replay(key, held)
        self._until[slo_index] = at
        return at

    def _replay(self, key: tuple[SloIndex, Group], held: Held) -> None:
        before = self._states[key]
        words = {each.start: each for each in before.incidents if each.acknowledged}
        if words:
            self._words[key] = self._words.get(key, {}) | words
        self._past.go_back(key, held)
        self._put(key, held.policy_state or PolicyState())

    def step_back(self, end: int) -> None:
        """Forget what a clock that was ahead has told of the time after `end` (Unix seconds)."""
        ahead = set(slos_where(self._until > end))
        if ahead:
            for key, policy_state in list(self._states.items()):
                if key[0] in ahead:
                    self._put(key, policy_state.until(end))
            np.minimum(self._until, end, out=self._until)

    def restore(
        self,
        slo_index: SloIndex,
        until: int,
        policy_states: Mapping[Group, PolicyState],
        *,
        stored: bool,
    ) -> None:
        """Take over what was final of an SLO; `stored` tells whether the store has it."""
        self._until[slo_index] = until
        for group, policy_state in policy_states.items():
            self._states[slo_index, group] = policy_state
            if not stored:
                self._unsaved.add((slo_index, group))

    def forecasts(
        self, keys: Mapping[SeriesIndex, Hashable]
    ) -> Iterator[tuple[SeriesIndex, float]]:
        """When the tiers of series get better, Unix seconds, as far as it is known for the keys."""
        for series_index, key in keys.items():
            noted = self._forecasts.get(series_index)
            if noted is not None and noted[0] == key:
                yield series_index, noted[1]

    def note_forecasts(self, found: Mapping[SeriesIndex, tuple[Hashable, float]]) -> None:
        """Note it, each with its key."""
        self._forecasts.update(found)

    def acknowledge(
        self, slo: tuple[str, str], groups: Mapping[str, str], start: int, word: Acknowledgement
    ) -> Incident | None:
        """Note that the postmortem of an incident is taken care of.

        Args:
            slo: service and name.
            groups: the values of the SLO's group_by labels.
            start: when the incident began, Unix seconds.
            word: who says so, and where it is.

        Returns:
            The incident with that; None if there is none that requires a postmortem.
        """
        for series_index, entry in enumerate_series(self._series.entries):
            of = self._slos[entry.slo_index]
            named = of.groups(entry.group or ())
            policy_state = self.get(series_index)
            if (of.service, of.name) != slo or named != groups or policy_state is None:
                continue
            acknowledged = policy_state.acknowledged(start, word)
            if acknowledged is not None:
                self.put(series_index, acknowledged)
                return next(
                    incident for incident in acknowledged.incidents if incident.start == start
                )
        return None

    def learn(self, records: SharedRecords) -> list[SloIndex]:
        """Take over what others have acknowledged.

        Returns:
            The SLOs of which others have stored a longer past than is known here.
        """
        for key, words in records.acknowledged.items():
            policy_state = self._states.get(key)
            if policy_state is not None:
                for start, word in words.items():
                    policy_state = with_word(policy_state, start, word)
                self._states[key] = policy_state
        longer = {
            slo_index
            for (slo_index, group), first in records.first_changes.items()
            if longer_past(first, self._states.get((slo_index, group)), int(self._until[slo_index]))
        }
        return sorted(longer)

    def take(
        self, slo_index: SloIndex, until: int, policy_states: Mapping[Group, PolicyState]
    ) -> None:
        """Go on from what others have stored of an SLO, which is final `until` (Unix seconds)."""
        held = int(self._until[slo_index])
        self._until[slo_index] = min(until, held) if held else until
        for group, policy_state in policy_states.items():
            self._states[slo_index, group] = policy_state
            self._unsaved.discard((slo_index, group))

    def of_slo(self, slo_index: SloIndex) -> dict[Group, PolicyState]:
        """The policy states of an SLO, by group."""
        return {group: item for (each, group), item in self._states.items() if each == slo_index}

    def take_unsaved(self) -> PolicyStates:
        """What has changed since the last call; to be stored, or given back."""
        changed = {key: self._states[key] for key in self._unsaved}
        self._unsaved = set()
        return PolicyStates(self._until.tolist(), changed)

    def give_back(self, unsaved: PolicyStates) -> None:
        """Note again what could not be stored."""
        self._unsaved |= unsaved.changed.keys()

    def give_all_back(self) -> None:
        """Note that nothing of it is stored."""
        self._unsaved |= self._states.keys()
