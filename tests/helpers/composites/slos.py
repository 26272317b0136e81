"""SLOs that are made of others, for tests."""

from __future__ import annotations

from typing import Any

from exporter.slo.combining import Method, OnUnknown
from exporter.slo.model import NO_DATASOURCE, CompositeSli, Part, Slo
from exporter.slo.types import DAY
from tests.helpers.samples import slo


def composite(
    method: str,
    *parts: Slo,
    weights: tuple[float, ...] = (),
    on_unknown: str = "unknown",
    service: str = "shop",
    name: str = "journey",
    objective: str = "99",
    period: int = DAY,
    **more: Any,
) -> Slo:
    """A composite of some SLOs."""
    made = tuple(
        Part(part.full_name, part, weight)
        for part, weight in zip(parts, weights or (1.0,) * len(parts), strict=True)
    )
    sli = CompositeSli(Method(method), made, OnUnknown(on_unknown))
    more = {**more, "datasource": NO_DATASOURCE}
    return slo(objective, service=service, name=name, sli=sli, period=period, **more)
