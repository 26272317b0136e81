"""Parts of a whole in the file: from `1%` to what the program works with."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated

from pydantic import PlainValidator

from exporter.config.errors import quoted
from exporter.config.types.fields import Kind


def _with_sign(value: object) -> Decimal:
    if isinstance(value, Decimal):
        return value  # a default: files hold text alone
    # With the sign alone: 0.5 could be a ratio, or half a percent.
    found = re.fullmatch(r"(\d{1,3}(?:\.\d{1,10})?) ?%", str(value), re.ASCII)
    if found is None or not isinstance(value, str) or Decimal(found[1]) > 100:
        raise ValueError(
            f"must be a percentage with its sign, such as 1% or 0.5%, not {quoted(str(value))}"
        )
    return Decimal(found[1])


Ratio = Annotated[Decimal, PlainValidator(_with_sign), Kind("percent, with its sign")]
"""In percent."""
