"""What is remembered of SLOs and their services: changes of tier, firings, incidents, overrides,
and changes that people made. Times are Unix seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from exporter.slo.windows import condition_name

KEPT = 366 * 86_400
"""How long records are kept, in seconds."""


@dataclass(frozen=True, slots=True)
class TierChange:
    """A change from tier to tier, with the figures that it was made for.

    `before` is None for the first tier that an SLO was given. `burn_rate` is the rate over
    `window` (seconds) if that raised the tier, and not the budget alone. `policy` is the policy's
    name: a tier may also change with it.
    """

    at: int
    before: str | None
    after: str
    policy: str
    remaining: float
    window: int | None = None
    burn_rate: float | None = None


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """That the postmortem of an incident is taken care of: when, by whom, and where it is."""

    at: float
    by: str
    note: str


@dataclass(frozen=True, slots=True)
class Incident:
    """A spell of burning, from its first to its last bad slot: (start, end].

    - `bad`: its bad events; `share`: the part of one period's error budget that they took, a ratio.
    - `open`: whether another bad slot would be of it: it may have ended, which is not sure yet.
    - `postmortem`: whether the policy requires one.
    - `peak_error_ratio`: the highest error ratio of its slots; None if that is not known.
    - `start_about`, `end_about`: by how many seconds a time may be off, since it comes from a slot
      that was no longer one of the finest: it began that much later at most, or ended that much
      earlier. 0 where it is sure. If either is off, the peak is a lower bound.
    """

    start: int
    end: int
    bad: float
    share: float
    open: bool
    postmortem: bool = False
    acknowledged: Acknowledgement | None = None
    peak_error_ratio: float | None = None
    start_about: int = 0
    end_about: int = 0


@dataclass(frozen=True, slots=True)
class Firing:
    """A burn-rate condition that held at every boundary in [start, end).

    The condition is known by its severity and its windows (seconds). While it is `open` it goes on,
    and `end` is the newest boundary.
    """

    severity: str
    long: int
    short: int
    start: int
    end: int
    open: bool

    @property
    def name(self) -> str:
        """As conditions are called: `page 1h/5m`."""
        return condition_name(self.severity, self.long, self.short)


@dataclass(frozen=True, slots=True)
class Override:
    """A person's word that deploys of a service may pass a gate that blocks.

    `slo` is None for all SLOs of the service. It holds in [start, until). `id` is what it is called
    by, from 1 on; 0 until it is recorded.
    """

    service: str
    slo: str | None
    by: str
    why: str
    start: float
    until: float
    id: int = 0


ChangeSource = Literal["reported", "query", "experiment", "experiment_over"]
"""Whether a change was told, seen in Prometheus, or is where an experiment begins or is over."""


@dataclass(frozen=True, slots=True)
class Change:
    """Something that people did to a service: a deploy, a flag, a migration.

    It is known by its service, its time and `what` it was. `by` is who did it, `link` where more
    is said of it (an http or https URL); None where that was not told.
    """

    service: str
    what: str
    at: int
    by: str | None = None
    link: str | None = None
    source: ChangeSource = "reported"
