"""The bounds of a classic histogram's buckets, as they are written in `le`."""

from __future__ import annotations

import math
from dataclasses import replace

from exporter.prometheus.raw import is_number
from exporter.prometheus.selectors import Matcher, Selector


def bound_spellings(bound: float) -> list[str]:
    """How a bucket bound may be written in `le`, as regular expressions.

    Prometheus 2 stores what the service wrote (`1` or `1.0`), Prometheus 3 always `1.0`, and
    Go writes large and small numbers with an exponent of two digits (`1e+06`).
    """
    spellings = {repr(bound), f"{bound:g}", f"{bound:.17g}"}
    if bound.is_integer() and abs(bound) < 1e15:
        spellings |= {str(int(bound)), f"{int(bound)}.0"}
    spellings = {text for text in spellings if float(text) == bound}
    return sorted(text.replace(".", r"\.").replace("+", r"\+") for text in spellings)


def bound_matcher(bound: float) -> Matcher:
    """Matches the bucket of a bound, however it is written."""
    return Matcher("le", "=~", "|".join(bound_spellings(bound)))


def any_spelling(selector: Selector) -> Selector:
    """A selector whose `le="1"` also finds the bucket that is stored as `1.0`."""
    return replace(
        selector,
        matchers=tuple(
            bound_matcher(float(each.value))
            if each.label == "le" and each.op == "=" and _is_finite(each.value)
            else each
            for each in selector.matchers
        ),
    )


def _is_finite(text: str) -> bool:
    """Whether a bound may have several spellings; +Inf has one."""
    return is_number(text) and math.isfinite(float(text))
