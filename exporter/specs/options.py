"""What a translation depends on besides the specs."""

from __future__ import annotations

from dataclasses import dataclass, field

DEFAULT_SLOTH_PERIOD = "30d"
"""Sloth's own default of `--default-slo-period`."""

DEFAULT_INTERVAL = 30
"""The seconds of a slot, unless the configuration says otherwise."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the configuration says.

    - `sloth_period`: the period of Sloth's SLOs, which their specs do not tell; None for that of
      an `AlertWindows`, or else Sloth's default.
    - `datasources`: the names that the configuration has, besides the default.
    - `own_windows`: whether it has burn-rate conditions for all SLOs, which then are in force.
    - `interval`: the seconds of a slot.
    """

    sloth_period: str | None = None
    datasources: frozenset[str] = field(default_factory=frozenset)
    own_windows: bool = False
    interval: int = DEFAULT_INTERVAL
