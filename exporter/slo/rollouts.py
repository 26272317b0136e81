"""What runs of a service, slot by slot, and when that changes: rollouts as metrics show them.

For minutes a rollout runs the old and the new at once. A pod that restarts is away for a moment,
and a single one for longer, while nothing else runs. Where a datasource was away, nothing is known.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

Where = tuple[str, ...]
"""A service, and where it runs: the values of further labels, such as the cluster."""


@dataclass(slots=True)
class Rollouts:
    """Which versions run where, as of the slots that were told.

    A version has gone when it was away for `gone_after` seconds in which others ran in its place;
    if it comes back then, that is a rollback. `_away` has the seconds so far of each one.
    """

    gone_after: int
    _away: dict[Where, dict[str, int]] = field(default_factory=dict)

    def advance(self, where: Where, running: Collection[str], seconds: int) -> Iterator[str]:
        """Tell what runs somewhere in the next slot, so many seconds long: yields what is new.

        What runs first is no change: it may have run for long. Where nothing runs, nothing is
        known, and nothing changes.
        """
        if not running:
            return
        away = self._away.get(where)
        if away is None:
            self._away[where] = dict.fromkeys(running, 0)
            return
        for version in sorted(running):
            if version not in away:
                yield version
            away[version] = 0
        for version in away.keys() - set(running):
            away[version] += seconds
            if away[version] >= self.gone_after:
                del away[version]

    def steady(self, where: Where, running: Collection[str]) -> bool:
        """Whether the same running on would change nothing."""
        away = self._away.get(where)
        return away is not None and away.keys() == set(running) and not any(away.values())
