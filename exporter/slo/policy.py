"""Error budget policy: which tier a remaining budget falls into, and what the tier asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from exporter.slo.figures import left


class Gate(StrEnum):
    """The deploy decision of a tier."""

    ALLOW = "allow"
    CAUTION = "caution"
    BLOCK = "block"


_GATES = tuple(Gate)


@dataclass(frozen=True, slots=True)
class BurnRate:
    """A burn rate that is too high: above `above` over a window (seconds)."""

    window: int
    above: float


@dataclass(frozen=True, slots=True)
class Tier:
    """One step of a policy: in force while the remaining budget is above `above` (a ratio).

    `burn_rate` puts it in force early. `link` is where more is written about it. `exemptions`
    are the reasons for which a change may be deployed although the gate blocks.
    """

    name: str
    above: float
    gate: Gate
    guidance: str
    link: str | None = None
    burn_rate: BurnRate | None = None
    exemptions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """Tiers from best to worst, `above` falling; the last one takes every value left.

    - `min_coverage`: until so much of the period (a ratio) is known, the first tier is held: a few
      minutes of data say nothing of a month.
    - `recover_margin`: how far above a tier's end the budget must be (a ratio) to leave it for a
      better one.
    - `min_stay`: how long a tier stays before a better one is taken, in seconds.
    - `postmortem_above`: an incident that takes more of a period's budget (a ratio) requires a
      postmortem.
    - `while_paging`: the gate while a condition that pages holds, where the tier's is milder.
    """

    name: str
    tiers: tuple[Tier, ...]
    min_coverage: float = 0.05
    recover_margin: float = 0.02
    min_stay: int = 3_600
    postmortem_above: float = 0.20
    while_paging: Gate = Gate.CAUTION

    def tier(
        self,
        budget_remaining: float,
        burn_rates: Mapping[int, float | None],
        margin: float = 0.0,
    ) -> Tier:
        """The worse of the tiers by budget and by burn.

        Args:
            budget_remaining: a ratio, 1 is untouched.
            burn_rates: by window in seconds; those not known raise nothing.
            margin: how far above a tier's end the budget must be (a ratio), unless it is untouched.
        """
        by_budget = next(
            (
                i
                for i, tier in enumerate(self.tiers)
                if budget_remaining > tier.above + margin
                or (margin and budget_remaining >= 1 > tier.above)
            ),
            len(self.tiers) - 1,
        )
        by_burn = (i for i, tier in enumerate(self.tiers) if _burns(tier, burn_rates))
        return self.tiers[max(by_budget, *by_burn, 0)]

    def too_little(self, coverage: float) -> str | None:
        """Why the first tier is held, in words, if too little of the period (a ratio) is known."""
        if coverage >= self.min_coverage:
            return None
        return f"{left(coverage)} of the period is known, and {left(self.min_coverage)} is needed"

    def find(self, name: str) -> Tier | None:
        """The tier of a name, if there is one."""
        for tier in self.tiers:  # a loop is quicker than a search here, and this is asked often
            if tier.name == name:
                return tier
        return None

    @property
    def burn_windows(self) -> tuple[int, ...]:
        """The windows (seconds) whose burn rates may put a tier in force."""
        return tuple(dict.fromkeys(each.burn_rate.window for each in self.tiers if each.burn_rate))

    def severity(self, tier: Tier) -> int:
        """How bad a tier is: 0 for the best of this policy."""
        return self.tiers.index(tier)

    def badness(self, tier: Tier) -> tuple[int, int]:
        """How bad a tier is beside those of other policies: its gate decides first."""
        return _GATES.index(tier.gate), self.severity(tier)


def _burns(tier: Tier, burn_rates: Mapping[int, float | None]) -> bool:
    if tier.burn_rate is None:
        return False
    rate = burn_rates.get(tier.burn_rate.window)
    return rate is not None and rate > tier.burn_rate.above


EXEMPTIONS = ("p0", "security")
"""What passes a freeze. Source: The Site Reliability Workbook, appendix B, "Example Error Budget
Policy": "other than P0 issues or security fixes"."""

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
        Tier(
            "freeze",
            0.10,
            Gate.BLOCK,
            "feature freeze, work on the SLO",
            exemptions=EXEMPTIONS,
        ),
        Tier(
            "incident",
            0.0,
            Gate.BLOCK,
            "incident declared, all hands on reliability",
            exemptions=EXEMPTIONS,
        ),
        Tier(
            "exhausted",
            float("-inf"),
            Gate.BLOCK,
            "freeze at once, roll back recent changes, root-cause analysis, notify the executives",
            exemptions=EXEMPTIONS,
        ),
    ),
)
"""Source: the tiers that this project ships, after the SRE workbook's example policy."""
