"""What an SLO went through: which tier it is in, what has fired, its incidents.

Pure: a policy state as of one slot boundary and the figures of the next give the next policy state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from exporter.slo.policy import Policy, Tier
from exporter.slo.records import KEPT, Acknowledgement, Firing, Incident, TierChange


def worsened_at(policy: Policy, changes: Sequence[TierChange]) -> int | None:
    """When the tier got worse, if its newest change (of some, oldest first) was for the worse."""
    if not changes:
        return None
    before, after = policy.find(changes[-1].before or ""), policy.find(changes[-1].after)
    if before is None or after is None or policy.severity(after) <= policy.severity(before):
        return None
    return changes[-1].at


@dataclass(frozen=True, slots=True)
class PolicyState:
    """Changes of tier, incidents and firings, oldest first; the last change gives the tier."""

    changes: tuple[TierChange, ...] = ()
    incidents: tuple[Incident, ...] = ()
    firings: tuple[Firing, ...] = ()

    def tier(self, policy: Policy) -> Tier | None:
        """The tier that it is in; None before the first, and if the policy no longer has it."""
        return policy.find(self.changes[-1].after) if self.changes else None

    @property
    def incidents_end(self) -> int:
        """When the last incident ended so far, Unix seconds; 0 without any."""
        return self.incidents[-1].end if self.incidents else 0

    def until(self, at: int) -> PolicyState:
        """What of it was there at a moment, Unix seconds.

        A firing that had begun goes on then. An incident that had begun is left out: how much it
        had taken by then is not known.
        """
        return PolicyState(
            tuple(change for change in self.changes if change.at <= at),
            tuple(incident for incident in self.incidents if incident.end <= at),
            tuple(
                firing if firing.end <= at else replace(firing, end=at, open=True)
                for firing in self.firings
                if firing.start <= at
            ),
        )

    def with_incidents(self, incidents: tuple[Incident, ...]) -> PolicyState:
        """The same with other incidents; itself if they are the same."""
        if incidents is self.incidents:
            return self
        return PolicyState(self.changes, incidents, self.firings)

    def with_firings(self, firings: tuple[Firing, ...]) -> PolicyState:
        """The same with other firings; itself if they are the same."""
        if firings is self.firings:
            return self
        return PolicyState(self.changes, self.incidents, firings)

    def acknowledged(self, start: int, word: Acknowledgement) -> PolicyState | None:
        """The same with the postmortem of an incident taken care of; None if there is no such."""
        if not any(incident.start == start and incident.postmortem for incident in self.incidents):
            return None
        return replace(
            self,
            incidents=tuple(
                replace(incident, acknowledged=word) if incident.start == start else incident
                for incident in self.incidents
            ),
        )

    def moved(
        self, policy: Policy, at: int, remaining: float, burn_rates: Mapping[int, float | None]
    ) -> PolicyState:
        """The policy state with the budget and the burn rates of a moment.

        Getting worse is immediate. Getting better takes `min_stay` in the tier, and a budget that
        is `recover_margin` above what the better tier begins at.

        Args:
            policy: the policy in force.
            at: Unix seconds, after those of the last change.
            remaining: the budget left, a ratio.
            burn_rates: by window in seconds; those not known raise nothing.
        """
        now = self.tier(policy)
        found = policy.tier(remaining, burn_rates)
        if now is not None:
            worse = policy.severity(found) > policy.severity(now)
            if not worse:
                if at - self.changes[-1].at < policy.min_stay:
                    return self
                found = policy.tier(remaining, burn_rates, policy.recover_margin)
                if policy.severity(found) >= policy.severity(now):
                    return self
        fast = found.burn_rate if policy.tier(remaining, {}) is not found else None
        change = TierChange(
            at=at,
            before=self.changes[-1].after if self.changes else None,
            after=found.name,
            policy=policy.name,
            remaining=remaining,
            window=fast.window if fast else None,
            burn_rate=burn_rates.get(fast.window) if fast else None,
        )
        kept = tuple(each for each in self.changes if each.at > at - KEPT)
        return replace(self, changes=(*kept, change))
