"""What the program is called, and which version is installed: pyproject.toml says so."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version

NAME = "error-budget-exporter"


@cache
def installed() -> str:
    """The version, such as `1.2.3`."""
    return version(NAME)


def user_agent() -> str:
    """How it introduces itself to servers, as Prometheus does."""
    return f"{NAME}/{installed()}"
