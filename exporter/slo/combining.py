"""How composites are put together: the words of the configuration."""

from __future__ import annotations

from enum import StrEnum


class Method(StrEnum):
    """How a composite's good ratio of a slot comes of those of its parts."""

    ALL = "all"
    WORST = "worst"
    WEIGHTED = "weighted"


class OnUnknown(StrEnum):
    """What becomes of a slot of a composite of which a part is not known."""

    UNKNOWN = "unknown"
    LEAVE_OUT = "leave_out"
