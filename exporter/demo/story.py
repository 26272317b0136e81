"""What the exporter's metrics tell during the demo, as lines to read, and whether all came."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from prometheus_client.parser import text_string_to_metric_families

CHECKOUT: Final = "checkout availability"
"""The SLO that the incident hits."""

CALM: Final = 15.0
"""Seconds between two lines while nothing moves."""

HEADING: Final = "  time   burn 5m  burn 1h  budget left  tier       firing"


@dataclass(slots=True)
class View:
    """One SLO as the exporter shows it; what it does not show is absent or None.

    `alerts` has whether each condition fires, named like "page 1h/5m".
    """

    burn_rate: dict[str, float] = field(default_factory=dict)
    budget: float | None = None
    tier: str | None = None
    alerts: dict[str, bool] = field(default_factory=dict)
    coverage: float = 0.0

    def firing(self) -> str:
        """The conditions that fire, to be read."""
        return (
            ", ".join(sorted(condition for condition, fires in self.alerts.items() if fires)) or "-"
        )

    def text(self) -> str:
        """Tier, budget and rungs in columns."""
        short, long = (
            f"{self.burn_rate[window]:.1f}" if window in self.burn_rate else "?"
            for window in ("5m", "1h")
        )
        budget = "?" if self.budget is None else f"{self.budget:.1%}"
        return f"{short:>7}  {long:>7}  {budget:>11}  {self.tier or '?':<9}  {self.firing()}"


def read_views(exposition: str) -> dict[str, View]:
    """All SLOs in a /metrics answer, by service, name and group, e.g. "auth availability eu"."""
    views: dict[str, View] = {}
    for family in text_string_to_metric_families(exposition):
        for sample in family.samples:
            labels = sample.labels
            if "slo" not in labels:
                continue
            name = " ".join(labels[key] for key in ("service", "slo", "region") if key in labels)
            view = views.setdefault(name, View())
            match sample.name:
                case "slo_burn_rate":
                    view.burn_rate[labels["window"]] = sample.value
                case "slo_error_budget_remaining_ratio":
                    view.budget = sample.value
                case "slo_policy_tier" if sample.value == 1:
                    view.tier = labels["tier"]
                case "slo_burn_rate_alert":
                    condition = f"{labels['severity']} {labels['long']}/{labels['short']}"
                    view.alerts[condition] = sample.value == 1
                case "slo_data_coverage_ratio":
                    view.coverage = sample.value
    return views


class Story:
    """Tells what changes from one answer of the exporter to the next.

    `say` takes a plain line, `announce` one that should stand out; times are in seconds
    since the demo began.
    """

    def __init__(self, say: Callable[[str], None], announce: Callable[[str], None]) -> None:
        self._say = say
        self._announce = announce
        self._before: Mapping[str, View] = {}
        self._told = View()
        self._told_at = float("-inf")
        self.pages: list[str] = []
        self.tiers: list[str] = []
        self.decisions: list[str] = []

    def overview(self, views: Mapping[str, View]) -> None:
        """A line for every SLO."""
        self._say("  " + "SLO".ljust(22) + HEADING.removeprefix("  time"))
        for name, view in sorted(views.items()):
            self._say(f"  {name:<22}  {view.text()}")

    def see(self, views: Mapping[str, View], elapsed: float) -> None:
        """Tell what is new in an answer."""
        for name, view in views.items():
            if name in self._before:
                self._tell_changes(name, self._before[name], view, elapsed)
        self._before = views
        view = views.get(CHECKOUT, View())
        moved = abs((view.budget or 0) - (self._told.budget or 0)) > 0.01
        if moved or elapsed - self._told_at >= CALM:
            self._say(f"  {clock(elapsed):<5}  {view.text()}")
            self._told, self._told_at = view, elapsed

    def see_gate(self, answer: Mapping[str, Any], elapsed: float) -> None:
        """Tell what the deploy gate says when its decision is another one."""
        decision = answer["decision"]
        if self.decisions[-1:] == [decision]:
            return
        before = f"{self.decisions[-1]} -> " if self.decisions else ""
        self.decisions.append(decision)
        self._announce(f"{clock(elapsed)}  deploy gate of checkout: {before}{decision}")
        self._say(f"         {answer['why']}")
        for each in answer["slos"]:
            if each["recovery"] is not None:
                until = datetime.fromtimestamp(each["recovery"], UTC).strftime("%Y-%m-%d %H:%M UTC")
                self._say(f"         It gets better at {until} if nothing more fails.")

    def _tell_changes(self, name: str, before: View, now: View, elapsed: float) -> None:
        for condition, fires in now.alerts.items():
            if fires and before.alerts.get(condition) is False:
                self._announce(f"{clock(elapsed)}  {name}: {condition} fires")
                if name == CHECKOUT and condition.startswith("page "):
                    self.pages.append(condition)
            elif not fires and before.alerts.get(condition):
                self._announce(f"{clock(elapsed)}  {name}: {condition} is over")
        if before.tier and now.tier and before.tier != now.tier:
            self._announce(f"{clock(elapsed)}  {name}: tier {before.tier} -> {now.tier}")
            if name == CHECKOUT:
                self.tiers.append(now.tier)

    def missing(self) -> list[str]:
        """What the exporter has not shown of the incident."""
        missing = []
        if not self.pages:
            missing.append(f"no page condition of {CHECKOUT} went from 0 to 1")
        if not self.tiers:
            missing.append(f"the tier of {CHECKOUT} did not change")
        if "allow" not in self.decisions or "block" not in self.decisions:
            seen = ", ".join(self.decisions) or "nothing"
            missing.append(f"the deploy gate did not turn from allow to block (seen: {seen})")
        return missing


def clock(seconds: float) -> str:
    """Seconds as minutes and seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
