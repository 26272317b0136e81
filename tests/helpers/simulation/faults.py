"""The faults that a simulation may have, by their names.

Each is a coroutine that does its harm, waits, and ends it.
"""

from __future__ import annotations

from exporter.slo.types import DAY, HOUR
from tests.helpers.simulation import daemon_faults, world_faults
from tests.helpers.simulation.world_faults import Harm

ANSWERS = ("refused", "cut", "hangs", "slow", "unavailable", "too many", "login page", "warned")

FAULTS: dict[str, Harm] = {
    **{kind: world_faults.answers(kind) for kind in ANSWERS},
    "nonsense": world_faults.answers("nonsense"),
    "refuses": world_faults.answers("refuses", 200),
    "briefly empty": world_faults.answers("empty", 60),
    "empty": world_faults.answers("empty"),
    "without a target": world_faults.answers("without a target"),
    "without series": world_faults.answers("without series"),
    "prometheus down": world_faults.prometheus_down,
    "scrape gap": world_faults.scrape_gap,
    "target down": world_faults.target_down,
    "restart of a target": world_faults.restart,
    "burning": world_faults.burning,
    "relabeled": world_faults.relabeled,
    "late": world_faults.late(lambda sim: sim.plan.settle / 2),
    "too late": world_faults.late(lambda sim: 4.0 * sim.plan.settle),
    "killed": daemon_faults.killed,
    "killed at start": daemon_faults.killed_at_start,
    "restarted": daemon_faults.restarted,
    "disk": daemon_faults.failing_disk,
    "reloaded": daemon_faults.reloaded,
    "mistaken file": daemon_faults.mistaken_file,
    "objective changed": daemon_faults.objective_changed,
    "period shortened": daemon_faults.period_shortened,
    "SLO removed": daemon_faults.slo_removed,
    "rebuilt": daemon_faults.rebuilt,
    "said": daemon_faults.said,
    "clock off by minutes": daemon_faults.clock_off([-300, -60, 60, 300], 1_200),
    "clock off by an hour": daemon_faults.clock_off([-HOUR, HOUR], 1_200),
    "clock off by years": daemon_faults.clock_off([-40 * 365 * DAY, 3 * 365 * DAY, 10 * DAY], 120),
    "damaged": daemon_faults.damaged,
    "deleted": daemon_faults.deleted,
    "forged": world_faults.forged,
}

NEVER = {"forged"}
"""A kind that nothing could withstand, by which the checks are checked."""

BY_NAME = {"without a target", "without series"}
"""Kinds that are had by `KINDS` alone: were they among the others, every seed would be another."""

MENDED = [kind for kind in FAULTS if kind not in NEVER | BY_NAME]
"""Kinds that the daemon withstands."""
