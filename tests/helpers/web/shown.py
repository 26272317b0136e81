"""Snapshots and event histories for the tests of pages."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from exporter.slo.event_history import EventHistory
from exporter.slo.snapshot import Snapshot
from exporter.slo.types import DAY
from tests.helpers.samples import AT, slo, snapshot, subject

SPENT = (600.0, 1_000_000.0, 1.0)
EVIL = """<script>alert("x")</script>'"""
ONE = "/slo/auth/availability"


def shot(**of) -> Snapshot:
    return snapshot((subject(slo(**of)), SPENT))


def with_status(base: Snapshot, **fields: object) -> Snapshot:
    """A snapshot whose one status has other fields."""
    return replace(base, slos=(replace(base.slos[0], **fields),))


def history(*bad: float, total: float = 1000.0, known: float = 1.0) -> EventHistory:
    """Equal buckets over the 30 days before AT."""
    bounds = np.linspace(AT - 30 * DAY, AT, len(bad) + 1)
    return EventHistory(bounds, np.array(bad), np.full(len(bad), total), np.full(len(bad), known))
