"""The `policy.overrides` section of the configuration file."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from exporter.config.types.fields import DURATION, duration
from exporter.config.types.section import Section
from exporter.slo.overrides import OverrideLimits

_DEFAULTS = OverrideLimits()


class OverridesSection(Section):
    """Limits of overrides, by which people deploy although the gate blocks."""

    longest: Annotated[int, BeforeValidator(duration("1m", "30d")), DURATION] = Field(
        default=_DEFAULTS.longest,
        description="The longest override, 1m to 30d.",
        examples=["24h"],
    )
    per_quarter: Annotated[int, Field(ge=0, le=1000)] = Field(
        default=_DEFAULTS.per_quarter,
        description=(
            "How many a service may have in one calendar quarter (UTC), 0 to 1000. "
            "Less than an hour counts as a part of one, and one that was ended early for the time "
            "in which it held."
        ),
        examples=["1"],
    )

    def limits(self) -> OverrideLimits:
        """What the overrides are held to."""
        return OverrideLimits(self.longest, self.per_quarter)
