"""The runbooks of our alerts, as HTML that `dev/runbooks.py` makes of docs/operating.md."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def runbooks() -> dict[str, str]:
    """HTML by the alert's name, in the order of the alphabet."""
    folder = files("exporter.web.pages").joinpath("runbooks")
    found = {
        file.name.removesuffix(".html"): file.read_text(encoding="utf-8")
        for file in folder.iterdir()
        if file.name.endswith(".html")
    }
    return {name: found[name] for name in sorted(found)}
