"""Experiments on the demo's service, run as users run them."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from exporter.demo.servers import http_get
from tests.helpers.experiments.courses import oracle
from tests.helpers.experiments.lab import Lab, kill, lab
from tests.helpers.integration.exporters import Exporter
from tests.oracle import Events, labels

US = "auth/availability (region=us)"

EXPERIMENT = """
title: A third of the sign-ins in us fails
hypothesis:
  steady:
    - {{slo: auth/availability, groups: {{region: us}}, error_ratio: 5%, window: 5s}}
    - {{name: the shop is scraped, query: 'min(up{{job="shop"}})', at_least: 1}}
  impact: [{{slo: auth/availability, groups: {{region: us}}, budget: {budget}}}]
  recovery: {{within: {recovery}, of: rollback}}
baseline: 10s
method:
  - {{command: {fault}, name: break it, timeout: 30s}}
  - {{wait: {wait}}}
rollback:
  - {{command: {repair}, name: repair it, timeout: 30s}}
abort: [{{slo: auth/availability, groups: {{region: us}}, error_ratio: {abort}, for: 2s}}]
watch: {watch}
grain: 1s
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Everything, with more of the present than a baseline needs."""
    with lab(tmp_path_factory.mktemp("lab")) as found:
        _until(lambda: _scrapes(found) >= 14)
        yield found


def _until(condition: Callable[[], object], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _query(at: Lab, query: str) -> list[dict[str, list[list[float]]]]:
    _, body = http_get(at.prometheus.port, f"/api/v1/query?query={quote(query)}")
    found: list[dict[str, list[list[float]]]] = json.loads(body)["data"]["result"]
    return found


def _scrapes(at: Lab) -> float:
    found = _query(at, 'count_over_time(up{job="shop"}[1h])')
    return float(found[0]["value"][1]) if found else 0  # type: ignore[arg-type]


def text(at: Lab, **of: str) -> str:
    usual = {
        "budget": "40%",
        "recovery": "20s",
        "wait": "4s",
        "watch": "8s",
        "abort": "90%",
        "fault": at.fault("break", "--part=auth-us", "--failing=0.3"),
        "repair": at.fault("repair"),
    }
    return EXPERIMENT.format(**{**usual, **of})


def events(at: Lab, code: str, span: float) -> Events:
    """What the oracle counts of sign-ins in us from the raw samples."""
    selector = f'http_requests_total{{service="auth",region="us"{code}}}[{span:.0f}s]'
    series = {
        labels(**each["metric"]): [(t, float(value)) for t, value in each["values"]]  # type: ignore[arg-type]
        for each in _query(at, selector)
    }
    return Events(series, {})


class TestAnExperiment:
    def test_it_holds_and_every_figure_is_the_oracles(self, place: Lab):
        """The counts of each phase, onset, peak, recovery and the share of the budget."""
        code, told = place.run(text(place))
        assert code == 0, told
        assert "HELD: the hypothesis held." in told
        assert not place.broken()
        found = place.report()
        assert [each["outcome"] for each in found["verdicts"]] == ["held"] * 4
        [of] = found["slos"]
        span = time.time() - of["phases"][0]["start"] + 60
        bad, total = events(place, ',code=~"5.."', span), events(place, "", span)
        for each in of["phases"]:
            at = each["start"], each["end"]
            assert each["bad"] == bad.between(*at)
            assert each["total"] == total.between(*at)
            assert each["known"] == 1
        begin, end = found["begin"] // 1, found["end"]
        assert of["lost"] == bad.between(begin, end) > 10
        slots = [
            (bad.between(t, t + 1), total.between(t, t + 1)) for t in range(int(begin), int(end))
        ]
        onset, back = oracle(slots, 0.05, 5, 0)
        assert onset is not None
        assert back is not None
        assert of["onset"] == max(found["begin"], begin + onset)
        assert of["recovered"] == begin + back + 1
        assert found["begin"] <= of["onset"] < of["recovered"] <= found["rolled_back"] + 5
        assert of["peak"]["error_ratio"] == max(b / t for b, t in slots if t)
        allowed = 0.03 * total_of_an_hour(place, of["phases"][1]["start"])
        assert of["budget_share"] == pytest.approx(of["lost"] / allowed, rel=0.03)
        kinds = [each["kind"] for each in found["timeline"]]
        assert {"begin", "step", "rollback", "onset", "peak", "recovered", "end"} <= set(kinds)

    @pytest.mark.slow
    def test_it_is_refuted(self, place: Lab):
        """By what it cost; the other lines hold."""
        _settled(place)
        code, told = place.run(text(place, budget="0.1%"))
        assert code == 1, told
        assert "REFUTED" in told
        outcomes = [each["outcome"] for each in place.report()["verdicts"]]
        assert outcomes == ["held", "held", "refuted", "held"]
        assert not place.broken()

    @pytest.mark.slow
    def test_it_is_aborted_and_rolled_back_at_once(self, place: Lab):
        """Long before the method would have ended."""
        _settled(place)
        code, told = place.run(text(place, abort="10%", wait="10m"))
        assert code == 2, told
        assert "ABORTED: auth/availability (region=us): error ratio above 10% for 2s" in told
        assert not place.broken()
        found = place.report()
        assert found["rolled_back"] - found["begin"] < 120
        kinds = [each["kind"] for each in found["timeline"]]
        assert kinds.index("abort") < kinds.index("rollback")

    @pytest.mark.slow
    def test_it_is_refused_and_nothing_is_done(self, place: Lab):
        """It says how much of the budget is missing; --force overrules that, and is recorded."""
        _settled(place)
        marker = place.folder / "done"
        wanted = text(place, budget="100%", fault=json.dumps(["touch", str(marker)]), wait="1s")
        code, told = place.run(wanted)
        assert code == 3, told
        assert "REFUSED: nothing was done." in told
        assert "may cost 100% of a period's budget" in told
        assert "bad events)" in told
        assert not marker.exists()
        code, told = place.run(wanted, "--force=we want to see")
        assert code in (0, 1), told
        assert marker.exists()
        found = place.report()
        assert found["forced"] == "we want to see"
        assert "may cost 100%" in found["overruled"][0]

    @pytest.mark.slow
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_a_signal_rolls_back(self, place: Lab, number: signal.Signals):
        _settled(place)
        with place.started(text(place, wait="10m")) as process:
            _until(place.broken)
            process.send_signal(number)
            told, _ = process.communicate(timeout=120)
            assert process.returncode == 2, told
            assert f"ABORTED: interrupted by {number.name}" in told
            assert not place.broken()

    @pytest.mark.slow
    def test_what_a_killed_one_has_done_is_undone_at_the_next_start(self, place: Lab):
        """And by `experiment rollback`; a dry run only tells."""
        _settled(place)
        with place.started(text(place, wait="10m")) as process:
            _until(place.broken)
            kill(process)
            assert place.broken()
            code, told = place.run(text(place), "--dry-run")
            assert "was not undone; this would be done first:" in told
            assert place.broken()
            code, told = place.run(text(place, budget="100%"))
            assert "was killed before it was undone" in told
            assert "it is undone" in told
            assert code == 3, told
            assert not place.broken()

    @pytest.mark.slow
    def test_another_one_meanwhile_is_refused(self, place: Lab):
        _settled(place)
        with place.started(text(place, wait="10m")) as process:
            _until(place.broken)
            code, told = place.run(text(place))
            assert code == 3
            assert "another experiment is under way on this machine" in told
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=120)
            assert not place.broken()


@pytest.mark.slow
def test_the_exporter_is_told_and_its_incident_is_planned(place: Lab, tmp_path: Path):
    """The pages and reports of a running exporter know of it, and it says how the SLOs stand."""
    # In us the incident that others have begun may go on: half an hour's pause ends one.
    fault = place.fault("break", "--part=auth-eu", "--failing=0.7")
    eu = text(place, fault=fault, abort="99%").replace("region: us", "region: eu")
    own = place.config.read_text().replace("interval: 10s", "interval: 5s")
    with Exporter(tmp_path / "exporter", own, "--web.trust-loopback") as daemon:
        daemon.start()
        _until(lambda: _entry(daemon)["budget"] is not None)
        code, told = place.run(eu, f"--server={daemon.child.url}")
        assert code == 0, told
        _, body = http_get(daemon.child.port, "/api/v1/changes")
        noted = [(each["what"], each["source"]) for each in json.loads(body)["data"]["changes"]]
        title = "A third of the sign-ins in us fails"
        assert noted == [
            (f"experiment over: {title} (held)", "experiment_over"),
            (f"experiment: {title}", "experiment"),
        ]
        _until(lambda: _entry(daemon)["incidents"])
        assert _entry(daemon)["incidents"][-1]["planned"]["what"] == f"experiment: {title}"
        path = "/api/v1/reports/postmortem?service=auth&slo=availability"
        _, body = http_get(daemon.child.port, path)
        assert f"It was planned: it began during experiment: {title}." in body.decode()


def _entry(daemon: Exporter) -> dict[str, list[dict[str, dict[str, str]]]]:
    _, body = http_get(daemon.child.port, "/api/v1/slos?service=auth")
    every = json.loads(body)["data"]["slos"]
    found: dict[str, list[dict[str, dict[str, str]]]] = next(
        (each for each in every if each["groups"] == {"region": "eu"}),
        {"budget": None, "incidents": []},
    )
    return found


def _settled(at: Lab) -> None:
    """Wait until the failures of the experiment before are no part of a baseline."""
    rate = 'sum(increase(http_requests_total{service="auth",region="us",code=~"5.."}[20s])) < 5'
    _until(lambda: _query(at, rate))


def total_of_an_hour(at: Lab, end: float) -> float:
    """All sign-ins in us in the hour before a moment."""
    return events(at, "", time.time() - end + 3_700).between(end - 3_600, end)
