"""What a review of an SLO finds: ok, a warning, or a failure, each with what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARN = "WARN"
    """It is measured, but something about it may surprise."""
    FAIL = "FAIL"
    """It is not measured, or not what it says."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a review: what was looked at, what was found, and what to do about it."""

    level: Level
    about: str
    text: str
    advice: str = ""

    def __str__(self) -> str:
        advice = f": {self.advice}" if self.advice else ""
        return f"{self.level:<4}  {self.about}: {self.text}{advice}"


def ok(about: str, text: str) -> Finding:
    """All is well."""
    return Finding(Level.OK, about, text)


def warn(about: str, text: str, advice: str = "") -> Finding:
    """A warning."""
    return Finding(Level.WARN, about, text, advice)


def fail(about: str, text: str, advice: str = "") -> Finding:
    """A failure."""
    return Finding(Level.FAIL, about, text, advice)
