"""The bounds of a classic histogram's buckets, as they are written in `le`."""

from __future__ import annotations


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
