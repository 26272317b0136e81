"""Slots for the tests of the ledger."""

from __future__ import annotations

import numpy as np

from exporter.ledger.slots import Slots


def counted(bad, total) -> Slots:
    """Rows x slots of counts; a total of NaN is a slot of which nothing is known."""
    bad, total = np.atleast_2d(np.asarray(bad, float)), np.atleast_2d(np.asarray(total, float))
    known = ~np.isnan(total)
    return Slots(np.where(known, bad, 0.0), np.where(known, total, 0.0), known.astype(float))
