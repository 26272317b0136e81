"""PromQL's raw strings (in backticks) as quoted ones, which every parser reads alike."""

from __future__ import annotations

import json
import re

_TOKEN = re.compile(
    r"""
    "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*'  # quoted strings
    | \#[^\n]*                             # comments
    | `(?P<raw>[^`]*)`                     # raw strings
    """,
    re.VERBOSE | re.DOTALL,
)


def quoted_strings(text: str) -> str:
    r"""PromQL whose raw strings that hold a backslash are quoted: `5\d` as "5\\d".

    Others stay as they are, and so do comments and what is no PromQL.
    """

    def quote(match: re.Match[str]) -> str:
        raw = match["raw"]
        if raw is None or "\\" not in raw:
            return match[0]
        return json.dumps(raw, ensure_ascii=False)

    return _TOKEN.sub(quote, text)
