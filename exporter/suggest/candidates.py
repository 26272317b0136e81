"""What is to be measured before anything is suggested: SLIs, of which the best is taken. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Sli = Mapping[str, object]
"""An entry's `sli`, as the configuration has it."""

AVAILABILITY, LATENCY = "availability", "latency"


@dataclass(frozen=True, slots=True)
class Candidate:
    """An SLO of a service, before its objective is known.

    - `slis`: ways to measure it, the best first: thresholds, or bounds. The first that its past has
      kept is taken.
    - `bounds`: what each of them allows, in words, such as `250ms`; empty where there is one
      way.
    - `what`: what its events are: `requests`, `probes`; or, where its events are seconds
      (`timed`), what is good, with `{bound}`.
    - `group_by`: labels that part it into one SLO each, `max_groups` at the most if not the usual.
    - `kind` and `metric`: what it was made of; `notes` what its owner should know.
    """

    service: str
    name: str
    slis: tuple[Sli, ...]
    kind: str
    metric: str
    what: str = "requests"
    bounds: tuple[str, ...] = ()
    group_by: tuple[str, ...] = ()
    max_groups: int | None = None
    notes: tuple[str, ...] = ()
    timed: bool = False

    def words(self, bound: str) -> str:
        """What is good, in words: `took at most 250ms`."""
        return self.what.format(bound=bound) if self.timed else f"took at most {bound}"


@dataclass(slots=True)
class Findings:
    """What there is to be measured, and what was skipped and why."""

    candidates: list[Candidate] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
