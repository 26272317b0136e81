"""Counting a field case by the engine, as the daemon would."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from exporter.config.reading.loading import load
from exporter.daemon.engine import Engine
from exporter.prometheus.client import PrometheusClient
from exporter.slo.snapshot import DataState, SloStatus, Snapshot
from exporter.slo.windows import windows
from tests.field.case import STEP, FieldCase, Truth
from tests.field.kit import Series
from tests.helpers.integration.histories import END
from tests.helpers.torture.receivers import Receiver
from tests.helpers.torture.remote_write import write

NOW = END - 1_230
"""The moment of every case: in the middle of a 5 m slot."""


def store(receiver: Receiver, series: Iterable[Series]) -> None:
    """Write series to a server."""
    series = list(series)
    receiver.write([(each.labels.items(), each.samples) for each in series if each.samples])
    histograms = [(each.labels.items(), each.histograms) for each in series if each.histograms]
    if histograms:
        write(receiver.url, histograms=histograms)


def outcome(url: str, case: FieldCase, *, now: int = NOW, polled: bool = False) -> Snapshot:
    """Count a case on the server at `url`: its snapshot as of `now`.

    History is filled at the first poll, which is the only one unless the case is `polled`.
    """
    moments = [now]
    if polled and case.polled:
        start, end = case.polled
        moments = [*range(now + start, now + end + 1, STEP), now]
    return asyncio.run(_outcome(url, case, moments))


async def _outcome(url: str, case: FieldCase, moments: Sequence[int]) -> Snapshot:
    settings = load(case.config.replace("PROM_URL", url), Path("config.yaml"))
    delay = settings.evaluation.delay + 1
    async with AsyncExitStack() as stack:
        clients = {
            name: await stack.enter_async_context(PrometheusClient(item, name=name))
            for name, item in settings.datasources.items()
        }
        engine = Engine(settings.slos, settings.evaluation, clients)
        for n, moment in enumerate(moments):
            await engine.poll(moment + delay)
            while n == 0 and await engine.fill_history():
                pass
        return engine.evaluate(moments[-1] + delay)


def check(case: FieldCase, snapshot: Snapshot) -> None:
    """Hold a snapshot to a case's truths and words."""
    for truth in case.truths:
        found = status(snapshot, truth)
        window = found.windows[truth.window]
        seconds = dict(windows(found.slo.period, snapshot.at))[truth.window]
        for name, held, right in (
            ("bad", window.bad, truth.bad),
            ("total", window.total, truth.total),
        ):
            if right is not None:
                told = f"{truth.window}: {name} of {truth.groups or found.slo.name}"
                assert held == pytest.approx(right, rel=1e-9, abs=truth.within), told
        unknown = (1 - window.known) * seconds
        assert unknown == pytest.approx(truth.unknown, abs=0.5), (
            f"unknown of {truth.window}: {unknown}, lag {found.lag}"
        )
    states = {found.state for found in snapshot.slos}
    assert (DataState.INVALID in states) == bool(case.invalid), states
    for found in snapshot.slos if case.invalid and not case.truths else ():
        absent = {name for name, _ in windows(found.slo.period, snapshot.at)} - found.windows.keys()
        assert absent >= set(case.invalid) or (case.invalid == ("*",) and not found.windows)
        assert found.budget is None or found.slo.period.label not in case.invalid
        assert not any(alert.firing for alert in found.alerts)
    problems = {found.problem for found in snapshot.slos if found.problem}
    if not case.words:
        assert not problems
    for words in case.words:
        assert any(words in problem for problem in problems), problems


def status(snapshot: Snapshot, truth: Truth) -> SloStatus:
    """The status that a truth is about."""
    [found] = [
        slo
        for slo in snapshot.slos
        if truth.slo in (None, slo.slo.name) and dict(slo.groups) == dict(truth.groups)
    ]
    return found
