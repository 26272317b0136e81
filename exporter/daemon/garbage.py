"""How often Python looks for garbage: rarely, since everything waits for it.

What thousands of SLOs are made of is hundreds of thousands of objects, most of them made by every
evaluation and freed as soon as the next one replaces them, without any help. Python would search
all of them for cycles several times an evaluation: up to 0.4 s each at 10,000 SLOs, in which no
thread runs.
"""

from __future__ import annotations

import gc

THRESHOLDS = (50_000, 20, 100)
"""Objects made until the youngest are searched; and how many of these searches until older ones
and all are."""


def search_rarely() -> None:
    """Search for garbage rarely, and never what is there by now."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
