"""What is known of an SLO besides its counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from exporter.slo.model import Slo
from exporter.slo.policy_state import PolicyState


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
