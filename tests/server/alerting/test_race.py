"""Who pages first on one Prometheus: our rules, or rules of Sloth's and Pyrra's shape."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import pytest

from bench.race import OURS, Pace, race
from bench.race_rules import PYRRA, SLOTH

SERVICES = 8


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_our_page_comes_before_theirs(tmp_path: Path):
    """By Prometheus's own timestamps, for outages that begin in every phase of its rounds.

    Each set of rules is evaluated as often as its tool has it. Pyrra waits for two minutes, so ours
    is always before it. Rounds of Sloth's two groups may happen to fall right behind a scrape, so
    half of the outages tell. Only the order is asserted; `bench/race.py` measures times.
    """
    found = race(tmp_path, SERVICES, 7.5, Pace())
    ours, sloth, pyrra = (found[name] for name in (OURS, SLOTH, PYRRA))
    assert len(ours) == len(sloth) == len(pyrra) == SERVICES
    assert [name for name in ours if ours[name] >= pyrra[name]] == []
    assert median(ours.values()) < median(sloth.values()), (ours, sloth)
