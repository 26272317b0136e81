"""What the values of a spec's queries are, where their functions do not tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from exporter.prometheus.units import PER_SECOND, PER_WINDOW, UnitError, seconds_covered
from exporter.specs.node import Node, Remarks, Section

_ANY_WINDOW: Final = 120


def put_unit(query: Section, texts: Mapping[str, str], node: Node, remarks: Remarks) -> None:
    """Set the `unit` of a query SLI where it has to be said.

    A ratio makes sense only if both queries have the same unit, so the one that is told by its
    functions tells that of the other.
    """
    try:
        told = [seconds_covered(text, _ANY_WINDOW) for text in texts.values()]
    except (UnitError, ValueError):
        return  # what is wrong with them is said where they are checked
    known = {seconds for seconds in told if seconds}
    if None not in told or len(known) > 1:
        return
    if known == {_ANY_WINDOW}:
        query.set("unit", PER_WINDOW, node)
        return
    if not known:
        remarks.say(
            node,
            "does not tell by its functions whether values are rates: they are taken for rates per "
            "second. Ratios and budgets are right in any case, numbers of events may not be",
        )
    query.set("unit", PER_SECOND, node)
