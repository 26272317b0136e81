"""Running one plan from its beginning to its end, or to where an invariant breaks."""

from __future__ import annotations

import random
import ssl
import tempfile
import traceback
from dataclasses import dataclass
from pathlib import Path

import jinja2
import structlog

from tests.helpers.simulation import clock, disk
from tests.helpers.simulation.invariants import BrokenError
from tests.helpers.simulation.plan import Plan
from tests.helpers.simulation.recording import record
from tests.helpers.simulation.simulation import Simulation


@dataclass(frozen=True)
class Outcome:
    """What became of a plan: what `broke` (None: nothing), which invariant, after how long."""

    broken: str | None
    invariant: str | None
    hours: float
    log: tuple[str, ...]


def prepare() -> None:
    """Make this process one of simulations: its disk, and what need not be done at every start."""
    disk.install()
    clock.let_the_dead_rest()
    ssl.SSLContext.set_default_verify_paths = lambda _self, *_: None  # type: ignore[method-assign]
    compile_, kept = jinja2.Environment.compile, {}

    def compile_once(self: jinja2.Environment, source: object, *rest: object) -> object:
        key = (source, self.autoescape, rest)
        if key not in kept:
            kept[key] = compile_(self, source, *rest)  # type: ignore[call-overload]
        return kept[key]

    jinja2.Environment.compile = compile_once  # type: ignore[method-assign, assignment]


def run(plan: Plan, *, verbose: bool = False, recorded: Path | None = None) -> Outcome:
    """Run a plan. With `verbose`, the log has the daemons' own lines as well."""
    random.seed(plan.seed)
    with tempfile.TemporaryDirectory() as folder:
        loop = clock.SimulatedLoop(plan.seed)
        loop.set_exception_handler(lambda _loop, _context: None)
        clock.begin(loop)
        simulation = Simulation(plan, Path(folder))
        structlog.configure(
            processors=[_Notes(simulation, verbose=verbose)],
            cache_logger_on_first_use=False,
        )
        broken = invariant = None
        try:
            loop.run_until_complete(simulation.run())
        except Exception as error:  # noqa: BLE001 - whatever it is, the plan fails
            broken = f"{type(error).__name__}: {error}"
            invariant = error.invariant if isinstance(error, BrokenError) else type(error).__name__
            if verbose and not isinstance(error, BrokenError):
                traceback.print_exc()
        finally:
            hours = simulation.hours
            clock.end()
        if recorded is not None:
            record(simulation.network, recorded)
        return Outcome(broken, invariant, hours, tuple(simulation.log))


class _Notes:
    """Notes the daemons' log lines in the simulation's log."""

    def __init__(self, simulation: Simulation, *, verbose: bool) -> None:
        self._simulation = simulation
        self._verbose = verbose

    def __call__(self, _logger: object, level: str, event: dict[str, object]) -> str:
        if self._verbose:
            what = event.pop("event", "")
            text = " ".join(f"{key}={value}" for key, value in event.items())
            self._simulation.note(f"  [{clock.PROCESS.get().name}] {level}: {what} {text}")
        raise structlog.DropEvent
