"""What is known of SLOs besides their counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from exporter.slo.model import Slo
from exporter.slo.past_figures import PastFigures, past_figures
from exporter.slo.policy_state import PolicyState
from exporter.slo.types import Bools, Floats


@dataclass(slots=True)  # not frozen: there are many, and they are made in half of the time
class Subject:
    """What is known of one SLO (or one group of it) besides its counts.

    `answered` tells whether Prometheus has answered for it lately, `policy_state` how it stands
    in its policy, `waiting` whether its history is still being read, `recovery` when its tier gets
    better (Unix seconds), `lag` how many seconds its data are late, and
    `scrape_interval` how often its series are scraped, in seconds (0 if that is not known).
    `invalid` tells why no figure of it can be right; `slack` how many seconds of events its
    counters may be apart.
    """

    slo: Slo
    groups: Mapping[str, str]
    answered: bool
    problem: str | None
    last_slot: float | None
    events_total: float | None
    bad_events_total: float | None
    policy_state: PolicyState | None = None
    waiting: bool = False
    recovery: float | None = None
    lag: float = 0.0
    scrape_interval: float = 0.0
    invalid: str | None = None
    slack: float = 0.0


@dataclass(frozen=True, slots=True)
class Subjects:
    """`Subject` of many SLOs: a column each, an element per subject.

    What is not known of a time or of events is NaN; `problems`, `recovery` and `invalid` hold, by
    the subject's place, those that there are. `past` is what the policy states tell.
    """

    slos: Sequence[Slo]
    groups: Sequence[Mapping[str, str]]
    answered: Bools
    last_slot: Floats
    events_total: Floats
    bad_events_total: Floats
    policy_states: Sequence[PolicyState | None]
    past: Sequence[PastFigures]
    waiting: Bools
    lag: Floats
    scrape_interval: Floats
    slack: Floats
    problems: Mapping[int, str] = field(default_factory=dict)
    recovery: Mapping[int, float] = field(default_factory=dict)
    invalid: Mapping[int, str] = field(default_factory=dict)

    @classmethod
    def of(cls, subjects: Sequence[Subject]) -> Subjects:
        """The columns of some subjects."""

        def numbers(name: str) -> Floats:
            return np.array([getattr(each, name) for each in subjects], dtype=np.float64)

        def some(name: str) -> dict[int, object]:
            pairs = ((i, getattr(each, name)) for i, each in enumerate(subjects))
            return {i: value for i, value in pairs if value is not None}

        return cls(
            slos=[each.slo for each in subjects],
            groups=[each.groups for each in subjects],
            answered=np.array([each.answered for each in subjects], dtype=np.bool_),
            last_slot=numbers("last_slot"),
            events_total=numbers("events_total"),
            bad_events_total=numbers("bad_events_total"),
            policy_states=[each.policy_state for each in subjects],
            past=[past_figures(each.slo, each.policy_state) for each in subjects],
            waiting=np.array([each.waiting for each in subjects], dtype=np.bool_),
            lag=numbers("lag"),
            scrape_interval=numbers("scrape_interval"),
            slack=numbers("slack"),
            problems=some("problem"),  # type: ignore[arg-type]  # texts
            recovery=some("recovery"),  # type: ignore[arg-type]  # numbers
            invalid={i: text for i, text in some("invalid").items() if text},  # type: ignore[misc]
        )

    def one(self, place: int) -> Subject:
        """One of them."""
        return Subject(
            slo=self.slos[place],
            groups=self.groups[place],
            answered=bool(self.answered[place]),
            problem=self.problems.get(place),
            last_slot=_moment(self.last_slot[place]),
            events_total=_known(self.events_total[place]),
            bad_events_total=_known(self.bad_events_total[place]),
            policy_state=self.policy_states[place],
            waiting=bool(self.waiting[place]),
            recovery=self.recovery.get(place),
            lag=_moment(self.lag[place]) or 0,
            scrape_interval=float(self.scrape_interval[place]),
            invalid=self.invalid.get(place),
            slack=float(self.slack[place]),
        )


def _known(value: np.float64) -> float | None:
    return None if np.isnan(value) else float(value)


def _moment(value: np.float64) -> float | None:
    """Whole seconds as a whole number: so they are written."""
    known = _known(value)
    return int(known) if known is not None and known.is_integer() else known
