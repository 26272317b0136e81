"""Error budget policy: which tier a remaining budget falls into, and what the tier asks for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Gate(StrEnum):
    """The deploy decision of a tier."""

    ALLOW = "allow"
    CAUTION = "caution"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class Tier:
    """One step of a policy: in force while the remaining budget is above `above` (a ratio)."""

    name: str
    above: float
    gate: Gate
    guidance: str


@dataclass(frozen=True, slots=True)
class Policy:
    """Tiers from best to worst, `above` falling; the last one takes every value left.

    Until `min_coverage` (a ratio) of the period is known, the first tier is held: a few
    minutes of data say nothing of a month.
    """

    name: str
    tiers: tuple[Tier, ...]
    min_coverage: float = 0.05

    def tier(self, budget_remaining: float) -> Tier:
        """The tier that a remaining budget (a ratio, 1 is untouched) falls into."""
        for tier in self.tiers:
            if budget_remaining > tier.above:
                return tier
        return self.tiers[-1]

    def severity(self, tier: Tier) -> int:
        """How bad a tier is: 0 for the best of this policy."""
        return self.tiers.index(tier)


DEFAULT_POLICY = Policy(
    name="default",
    tiers=(
        Tier("normal", 0.50, Gate.ALLOW, "normal development velocity, feature releases allowed"),
        Tier(
            "slow_down",
            0.25,
            Gate.CAUTION,
            "slow feature releases down, prioritise reliability",
        ),
        Tier("freeze", 0.10, Gate.BLOCK, "feature freeze, work on the SLO"),
        Tier("incident", 0.0, Gate.BLOCK, "incident declared, all hands on reliability"),
        Tier(
            "exhausted",
            float("-inf"),
            Gate.BLOCK,
            "freeze at once, roll back recent changes, root-cause analysis, notify the executives",
        ),
    ),
)
"""Source: the tiers that this project ships, after the SRE workbook's example policy."""
