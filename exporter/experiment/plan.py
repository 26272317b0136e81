"""An experiment as a whole, as its file describes it."""

from __future__ import annotations

from dataclasses import dataclass

from exporter.experiment.abort_conditions import AbortCondition, CommandAbort
from exporter.experiment.allowed import ANY_TIME, Allowed
from exporter.experiment.hypothesis import Hypothesis, Target
from exporter.experiment.steps import Command, Step, Wait


@dataclass(frozen=True, slots=True)
class Experiment:
    """An experiment as its file describes it; lengths of time are in seconds.

    - `baseline`: how long before it everything must have been steady.
    - `watch`: how long it is watched after the rollback.
    - `unknown_for`: how long an SLO may be unknown until the experiment is aborted.
    - `left_alone`: globs that no argument of a command may match.
    - `grain`: the length of the slots; None: that of the scrapes.
    """

    title: str
    hypothesis: Hypothesis
    method: tuple[Step, ...]
    rollback: tuple[Command, ...]
    description: str = ""
    baseline: int = 300
    watch: int = 300
    abort: tuple[AbortCondition, ...] = ()
    unknown_for: int = 60
    allowed: Allowed = ANY_TIME
    left_alone: tuple[str, ...] = ()
    grain: int | None = None

    @property
    def targets(self) -> tuple[Target, ...]:
        """The SLOs that it is about, each once, in the order of the file."""
        lines: list[object] = [*self.hypothesis.steady, *self.hypothesis.impact]
        lines += [*self.hypothesis.detection, *self.abort]
        found = (getattr(line, "target", None) for line in lines)
        return tuple({str(each): each for each in found if each is not None}.values())

    @property
    def own_targets(self) -> tuple[Target, ...]:
        """Those that the hypothesis is about: what others suffer is no part of it."""
        lines = (*self.hypothesis.steady, *self.hypothesis.impact, *self.hypothesis.detection)
        found = (getattr(line, "target", None) for line in lines)
        return tuple({str(each): each for each in found if each is not None}.values())

    @property
    def shortest(self) -> float:
        """How long it takes at the least: its waits and the watch."""
        return sum(each.seconds for each in self.method if isinstance(each, Wait)) + self.watch

    @property
    def commands(self) -> tuple[Command, ...]:
        """Every command of it."""
        steps = tuple(each for each in self.method if isinstance(each, Command))
        checks = tuple(each.command for each in self.abort if isinstance(each, CommandAbort))
        return (*steps, *self.rollback, *checks)
