"""The tiers of a policy, and changes between them, as rows of tables."""

from __future__ import annotations

from exporter.slo import figures
from exporter.slo.durations import format_duration
from exporter.slo.records import TierChange
from exporter.slo.snapshot import SloStatus
from exporter.web.pages import formatting


def tier_change(one: TierChange) -> dict[str, str]:
    """A change of tier, with its reason."""
    why = f"{formatting.percent(one.remaining)} of the budget left"
    if one.window is not None:
        why += f", burning at {formatting.rate(one.burn_rate)} over {format_duration(one.window)}"
    return {
        "at": formatting.minute(one.at),
        "before": formatting.tier(one.before) if one.before else "",
        "after": formatting.tier(one.after),
        "why": why,
        "policy": one.policy,
    }


def policy_tiers(status: SloStatus) -> list[dict[str, object]]:
    """The policy's tiers with their thresholds in words."""
    lines = []
    for tier in status.slo.policy.tiers:
        if tier.above == float("-inf"):
            when = "less than that"
        else:
            when = f"more than {figures.written(tier.above * 100)}% of the budget left"
        if tier.burn_rate:
            over = format_duration(tier.burn_rate.window)
            when += f", or burning above {figures.written(tier.burn_rate.above)}x over {over}"
        lines.append(
            {
                "name": formatting.tier(tier.name),
                "gate": tier.gate,
                "when": when,
                "guidance": tier.guidance,
                "current": tier is status.tier,
            }
        )
    return lines
