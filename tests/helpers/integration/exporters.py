"""A daemon with a configuration and a store of its own, that is stopped and started again."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from http.client import HTTPException
from pathlib import Path
from types import TracebackType
from typing import Self

from exporter.demo.ports import free_port
from exporter.demo.servers import Child, http_get
from tests.helpers.faults.daemons import Figures, Labels, figures, last_slot
from tests.helpers.logfmt import logfmt

PATIENCE = 60.0
"""Seconds until something that takes a few is given up."""

CONFIG = """
prometheus: {{url: "{url}", scrape_interval: 1s, timeout: 5s}}
datasources: {{archive: {{url: "{url}", scrape_interval: 30s, timeout: 5s}}}}
evaluation: {{interval: 1s, delay: 2s, settle: 3s, stale_after: 6s, concurrency: 2, revisit: 0s}}
policy: {{min_coverage: 0}}
slos:
"""
"""Slots are asked for late, so that a busy machine has scraped by then. Histories that were
scraped less often are in `archive`, which is the same server."""

EVENTS = """
  - service: {service}
    name: {name}
    objective: {objective}
    period: {period}
    datasource: {datasource}
    sli:
      events:
        bad: requests_total{{{selector}, code=~"5.."}}
        total: requests_total{{{selector}}}
"""

PROBE = """
  - service: shop
    name: reachability
    objective: 99
    sli: {probe: {selector: 'up{job="shop"}'}}
