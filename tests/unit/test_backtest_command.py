"""`backtest`: what it refuses, and what it writes."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from datetime import UTC
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from exporter.commands.api_client import Access
from exporter.commands.backtest_text import text
from exporter.commands.known_changes import known_changes
from exporter.evaluation.backtest import backtest
from exporter.reports.backtest import BacktestReport, slo_backtest
from exporter.reports.backtest_json import as_json
from exporter.reports.filters import gated
from exporter.reports.templates import Templates
from exporter.slo.backtest import GatedChanges, GateSpan, Outcome
from exporter.slo.event_history import EventHistory
from exporter.slo.model import LatencySli, Objective
from exporter.slo.policy import Gate
from exporter.slo.recommendation import Criteria
from exporter.slo.records import Change
from exporter.slo.types import DAY, HOUR, MINUTE
from exporter.state.changes import ServiceChanges
from exporter.web.pages.backtest_charts import backtest_charts
from exporter.web.pages.documents import document
from tests.helpers.command_line import GOOD, cli, environment_of_tests
from tests.helpers.samples import slo
from tests.helpers.web.serving import Serving, ToldDaemon

pytestmark = pytest.mark.lengthy

END = 1_700_006_400
PERIOD = 8 * DAY


def report(changes: Any = None, **of: Any) -> BacktestReport:
    """Of one SLO whose events fail for half an hour, with a threshold more if it is a latency."""
    count = 2 * PERIOD // MINUTE
    bad = np.zeros(count)
    bad[-2_000:-1_970] = 10
    bad[: PERIOD // MINUTE] = 0
    known = np.ones(count)
    known[-600:-100] = 0
    bounds = END - MINUTE * np.arange(count, -1.0, -1.0)
    history = EventHistory(bounds, bad, 100 * known, known)
    objectives = [Objective.from_percent(Decimal(each)) for each in ("99", "99.9", "99.99")]
    one = backtest(history, slo(period=PERIOD, **of), objectives, since=END - PERIOD)
    others = []
    if isinstance(one.slo.sli, LatencySli):
        slower = slo(period=PERIOD, **{**of, "sli": LatencySli("latency", 2.5)})
        others = [backtest(history, slower, objectives, since=END - PERIOD)]
    return BacktestReport(
        start=END - PERIOD,
        end=END,
        zone="UTC",
        criteria=Criteria(),
        slos=[slo_backtest(one, Criteria(), None, others, changes)],
        unavailable={},
    )


def written(of: BacktestReport, charts: Any = ()) -> str:
    values = {name: getattr(of, name) for name in of.__dataclass_fields__}
    return Templates().write("backtest", values, UTC, charts)


class TestMistakes:
    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["auht"], "auht is not configured: did you mean auth?"),
            (["auth/x"], "auth/x is not configured"),
            (["--objectives", "99,101"], "'101' must be a percentage above 0 and below 100"),
            (["--objectives", "99,,"], "'' must be a percentage above 0 and below 100"),
            (["--last", "5"], "'5' is not a duration"),
            (["--last", "2y"], "must be from 5m to 366d"),
            (["--keep", "150%"], "'150%' must be a percentage from 0 to below 100"),
            (["--from", "yesterday"], "'yesterday' is not a time"),
            (["--from", "2023-02-01", "--to", "2023-01-01"], "--from must be at least five"),
            (["--from", "2020-01-01", "--to", "2023-01-01"], "at most 366d can be replayed"),
            (["--time-zone", "Mars"], "'Mars' is no time zone such as Europe/Berlin"),
        ],
    )
    def test_each_says_what_is_wrong(self, tmp_path: Path, arguments, words):
        file = tmp_path / "config.yaml"
        file.write_text(GOOD)
        ended = cli("backtest", "--config.file", file, *arguments)
        assert ended.exit_code != 0
        assert words in " ".join(ended.output.split())
        assert "Traceback" not in ended.output

    def test_a_datasource_that_does_not_answer(self, tmp_path: Path):
        """It is named, on stderr and in the document, and the exit code says so."""
        file = tmp_path / "config.yaml"
        file.write_text(GOOD.replace("http://prometheus.test:9090", "http://127.0.0.1:1"))
        ended = cli("backtest", "--config.file", file, "--last", "1h", "--format", "json")
        assert ended.exit_code == 1
        assert json.loads(ended.stdout)["unavailable"].keys() == {"prometheus"}
        assert "datasource prometheus: " in ended.stderr


class TestForms:
    def test_text(self):
        lines = text(report(), UTC).splitlines()
        assert lines[0] == "2023-11-07 00:00 UTC to 2023-11-15 00:00 UTC"
        assert lines[2] == "auth/availability: 99.9% over 8d"
        assert "  300 of 1,102,000 events were bad: an error ratio of 0.0272%" in lines
        assert any(line.startswith("  note: 95.7% of this time is known.") for line in lines)
        assert any("(now, best) 99.9%" in line for line in lines)
        assert any(line.lstrip().startswith("page    2023-11-13 14:4") for line in lines)
        assert lines[-1].startswith("  Recommended: 99.9%, the strictest that would have held")

    def test_text_of_a_latency_has_all_thresholds(self):
        lines = text(report(sli=LatencySli("latency", 0.5)), UTC).splitlines()
        rows = [line.split()[0] for line in lines if "0.0272%" in line and "events" not in line]
        assert rows == ["500ms", "2.5s"]

    def test_markdown_is_a_table_of_objectives(self):
        found = written(report(sli=LatencySli("latency", 0.5)))
        assert "| **99.9%** (now) | 72.8% |" in found
        assert "| 500ms (now) | 0.0272% |" in found
        assert "| page | 2023-11-13 14:4" in found
        assert "**Recommendation**: 99.9%, the strictest" in found
        tables = [line for line in found.splitlines() if line.startswith("|")]
        assert all(line.endswith("|") for line in tables)

    def test_html_is_one_file_with_charts(self):
        """Nothing is fetched, and no script is in it."""
        of = report()
        charts = backtest_charts(of)
        found = document(written(of, charts), charts)
        assert found.count("<svg") == 1
        assert "Error budget left at 99.9%" in found
        assert "page: 13 Nov 14:4" in found
        assert "<script" not in found
        assert " src=" not in found

    def test_json_has_everything(self):
        [one] = as_json(report())["slos"]
        json.dumps(one)
        assert one["recommended"] == 0.999
        assert one["known"] == pytest.approx(1 - 500 / 11_520)
        assert [each["objective"] for each in one["objectives"]] == [0.99, 0.999, 0.9999]
        strict = one["objectives"][2]
        assert strict["held"] is False
        assert strict["blocked_seconds"] > 30 * HOUR
        assert {alert["severity"] for alert in strict["alerts"]} == {"page", "ticket"}
        assert sum(strict["tier_seconds"].values()) == PERIOD


def changes(*before: int) -> list[Change]:
    """Changes so many seconds before the end."""
    return [Change("auth", f"v{number}", END - each) for number, each in enumerate(before)]


class TestChanges:
    """The outage of half an hour begins 2,000 minutes before the end."""

    def figures(self, made: Any) -> list[Any]:
        [one] = as_json(report(made))["slos"]
        names = ("changes", "changes_blocked", "changes_unjudged")
        return [[each[name] for name in names] for each in one["objectives"]]

    def test_counts_those_that_the_gate_would_have_blocked(self):
        """Half an hour of 10% is nothing at 99%, and 15 times the budget at 99.99%."""
        made = changes(7 * DAY, 2_010 * MINUTE, 1_980 * MINUTE, HOUR)
        found = self.figures(made)
        assert [each[0] for each in found] == [4, 4, 4]
        assert found[0][1] < found[2][1] == 2
        assert "2 of 4" in text(report(made), UTC)
        assert "| 2 of 4 |" in written(report(made))

    def test_those_of_another_time_are_not_counted(self):
        assert self.figures(changes(9 * DAY, 0, -HOUR)) == [[0, 0, 0]] * 3
        assert "none recorded" in text(report(changes(9 * DAY)), UTC)

    def test_no_exporter_is_asked_and_they_are_unknown(self):
        assert self.figures(None) == [[None, None, None]] * 3
        assert "| unknown | normal" in written(report())

    def test_what_the_gate_said_is_unknown(self):
        """Before enough of the period is known, there is no tier."""
        outcome = Outcome(
            *(Objective(0.99, 0.01), None, None, None, (), {}, 0, ()),
            gates=(GateSpan(0, 100, None), GateSpan(100, 200, Gate.BLOCK)),
            ends=np.zeros(0, np.int64),
            course=np.zeros(0),
        )
        made = [Change("auth", "v1", 50), Change("auth", "v2", 99)]
        assert outcome.gated(made) == GatedChanges(2, None, 2)
        assert gated(outcome.gated(made)) == "unknown"
        both = outcome.gated([*made, Change("auth", "v3", 100)])
        assert both == GatedChanges(3, 1, 2)
        assert gated(both) == "1 of 1, 2 unknown"


class TestKnownChanges:
    """Of exporters that run."""

    def asked(self, *changes: Change) -> Any:
        """Those of the span [100, 5000] that a server tells of."""
        daemon = ToldDaemon(noted=ServiceChanges(lambda: 10_000.0))
        daemon.noted.take(changes)
        with Serving(daemon=daemon) as serving:
            return known_changes([f"http://127.0.0.1:{serving.port}"], Access(), 100, 5_000)

    def test_are_more_than_one_answer_has(self):
        """A thousand in each; those of the second at which it ends come twice."""
        found = self.asked(*(Change("auth", f"v{at}", at) for at in range(0, 10_000, 2)))
        assert [each.at for each in found["auth"]] == list(range(100, 5_001, 2))

    def test_that_cannot_be_had_whole_are_unknown(self, capsys):
        assert self.asked(*(Change("auth", f"v{number}", 200) for number in range(1_001))) is None
        assert "changes are not known:\nhttp://127" in capsys.readouterr().err

    def test_without_a_server_are_unknown(self):
        assert known_changes([], Access(), 0, 1) is None

    def test_of_a_server_that_does_not_answer_are_unknown(self, capsys):
        assert known_changes(["http://127.0.0.1:1"], Access(), 0, 1) is None
        assert "http://127.0.0.1:1" in capsys.readouterr().err


@pytest.mark.slow
def test_ctrl_c_ends_it_and_nothing_is_written(tmp_path: Path):
    """While Prometheus is waited for: no traceback, no half of a file."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        config = tmp_path / "config.yaml"
        port = silent.getsockname()[1]
        config.write_text(GOOD.replace("http://prometheus.test:9090", f"http://127.0.0.1:{port}"))
        output = tmp_path / "out.txt"
        command = [sys.executable, "-m", "exporter", "backtest"]
        command += [f"--config.file={config}", f"--output={output}"]
        # Tests in the background of a shell ignore the signal, and so would their children.
        ignoring = signal.signal(signal.SIGINT, signal.default_int_handler)
        running = subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, env=environment_of_tests()
        )
        signal.signal(signal.SIGINT, ignoring)
        asked, _ = silent.accept()
        with asked:
            asked.recv(1)
            running.send_signal(signal.SIGINT)
            _, told = running.communicate()
    assert (running.returncode, told) == (1, "\nAborted!\n")
    assert not output.exists()
