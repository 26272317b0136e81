"""Slots of many SLOs as they are stored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exporter.ledger.slots import Slots


@dataclass(frozen=True, slots=True)
class Block:
    """Chunks (`levels.CHUNK`) of slots of one length (seconds), each with its SLO and its number.

    `slots` and `asked`, a `SlotStatus` each, are chunks x slots.
    """

    slot: int
    slo_indices: NDArray[np.intp]
    numbers: NDArray[np.int64]
    slots: Slots
    asked: NDArray[np.uint8]
