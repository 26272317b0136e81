"""The `changes` section of the configuration file."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, field_validator

from exporter.collection.settings import ChangesQuery
from exporter.config.types.expressions import Expression
from exporter.config.types.fields import DURATION, Kind, Text, duration
from exporter.config.types.section import Section
from exporter.slo.model import DEFAULT_DATASOURCE

_EXAMPLE = ChangesQuery("")


def _label_name(text: str) -> str:
    if not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", text):
        raise ValueError(f"must be a label's name, not {text!r}: letters, digits and _")
    return text


LabelName = Annotated[str, AfterValidator(_label_name), Kind("label name")]


class ChangesSection(Section):
    """Changes that are seen in Prometheus: a label with a version that becomes another."""

    query: Expression = Field(
        description=(
            "PromQL whose series have a label with the service and one with what runs of it. "
            "Its values do not matter. It is counted by these labels, so it may have others, too."
        ),
        examples=["app_build_info"],
    )
    datasource: Text = Field(
        default=DEFAULT_DATASOURCE, description="Which datasource is asked.", examples=["mimir"]
    )
    service_label: LabelName = Field(
        default=_EXAMPLE.service_label,
        description="The label with the service, by the name that its SLOs have.",
        examples=["app"],
    )
    version_label: LabelName = Field(
        default=_EXAMPLE.version_label,
        description="The label with what runs of it.",
        examples=["image"],
    )
    by: list[LabelName] = Field(
        default=[],
        description=(
            "Labels of places in which versions change by themselves, such as the cluster; they "
            "are named with the change. Those of single pods and instances would hide all changes."
        ),
        examples=["[cluster]"],
    )
    gone_after: Annotated[int, BeforeValidator(duration("1s", "1d")), DURATION] = Field(
        default=_EXAMPLE.gone_after,
        description=(
            "How long a version must be away, while others run, to have gone: if it is back "
            "earlier, it was a restart, and later a rollback."
        ),
        examples=["5m"],
    )

    @field_validator("by")
    @classmethod
    def _no_instances(cls, by: list[str]) -> list[str]:
        for name in by:
            if name in {"instance", "pod"}:
                raise ValueError(
                    f"must not contain {name}: a new one comes with every change, "
                    "so that none would be seen"
                )
        return by

    def settings(self) -> ChangesQuery:
        """What is asked."""
        return ChangesQuery(**{**dict(self), "by": tuple(self.by)})
