"""What ends an experiment early."""

from __future__ import annotations

from dataclasses import dataclass

from exporter.experiment.hypothesis import Target
from exporter.experiment.steps import Command
from exporter.slo.durations import format_duration
from exporter.slo.figures import percent, rate, written


@dataclass(frozen=True, slots=True)
class RatioAbort:
    """Every slot of so many seconds has more than this part (a ratio) of its events bad."""

    target: Target
    above: float
    seconds: int
    left_alone: bool = False

    def __str__(self) -> str:
        held = f" for {format_duration(self.seconds)}" if self.seconds else ""
        what = f"{self.target}: error ratio above {percent(self.above)}{held}"
        return f"{what} (to be left alone)" if self.left_alone else what


@dataclass(frozen=True, slots=True)
class BurnAbort:
    """The budget burns faster than this over a window (seconds)."""

    target: Target
    above: float
    window: int

    def __str__(self) -> str:
        over = format_duration(self.window)
        return f"{self.target}: burn rate above {rate(self.above)} over {over}"


@dataclass(frozen=True, slots=True)
class BudgetAbort:
    """Less than this share of the period's budget is left."""

    target: Target
    below: float

    def __str__(self) -> str:
        return f"{self.target}: less than {percent(self.below)} of the budget left"


@dataclass(frozen=True, slots=True)
class QueryAbort:
    """Some value of a PromQL expression is above or below a bound, for so many seconds."""

    query: str
    datasource: str
    seconds: int
    above: float | None = None
    below: float | None = None
    name: str | None = None

    def holds(self, value: float) -> bool:
        """Whether a value is beyond the bound."""
        high = self.above is not None and value > self.above
        return high or (self.below is not None and value < self.below)

    def __str__(self) -> str:
        bound = (
            f"above {written(self.above)}"
            if self.above is not None
            else f"below {written(self.below or 0.0)}"
        )
        held = f" for {format_duration(self.seconds)}" if self.seconds else ""
        return f"{self.name or self.query}: {bound}{held}"


@dataclass(frozen=True, slots=True)
class CommandAbort:
    """A program, run every so many seconds, ends with another exit code than 0, or too late."""

    command: Command
    every: float

    def __str__(self) -> str:
        return f"{self.command.title}: fails"


AbortCondition = RatioAbort | BurnAbort | BudgetAbort | QueryAbort | CommandAbort
