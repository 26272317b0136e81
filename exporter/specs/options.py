"""What a translation depends on besides the specs."""

from __future__ import annotations

from dataclasses import dataclass, field

DEFAULT_SLOTH_PERIOD = "30d"
"""Sloth's own default of `--default-slo-period`."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the configuration says.

    - `sloth_period`: the period of Sloth's SLOs, which their specs do not tell; None for that of
      an `AlertWindows`, or else Sloth's default.
    - `datasources`: the names that the configuration has, besides the default.
    """

    sloth_period: str | None = None
    datasources: frozenset[str] = field(default_factory=frozenset)