"""


def config(url: str, *slos: str) -> str:
    """A configuration file for a daemon that evaluates every second."""
    return CONFIG.format(url=url) + "".join(slos)


def events(
    selector: str, service: str = "shop", name: str = "availability", **settings: object
) -> str:
    """An SLO of the requests that a selector (the inner part of one) finds."""
    of = {"objective": 99, "period": "30d", "datasource": "prometheus", **settings}
    return EVENTS.format(service=service, name=name, selector=selector, **of)


class Exporter:
    """A daemon, as its users start it. `folder` takes its configuration, its log and its store.

    It is ended with its context, if it still runs.
    """

    def __init__(
        self,
        folder: Path,
        text: str,
        *flags: str,
        before: Sequence[str] = (),
        name: str = "config",
        port: int = 0,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.config = folder / f"{name}.yaml"
        self.config.write_text(text)
        self.store = folder / "ledger"
        port = port or free_port()
        self.child = Child(
            f"the daemon in {folder.name}",
            [
                *before,
                *(sys.executable, "-m", "exporter", "run", f"--config.file={self.config}"),
                f"--web.listen-address=127.0.0.1:{port}",
                "--web.enable-admin-api",
                *flags,
            ],
            port,
            folder / f"{name}.log",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.child.stop()

    def start(self, path: str = "/-/ready") -> None:
        """Start it, and wait until it is ready, or until another path answers."""
        self.child.start()
        self.child.wait_ready(path)

    def stop(self) -> int:
        """End it, politely; its exit code."""
        process, self.child.process = self.child.process, None
        assert process is not None
        process.terminate()
        return process.wait(timeout=10)

    def kill(self) -> None:
        """End it at once."""
        process, self.child.process = self.child.process, None
        assert process is not None
        process.kill()
        process.wait()

    def refused(self) -> str:
        """Start it where it must end by itself, with exit code 1; what it says."""
        before = len(self.child.log.read_text()) if self.child.log.exists() else 0
        self.child.start()
        process, self.child.process = self.child.process, None
        assert process is not None
        try:
            assert process.wait(timeout=PATIENCE) == 1
        finally:
            process.kill()
            process.wait()
        return self.child.log.read_text()[before:]

    @property
    def pid(self) -> int:
        """The process's number."""
        assert self.child.process is not None
        return self.child.process.pid

    def page(self) -> str:
        """Its metrics as they are now; empty while it gives none."""
        try:
            status, page = http_get(self.child.port, "/metrics")
        except (OSError, HTTPException):
            return ""
        return page.decode() if status == 200 else ""

    def value(self, name: str, **labels: str) -> float | None:
        """The one sample of a metric that has these labels, besides others; None without any."""
        found = [
            value
            for (each, own), value in figures(self.page(), name).items()
            if each == name and labels.items() <= dict(own).items()
        ]
        assert len(found) <= 1, found
        return found[0] if found else None

    def own(self, name: str, **labels: str) -> float | None:
        """The same of a metric about the exporter itself."""
        return self.value(f"error_budget_exporter_{name}", **labels)

    def log(self, level: str = "") -> list[dict[str, str]]:
        """What it has logged, line by line; of one level or all."""
        lines = [logfmt(line) for line in self.child.log.read_text().splitlines()]
        return [line for line in lines if level in ("", line["level"])]

    def until(self, condition: Callable[[], object], patience: float = PATIENCE) -> None:
        """Wait until a condition holds; with what it logged where it does not."""
        deadline = time.monotonic() + patience
        while not condition():
            self.child.check()
            assert time.monotonic() < deadline, f"waited in vain:\n{self.child.log_tail()}"
            time.sleep(0.1)

    def until_filled(self) -> None:
        """Wait until there is no history left to ask for."""
        self.until(lambda: self.own("backfill_progress_ratio") == 1)

    def ledger(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command `ledger` on its store."""
        return subprocess.run(
            [
                sys.executable,
                "-m",
                "exporter",
                "ledger",
                f"--storage.path={self.store}",
                *arguments,
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )


class Recorder:
    """Writes down what daemons show at every slot boundary, while its context lasts."""

    def __init__(self, *exporters: Exporter) -> None:
        self.shown: dict[Exporter, dict[float, Figures]] = {exporter: {} for exporter in exporters}
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._record, args=(exporter,)) for exporter in exporters
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def alike(self, one: Exporter, other: Exporter, after: float = 0.0) -> list[float]:
        """The boundaries behind a moment of which two have shown figures of the same slots."""
        shown, others = self.shown[one], self.shown[other]
        both = [at for at in tuple(shown) if at > after and at in others]
        return [at for at in both if known_alike(shown[at], others[at])]

    def until_alike(self, one: Exporter, other: Exporter, count: int, after: float = 0.0) -> None:
        """Wait until there are so many of them; a busy machine misses some."""
        one.until(lambda: len(self.alike(one, other, after)) >= count)

    def _record(self, of: Exporter) -> None:
        boundary_of = "error_budget_exporter_last_evaluation_boundary"
        before: list[str] = []
        while not self._over.wait(0.1):
            page = of.page()
            # While history is being read, figures for one and the same slot change.
            if "error_budget_exporter_backfill_progress_ratio 1.0" not in page:
                continue
            lines = [line for line in page.splitlines() if line.startswith(("slo_", boundary_of))]
            if lines == before:  # reading a page takes more of a core than writing it
                continue
            before = lines
            found = figures(page)
            if last_slot(found):
                [boundary] = figures(page, boundary_of).values()
                self.shown[of][boundary] = found


def known_alike(one: Figures, other: Figures) -> bool:
    """Whether two pages know the same slots of every SLO.

    A machine that is busy with other things may have come too late with a sample, or an answer; an
    SLO that is stale for that says so, and shows no windows. And the first figures after a start
    come before any tier: a page may be read between the two.
    """
    names = "slo_last_slot_timestamp_seconds", "slo_data_lag_seconds"
    differing = differences(one, other)
    late = any(name in names or ("state", "stale") in labels for name, labels in differing)
    return not late and _have_tiers(one) == _have_tiers(other)


def _have_tiers(page: Figures) -> set[Labels]:
    return {labels for name, labels in page if name == "slo_policy_tier_since_timestamp_seconds"}


def differences(one: Figures, other: Figures) -> dict[tuple[str, Labels], tuple[object, object]]:
    """Where two pages are not equal, to the last digit."""
    return {
        name: (one.get(name), other.get(name))
        for name in sorted({*one, *other})
        if one.get(name) != other.get(name)
    }
