"""Reading logfmt, strictly."""

from __future__ import annotations

import re


def logfmt(line: str) -> dict[str, str]:
    """Read a line of logfmt; fail where it is none."""
    pattern = r'([^\s="]+)=("(?:[^"\\]|\\.)*"|[^\s"]*)(?: |$)'
    found = list(re.finditer(pattern, line.rstrip("\n")))
    assert "".join(match[0] for match in found) == line.rstrip("\n")
    return {match[1]: match[2].strip('"') for match in found}
