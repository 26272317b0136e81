"""The demo: sets the scene, plays the incident, tells what the exporter makes of it."""

from __future__ import annotations

import http.client
import json
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any, Final
from urllib.parse import quote

import click

from exporter.demo.past import LAST
from exporter.demo.scene import Scene, set_up
from exporter.demo.servers import ServerError, http_get
from exporter.demo.story import CHECKOUT, HEADING, Story, View, clock, read_views
from exporter.demo.traffic import incident

CALM_BEFORE: Final = 20.0
"""Seconds from the first complete figures to the incident."""

HISTORY_TIMEOUT: Final = 300.0
POLL: Final = 1.0

COMPLETE: Final = 0.999
"""Coverage from which the budget stands; the newest slots may still be on their way."""

SCRAPED_BACK: Final = (
    'max_over_time(slo_burn_rate_alert{service="checkout",slo="availability",severity="page"}[10m])'
)
OF_YESTERDAY: Final = 'slo_error_budget_remaining_ratio{service="checkout"} offset 1d'
GATE: Final = "/api/v1/gate?service=checkout"
WORTH_A_LOOK: Final = 'slo_error_budget_remaining_ratio{service="checkout"}'


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """How the demo runs.

    With a `duration` (seconds from the moment that everything runs, 60 at least to see the
    incident) it ends by itself and judges what it saw; without one it runs until a signal.
    """

    duration: float | None = None


def run_demo(options: DemoOptions) -> int:
    """Run the demo and clear everything away. Called from the main thread.

    Returns the exit code: 1 if a server failed or, with a duration, the exporter or the
    Prometheus that scrapes it did not show the incident; else 0.
    """
    story = Story(click.echo, lambda line: click.secho(line, bold=True))
    with _signals_interrupt():
        try:
            with ExitStack() as stack:
                missing = _play(stack, story, options)
        except ServerError as error:
            click.secho(str(error), fg="red", err=True)
            return 1
        except KeyboardInterrupt:
            click.echo("Stopped; everything is cleared away.")
            if options.duration is None:
                return 0
            missing = ["it was stopped before its end"]
    for what in missing:
        click.secho(f"Missing: {what}.", fg="red", err=True)
    if not missing:
        click.echo("The exporter saw the incident, and Prometheus has it from the exporter.")
    return 1 if missing else 0


def _play(stack: ExitStack, story: Story, options: DemoOptions) -> list[str]:
    """The demo from beginning to end; returns what was expected and not seen."""
    began = time.monotonic()
    scene = set_up(stack, click.echo)
    views = _wait_for_history(scene)
    scene.past.start()
    end = time.monotonic() + (options.duration or float("inf"))
    outage = incident(time.time() + CALM_BEFORE)
    scene.shop.outages.append(outage)
    script = [
        (outage.begin, "checkout fails altogether, and retries multiply its traffic by four"),
        (outage.end, "checkout is repaired"),
    ]
    _show_where(scene)
    story.overview(views)
    click.echo(f"\nIn {CALM_BEFORE:g} s {CHECKOUT} has an incident. Ctrl-C ends the demo.\n")
    click.echo("An experiment that breaks another service for half a minute, from a second shell:")
    click.echo(f"  {scene.experiment}\n")
    click.echo(HEADING)
    past_seen = False
    while time.monotonic() < end:
        elapsed = time.monotonic() - began
        if script and time.time() >= script[0][0]:
            click.secho(f"{clock(elapsed)}  {script.pop(0)[1]}", bold=True)
        scene.check()
        scene.past.go_on()
        if not past_seen and scene.past.given_at is not None and _has(scene, OF_YESTERDAY):
            past_seen = True
            click.echo(f"{clock(elapsed)}  Prometheus has these figures of the last {LAST}, too")
        story.see(_views(scene), elapsed)
        story.see_gate(_gate(scene), elapsed)
        time.sleep(POLL)
    missing = story.missing()
    if not _has(scene, SCRAPED_BACK, value=1):
        missing.append(f"Prometheus has no 1 from the exporter in {SCRAPED_BACK}")
    if scene.past.due and not past_seen:
        missing.append(f"Prometheus has nothing from history in {OF_YESTERDAY}")
    return missing


def _views(scene: Scene) -> dict[str, View]:
    try:
        _, body = http_get(scene.exporter.port, "/metrics")
    except (OSError, http.client.HTTPException) as error:
        raise ServerError(
            f"the exporter does not answer ({error}):\n{scene.exporter.log_tail()}"
        ) from error
    return read_views(body.decode())


def _gate(scene: Scene) -> Mapping[str, Any]:
    """What the exporter answers to a pipeline that wants to deploy checkout."""
    _, body = http_get(scene.exporter.port, GATE)
    found: Mapping[str, Any] = json.loads(body)["data"]
    return found


def _wait_for_history(scene: Scene) -> dict[str, View]:
    """Wait until the exporter has read the whole period of every SLO."""
    click.echo("The exporter reads the history")
    deadline = time.monotonic() + HISTORY_TIMEOUT
    while time.monotonic() < deadline:
        scene.check()
        views = _views(scene)
        if views and all(view.coverage >= COMPLETE for view in views.values()):
            return views
        time.sleep(POLL)
    raise ServerError(
        f"the exporter has not read the history in {HISTORY_TIMEOUT:g} s:\n"
        f"{scene.exporter.log_tail()}"
    )


def _has(scene: Scene, query: str, value: float | None = None) -> bool:
    """Whether Prometheus has an answer to a query; with a `value`, whether one has that."""
    _, body = http_get(scene.prometheus.port, f"/api/v1/query?query={quote(query)}")
    found = [float(result["value"][1]) for result in json.loads(body)["data"]["result"]]
    return bool(found) if value is None else value in found


def _show_where(scene: Scene) -> None:
    prometheus = scene.prometheus
    click.secho("\nWhere to look", bold=True)
    click.echo(f"  exporter         {scene.exporter.url}/")
    click.echo(f"  its metrics      {scene.exporter.url}/metrics")
    click.echo(f"  may one deploy?  curl '{scene.exporter.url}{GATE}'")
    click.echo(f"  its log          {scene.exporter.log}")
    query = quote(WORTH_A_LOOK)
    if page := _graph_page(prometheus.port):
        graph = f"{page}?g0.expr={query}&g0.tab=0&g0.range_input=15m"
        click.echo(f"  Prometheus       {prometheus.url}{graph}")
    click.echo(f"  Prometheus' API  {prometheus.url}/api/v1/query?query={query}")
    click.echo(f"  Prometheus' log  {prometheus.log}\n")


def _graph_page(port: int) -> str | None:
    """The path of Prometheus's graphs; packages that are unpacked, not installed, have none."""
    pages = ("/query", "/graph", "/classic/graph")  # 3.x, 2.x, Debian's 2.x
    return next((page for page in pages if http_get(port, page)[0] == http.client.OK), None)


@contextmanager
def _signals_interrupt() -> Iterator[None]:
    """Make the signals that end programs interrupt this one, once: clearing up is not for it."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def interrupt(number: int, frame: FrameType | None) -> None:
        for other in signals:
            signal.signal(other, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
