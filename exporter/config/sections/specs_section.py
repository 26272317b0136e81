"""What specs of other tools do not say themselves."""

from __future__ import annotations

from pydantic import Field

from exporter.config.sections.budgeting import RollingPeriod
from exporter.config.types.section import Section


class SpecsSection(Section):
    """What the specs of Sloth, Pyrra and OpenSLO among `slo_files` do not say themselves."""

    sloth_period: RollingPeriod | None = Field(
        default=None,
        description=(
            "The period of Sloth's SLOs: what its flag `--default-slo-period` said. Without it, "
            "that of an `AlertWindows` among the files, if there is one; else 30d, as in Sloth."
        ),
        examples=["28d"],
    )
