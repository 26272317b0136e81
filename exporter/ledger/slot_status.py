"""What is known about a slot, besides its counts."""

from __future__ import annotations

from enum import IntEnum


class SlotStatus(IntEnum):
    """What is known about a slot of an SLO."""

    NO = 0
    EMPTY = 1
    """Asked before it had settled; there was nothing yet."""
    PROVISIONAL = 2
    """Asked before it had settled; late samples may still change it."""
    SETTLED = 3
    STAND_IN = 4
    """A longer slot stands in for it until it is asked for: see `exporter.ledger.stand_ins`."""
