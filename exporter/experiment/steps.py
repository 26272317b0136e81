"""What an experiment does: commands and waits."""

from __future__ import annotations

from dataclasses import dataclass

from exporter.slo.durations import format_duration


@dataclass(frozen=True, slots=True)
class Command:
    """A program and its arguments, which no shell sees, and how long it may take (seconds).

    One that `may_fail` ends nothing by its exit code or by taking too long.
    """

    arguments: tuple[str, ...]
    timeout: float
    name: str | None = None
    may_fail: bool = False

    @property
    def title(self) -> str:
        """What it is called."""
        return self.name or " ".join(self.arguments)


@dataclass(frozen=True, slots=True)
class Wait:
    """Seconds in which nothing is done."""

    seconds: float
    name: str | None = None

    @property
    def title(self) -> str:
        """What it is called."""
        return self.name or f"wait {format_duration(self.seconds)}"


Step = Command | Wait
