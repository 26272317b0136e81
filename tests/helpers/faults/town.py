"""A service, a Prometheus, and many daemons that watch it: one directly, the others through faults.

Its faults happen at the same time, each to a daemon of its own, so that they take no longer than
one. What happened is written down, for tests to judge.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from exporter.demo.servers import PrometheusServer
from tests.helpers.faults.certificates import certificates
from tests.helpers.faults.daemons import (
    STALE_AFTER,
    Daemon,
    Figures,
    Vitals,
    figures,
    last_slot,
    states,
)
from tests.helpers.faults.faults import Fault
from tests.helpers.faults.proxy import FaultyProxy, pass_on
from tests.helpers.integration.live import Service

PATIENCE = 60.0
"""Seconds until something that takes a few is given up."""

Of = TypeVar("Of")

FAULT_SECONDS = 2.0 * STALE_AFTER
"""How long faults last at least."""

SILENT, PROBLEM = "Prometheus does not answer", "SLO has a problem"
"""What a daemon logs of the former, and of each of its `SLOS` for the latter."""

SLOS = 2

PROMETHEUS = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: shop
    static_configs: [targets: ["127.0.0.1:{service}"]]
"""


class Traffic:
    """Requests that never stop, at random."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._random = random.Random(4)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def _run(self) -> None:
        while not self._over.wait(0.05):
            self._service.good += self._random.randrange(9)
            self._service.bad += self._random.random() < 0.2

    def stop(self) -> None:
        """Count no more."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()


@dataclass
class Course:
    """What happened to one daemon."""

    fault: Fault
    daemon: Daemon
    proxy: FaultyProxy
    logged_before: int = 0
    """Lines of its log before the fault."""
    lasted: tuple[float, float] = (0.0, 0.0)
    """When its fault began and ended, in seconds of the monotonic clock."""
    before: Vitals | None = None
    scrapes: list[str] = field(default_factory=list)
    """What it answered to scrapes during the fault."""
    after: Vitals | None = None
    differences: list[str] = field(default_factory=lambda: ["it was never compared"])
    """Where its figures were not those of the undisturbed daemon in the end."""
    exit_code: int | None = None

    def noticed(self) -> bool:
        """Whether its last scrape and its log tell of the fault; a busy machine takes a while."""
        fault, shown = self.fault, states(figures(self.scrapes[-1]))
        told = [line["msg"] for line in self.daemon.log()[self.logged_before :]]
        return (
            (not fault.stale or shown == {"stale"})
            and (fault.told is None or SILENT in told)
            and (fault.problem is None or told.count(PROBLEM) >= SLOS)
        )


class Town:
    """All of them; `run` lets the faults happen."""

    def __init__(self, prometheus_binary: Path, folder: Path, faults: Iterable[Fault]) -> None:
        self.service = Service()
        self.traffic = Traffic(self.service)
        self.prometheus = PrometheusServer(
            PROMETHEUS.format(service=self.service.port), binary=prometheus_binary
        )
        authority, self._contexts = certificates(folder)
        self.elsewhere = FaultyProxy(self.prometheus.port)
        self.undisturbed = Daemon(self.prometheus.url, folder / "undisturbed", authority)
        self._truth: dict[float, Figures] = {}
        self.courses: dict[str, Course] = {}
        for n, fault in enumerate(faults):
            tls = self._contexts["good"] if fault.certificate else None
            proxy = FaultyProxy(self.prometheus.port, tls, elsewhere=self.elsewhere.url)
            # Where it concerns new connections, there must be new ones.
            proxy.keeps_connections = not (fault.refuses or fault.certificate)
            daemon = Daemon(proxy.url, folder / str(n), authority)
            self.courses[fault.name] = Course(fault, daemon, proxy)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.traffic.stop()
        for daemon in (self.undisturbed, *(course.daemon for course in self.courses.values())):
            daemon.child.stop()
        for proxy in (self.elsewhere, *(course.proxy for course in self.courses.values())):
            proxy.close()
        self.prometheus.close()
        self.service.close()

    def run(self) -> None:
        """Let the faults come and go while requests go on, and write down what happens."""
        courses = self.courses.values()
        self.start()
        for course in courses:
            course.logged_before = len(course.daemon.log())
            course.before = course.daemon.vitals()
        for course in courses:
            self._begin(course)
        began = time.monotonic()
        seconds, noticed = 0.0, False
        while seconds < FAULT_SECONDS or (not noticed and seconds < PATIENCE):
            time.sleep(1)
            for course in courses:
                course.scrapes.append(course.daemon.scrape())
            noticed = all(course.noticed() for course in courses)
            seconds = time.monotonic() - began
        for course in courses:
            self._end(course)
            course.lasted = began, time.monotonic()
        self.compare()
        for course in courses:
            course.after = course.daemon.vitals()
            course.exit_code = course.daemon.end()

    def start(self) -> None:
        """Start everything, and let some requests be counted by everybody."""
        self.prometheus.start()
        daemons = [self.undisturbed, *(course.daemon for course in self.courses.values())]
        for daemon in daemons:
            daemon.child.start()
        for daemon in daemons:
            daemon.child.wait_ready()
        self.traffic.start()
        began = time.time()

        def counts(daemon: Daemon) -> bool:
            page = daemon.scrape()
            found = figures(page)
            filled = "error_budget_exporter_backfill_progress_ratio 1.0" in page
            return filled and last_slot(found) > began + 2 and states(found) == {"ok"}

        assert not self._left(daemons, counts), "a daemon does not count"

    def compare(self) -> None:
        """Wait until everybody shows what the undisturbed daemon does; note where not."""
        since = time.time()

        def agrees(course: Course) -> bool:
            course.differences = self._differences(course.daemon, since)
            return not course.differences

        self._left(self.courses.values(), agrees)

    def _differences(self, daemon: Daemon, since: float) -> list[str]:
        truth = figures(self.undisturbed.scrape())
        self._truth[last_slot(truth)] = truth
        found = figures(daemon.scrape())
        at = last_slot(found)
        expected = self._truth.get(at, {})
        if at < since or not expected:
            return [f"its last slot ended {since - at:.0f} s before the fault did"]
        return [
            f"{name}: {found.get(name)}, undisturbed {expected.get(name)}"
            for name in sorted({*found, *expected})
            if found.get(name) != expected.get(name)
        ]

    @staticmethod
    def _left(those: Iterable[Of], done: Callable[[Of], bool]) -> list[Of]:
        """Wait until all are done; those that are not in the end."""
        deadline = time.monotonic() + PATIENCE
        left = list(those)
        while left and time.monotonic() < deadline:
            time.sleep(0.2)
            left = [each for each in left if not done(each)]
        return left

    def _begin(self, course: Course) -> None:
        proxy, fault = course.proxy, course.fault
        proxy.answers = fault.answers
        if fault.refuses:
            proxy.refuse()
        if fault.certificate:
            proxy.tls = self._contexts[fault.certificate]

    def _end(self, course: Course) -> None:
        proxy, fault = course.proxy, course.fault
        proxy.answers = pass_on
        proxy.over.set()
        if fault.refuses:
            proxy.listen()
        if fault.certificate:
            proxy.tls = self._contexts["good"]
