"""The text of a query as a form takes it."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from urllib.parse import quote_plus

LONG = 4 * 1024
"""Characters; quoting a query that is longer takes milliseconds, the first time."""

_quoted = lru_cache(maxsize=1_024)(quote_plus)
"""The texts of range queries are long, and the same from tick to tick."""


async def in_a_form(query: str) -> str:
    """Quote a query; a long one in a thread."""
    return _quoted(query) if len(query) < LONG else await asyncio.to_thread(_quoted, query)
