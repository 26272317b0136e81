"""Servers that take samples by remote write: a Prometheus, or a VictoriaMetrics."""

from __future__ import annotations

import os
import tempfile
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from exporter.demo.ports import free_port
from exporter.demo.servers import Child, PrometheusServer, find_binary, http_get
from tests.helpers.integration.histories import History
from tests.helpers.torture.remote_write import STALE, write
from tests.oracle import Labels, Samples

RECEIVES = "storage: {tsdb: {out_of_order_time_window: 100d}}\n"

KINDS = ("prometheus", "victoria-metrics")
"""Whom the torture set is put to; the second where its variable names it."""

ONE_BLOCK = ("--storage.tsdb.min-block-duration=40d", "--storage.tsdb.max-block-duration=40d")
"""Days of samples may come in any order of series, and are not cut into blocks meanwhile."""

Written = tuple[Labels, Samples]


class Receiver:
    """A server that histories are written to; `url` is where it answers queries.

    `tolerance` is how many events a difference of counters that are no whole numbers may be off,
    `lookback` how many seconds a gauge's last sample is taken for its value.
    """

    tolerance = 1e-9
    lookback = 300.0

    def __init__(self, child: Child) -> None:
        self.child = child
        self.url = child.url

    def write(self, series: Iterable[Written]) -> None:
        """Store series; they can be asked for afterwards."""
        write(self.url, series)

    def store(self, histories: Iterable[History]) -> None:
        """Store histories with the staleness marks that Prometheus writes."""
        self.write([each for history in histories for each in marked(history)])


class PrometheusReceiver(Receiver):
    """A Prometheus that takes remote write, of times long past and in any order, too."""

    def __init__(self, binary: Path, flags: Sequence[str] = ()) -> None:
        receive = "--web.enable-remote-write-receiver"
        self.server = PrometheusServer(RECEIVES, binary=binary, flags=[receive, *ONE_BLOCK, *flags])
        super().__init__(self.server)

    def __enter__(self) -> Self:
        self.server.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.server.close()


class VictoriaMetrics(Receiver):
    """A VictoriaMetrics; what was written is searchable once its buffers are flushed.

    It stores decimals of twelve digits or so, and looks back for a little more than the interval
    that a series was scraped at.
    """

    tolerance = 1e-7
    lookback = 45.0

    def __init__(self, binary: Path, flags: Sequence[str] = ()) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="victoria-metrics-")
        folder, port = Path(self._folder.name), free_port()
        command = [
            binary,
            f"-httpListenAddr=127.0.0.1:{port}",
            f"-storageDataPath={folder / 'data'}",
            "-retentionPeriod=10y",
            *flags,
        ]
        super().__init__(Child("VictoriaMetrics", command, port, folder / "log"))

    def write(self, series: Iterable[Written]) -> None:
        super().write(series)
        http_get(self.child.port, "/internal/force_flush", timeout=30)

    def __enter__(self) -> Self:
        try:
            self.child.start()
            self.child.wait_ready("/health")
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.child.stop()
        self._folder.cleanup()


def marked(history: History) -> Iterable[Written]:
    """The series of a history, marked stale where a scrape did not bring them any more."""
    for identity, samples in history.up.items():
        yield (("__name__", "up"), *identity), samples
    for name, series in history.counters.items():
        for identity, samples in series.items():
            scrapes = [t for target in history.targets(identity) for t, _ in target]
            marks = [(t, STALE) for t in _vanishings(samples, sorted(scrapes))]
            yield (("__name__", name), *identity), sorted([*samples, *marks], key=_time)


def _time(sample: tuple[float, float]) -> float:
    return sample[0]


def _vanishings(samples: Samples, scrapes: Sequence[float]) -> Iterable[float]:
    """The first scrape after each run of samples, if the series was not in it."""
    if not samples:
        return
    times = {t for t, _ in samples}
    was_there = False
    for t in scrapes[bisect_left(scrapes, samples[0][0]) :]:
        if was_there and t not in times:
            yield t
        was_there = t in times


def receiver_of(kind: str, prometheus_binary: Path) -> PrometheusReceiver | VictoriaMetrics:
    """A server of a kind of `KINDS`, not started; the test is skipped where there is none."""
    if kind == "prometheus":
        return PrometheusReceiver(prometheus_binary)
    if not os.environ.get("VICTORIA_METRICS"):
        pytest.skip("VICTORIA_METRICS names no VictoriaMetrics; the exporter needs none")
    return VictoriaMetrics(find_binary("victoria-metrics", "VICTORIA_METRICS"))
