"""Policy states as they were final at earlier moments: what changes later is replayed from there.

A slot that has settled may still turn out to be wrong: its samples came when it was counted. Then
tiers, firings and incidents go back to what they were before it. Pure.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace

from exporter.ledger.levels import FINE_HORIZON
from exporter.slo.incidents import PAUSE
from exporter.slo.policy_state import PolicyState
from exporter.slo.records import Incident
from exporter.slo.types import HOUR, Group, SloIndex

Key = tuple[SloIndex, Group]

APART = 900
"""Seconds between two states that are kept of one series, at the least: an incident changes it at
every slot, and what lies between is replayed."""


@dataclass(frozen=True, slots=True)
class Held:
    """A policy state that was final from one moment to another (Unix seconds); None: there was
    none."""

    since: int
    until: int
    policy_state: PolicyState | None


class PolicyPast:
    """The earlier states of every series that had others within the time of the finest slots."""

    def __init__(self) -> None:
        self._held: dict[Key, list[Held]] = defaultdict(list)
        self._since: dict[Key, int] = {}
        self._fresh: dict[SloIndex, set[Key]] = defaultdict(set)

    def replaced(self, key: Key, before: PolicyState | None, until: int) -> None:
        """Note that another state takes the place of one that was final until then."""
        held = self._held[key]
        since = self._since.get(key, 0 if before is None else until)
        if not held or until - held[-1].until >= APART:
            held.append(Held(since, until, before))
        while held and held[0].until < until - FINE_HORIZON - HOUR:
            del held[0]
        self._since[key] = until
        self._fresh[key[0]].add(key)

    def fresh(self) -> frozenset[SloIndex]:
        """The SLOs of which states were put since `advanced` was told of them."""
        return frozenset(self._fresh)

    def advanced(self, slo_index: SloIndex, until: int) -> None:
        """Note until when the states of an SLO are final that were put since the last time."""
        for key in self._fresh.pop(slo_index, ()):
            self._since[key] = until

    def at(self, key: Key, now: PolicyState, moment: int, until: int) -> Held:
        """What was final of a series at a moment, or before it.

        Args:
            key: the series.
            now: its state, which is final `until` then.
            moment: Unix seconds.
            until: Unix seconds.

        Returns:
            It, and as of when (`until`).
        """
        since = self._since.get(key)
        if since is not None and since <= moment:
            return Held(since, min(moment, until), now)
        held = self._held.get(key, [])
        for each in reversed(held):
            if each.since <= moment:
                return replace(each, until=min(moment, each.until))
        oldest = held[0].policy_state if held else now
        return Held(0, moment, None) if oldest is None else _cut(oldest, moment)

    def go_back(self, key: Key, to: Held) -> None:
        """Forget what came after a moment."""
        self._held[key] = [held for held in self._held[key] if held.until < to.until]
        self._since[key] = to.since
        self._fresh[key[0]].discard(key)


def _cut(now: PolicyState, moment: int) -> Held:
    """A state as of a moment at which no incident was going on that it tells of.

    That is what is left of a state that was read from a store. It may be earlier than asked for.
    Firings are cut where it is: of them nothing is summed up.
    """
    at = moment
    spans = [(each.start, each.end + PAUSE) for each in now.incidents]
    for start, end in sorted(spans, reverse=True):
        if start < at <= end:
            at = start
    return Held(at, at, now.until(at))


def with_words(policy_state: PolicyState, words: dict[int, Incident]) -> PolicyState:
    """A state whose incidents have what was said of them before they were replayed.

    `words` are the incidents as they were, by when they began. One that begins at another time now
    is the same if their times overlap.
    """
    incidents = []
    for incident in policy_state.incidents:
        if incident.acknowledged is None and incident.postmortem:
            for before in words.values():
                if before.start <= incident.end and incident.start <= before.end:
                    incident = replace(incident, acknowledged=before.acknowledged)  # noqa: PLW2901  # the same, with a word
        incidents.append(incident)
    if list(policy_state.incidents) == incidents:
        return policy_state
    return policy_state.with_incidents(tuple(incidents))
