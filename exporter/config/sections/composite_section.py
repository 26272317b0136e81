"""An SLO that is made of others: `composite`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, PlainValidator, field_validator

from exporter.config.types.fields import Kind, Text, one_of
from exporter.config.types.section import Section
from exporter.slo.combining import Method, OnUnknown
from exporter.slo.model import CompositeSli, Part, Slo

_METHODS: dict[str, str | None] = dict.fromkeys(Method)
_ON_UNKNOWN: dict[str, str | None] = dict.fromkeys(OnUnknown)


class PartSection(Section):
    """An SLO that a composite is made of."""

    slo: Text = Field(
        description="The SLO, as `service/name`. It may be a composite itself.",
        examples=["auth/availability"],
    )
    weight: Annotated[float, Field(gt=0, le=1_000_000)] = Field(
        default=1.0,
        description="How much it counts, with the method `weighted`; without a meaning elsewhere.",
        examples=["2"],
    )


class CompositeSection(Section):
    """An SLO that is made of others, such as a user's journey through several services.

    It is computed from the slots that are counted for them. See docs/composites.md.
    """

    method: Annotated[str, PlainValidator(one_of(_METHODS)), Kind("method")] = Field(
        description=(
            "`all`: a moment is good if all parts are (their ratios of good events are "
            "multiplied). `worst`: it is as good as the worst part. `weighted`: it is the mean of "
            "the parts by their weights."
        ),
        examples=["all"],
    )
    of: list[PartSection] = Field(
        description="The parts.",
        examples=["[{slo: auth/availability}, {slo: shop/latency}]"],
    )
    on_unknown: Annotated[str, PlainValidator(one_of(_ON_UNKNOWN)), Kind("choice")] = Field(
        default=OnUnknown.UNKNOWN.value,
        description=(
            "What a slot is of which a part is not known: `unknown`, or made of the other parts "
            "(`leave_out`)."
        ),
        examples=["leave_out"],
    )

    @field_validator("of")
    @classmethod
    def _each_once(cls, parts: list[PartSection]) -> list[PartSection]:
        if not parts:
            raise ValueError("must name at least one SLO")
        names = [part.slo for part in parts]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"names {name} twice: give it once, with a weight if it has one")
        return parts

    def sli(self, slos: Mapping[str, Slo]) -> CompositeSli:
        """What is put together, of SLOs by their `service/name`."""
        return CompositeSli(
            method=Method(self.method),
            parts=tuple(Part(each.slo, slos[each.slo], each.weight) for each in self.of),
            on_unknown=OnUnknown(self.on_unknown),
        )
