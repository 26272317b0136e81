"""What a field case is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from tests.field.kit import Series

STEP = 30
"""The evaluation interval, in seconds."""


@dataclass(frozen=True)
class Truth:
    """What a window of an SLO (or of one group of it) must hold.

    `bad` and `total` are exact, unless `within` says how many events they may be off; None is not
    looked at. `unknown` is how many seconds of the window are unknown.
    """

    window: str
    bad: float | None
    total: float | None
    unknown: float = 0
    within: float = 1e-6
    slo: str | None = None
    groups: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FieldCase:
    """Series, a configuration, and what is right.

    - `story`: what happened, in a sentence.
    - `series`: gives the series for a `now` in Unix seconds, a slot boundary.
    - `config`: YAML, PROM_URL standing for the server.
    - `truths`: what the windows hold; `words`: what the SLO's problem must say, none if nothing.
    - `polled`: from when to when (relative to now) it is polled at every interval; what lies
      between is counted as one gap. The case is always counted by a first start at `now`, too.
    - `invalid`: windows that cannot be, and are not shown: all of them for `*`; the state is
      `invalid` if any is.
    - `prometheus_alone`: VictoriaMetrics shows series for longer than until their staleness mark
      here, so the truth is another one there.
    - `rule`: what a usual rule would take for the bad events of the first truth's window (PromQL).
    """

    story: str
    series: Callable[[int], Iterable[Series]]
    config: str
    truths: tuple[Truth, ...] = ()
    words: tuple[str, ...] = ()
    polled: tuple[int, int] | None = None
    rule: str | None = None
    prometheus_alone: bool = False
    invalid: tuple[str, ...] = ()


def one_slo(sli: str, *, group_by: str = "") -> str:
    """A configuration with one SLO of two hours, `a` of service `s`."""
    groups = f"    group_by: {group_by}\n" if group_by else ""
    return f"""
prometheus: {{url: PROM_URL, scrape_interval: 30s}}
slos:
  - service: s
    name: a
    objective: 99
    period: 2h
{groups}    sli: {sli}
"""
