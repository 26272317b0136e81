"""What policy states tell of their SLOs, worked out again only where one has changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from exporter.slo.incidents import awaited
from exporter.slo.model import Slo
from exporter.slo.policy import Tier
from exporter.slo.policy_state import PolicyState, worsened_at


class PastFigures(NamedTuple):
    """What one policy state tells.

    - `tier`: the tier that it is in, None before the first; `severity`: how bad that is, -1 without
      one.
    - `since`: when its last change was, and `worsened`: if that was for the worse. Unix seconds.
    - `changes`: how many there were, without the first.
    - `postmortems`: how many incidents await one.
    - `burns`: whether the last incident is open; `open_incidents`: whether any is.
    - `fires`: whether any condition does, as far as is known.
    """

    tier: Tier | None = None
    severity: int = -1
    since: int | None = None
    worsened: int | None = None
    changes: int = 0
    postmortems: int = 0
    burns: bool = False
    open_incidents: bool = False
    fires: bool = False


_NOTHING = PastFigures()


def past_figures(slo: Slo, state: PolicyState | None) -> PastFigures:
    """What the policy state of an SLO tells."""
    if state is None:
        return _NOTHING
    tier, changes = state.tier(slo.policy), state.changes
    last = state.incidents[-1] if state.incidents else None
    return PastFigures(
        tier=tier,
        severity=-1 if tier is None else slo.policy.severity(tier),
        since=changes[-1].at if tier is not None else None,
        worsened=worsened_at(slo.policy, changes),
        changes=sum(change.before is not None for change in changes),
        postmortems=sum(map(awaited, state.incidents)),
        burns=last is not None and last.open,
        open_incidents=any([incident.open for incident in state.incidents]),  # noqa: C419
        fires=any([firing.open for firing in state.firings]),  # noqa: C419 - quicker
    )


class PastOfMany:
    """`past_figures` of many SLOs, most of which have the policy state of the last time."""

    def __init__(self) -> None:
        self._slos: list[Slo] = []
        self._states: list[PolicyState | None] = []
        self._found: list[PastFigures] = []

    def of(self, slos: Sequence[Slo], states: Sequence[PolicyState | None]) -> list[PastFigures]:
        """What each tells; policy states and SLOs are known by their identity."""
        if len(slos) == len(self._slos):
            pairs = zip(slos, self._slos, states, self._states, strict=True)
            places = [i for i, (a, b, c, d) in enumerate(pairs) if a is not b or c is not d]
            found = self._found.copy()
        else:
            places, found = list(range(len(slos))), [_NOTHING] * len(slos)
        for i in places:
            found[i] = past_figures(slos[i], states[i])
        self._slos, self._states, self._found = list(slos), list(states), found
        return found
