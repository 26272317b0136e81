"""The tables of a report as CSV (RFC 4180)."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence

Cell = str | float | int | bool | None

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
"""What a spreadsheet takes as the beginning of a formula, or of a command (OWASP, "CSV
Injection")."""


def csv_text(columns: Sequence[str], rows: Sequence[Mapping[str, Cell]]) -> str:
    """A table; what is not known is an empty cell.

    A text that a spreadsheet would run as a formula is led by an apostrophe. Numbers are left as
    they are.
    """
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([_cell(row.get(name)) for name in columns] for row in rows)
    return written.getvalue()


def _cell(value: Cell) -> str | float | int:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if not math.isfinite(value):
            return ""
        return int(value) if value == int(value) and abs(value) < 1e15 else value
    if isinstance(value, str) and value.lstrip(" ").startswith(_FORMULA):
        return f"'{value}"
    return value
