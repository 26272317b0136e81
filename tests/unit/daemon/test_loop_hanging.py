"""Servers that hang, and servers that are slow: what the loop makes of polls that are not done."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from exporter.daemon import loop as loop_module
from exporter.daemon.datasource_log import NEWEST, DatasourceLog
from exporter.prometheus.errors import UnavailableError
from exporter.prometheus.pace import Pace, Pacer
from tests.helpers.evaluation.fake_daemon import fail


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """A server that hung the last time is waited for a moment alone."""
    monkeypatch.setattr(loop_module, "GRACE", 0.01)


def warned(logs: list[dict]) -> list[str]:
    return [line["event"] for line in logs if line["log_level"] == "warning"]


class TestAServerThatHangs:
    """It accepts, and never answers."""

    def test_does_not_answer_after_half_an_interval(self, run, engine, observed):
        """Long before its queries are given up; the evaluation that follows knows it."""
        engine.hanging = {"prometheus"}
        [line] = [log for log in run(2, interval=1, stale_after=2) if "datasource" in log]
        assert (line["event"], line["asking"]) == ("Prometheus does not answer", "newest slots")
        assert line["error"] == "prometheus did not answer within 2 s"
        assert observed.silent[0] == {"prometheus"}

    def test_is_told_of_once_however_long_its_queries_were_waited_for(self, run, engine):
        """What is found by the smallest question, and by the query itself, is the same trouble."""
        engine.hanging = {"prometheus"}

        def on_sleep(_: float) -> None:
            engine.hanging.clear()
            engine.poll_does = lambda: fail(
                UnavailableError("prometheus did not answer within 30 s")
            )

        assert warned(run(9, on_sleep, interval=1)) == ["Prometheus does not answer"]

    def test_is_not_slow(self, run, engine):
        """There is one line for one thing."""

        def on_sleep(_: float) -> None:
            engine.hanging = {"prometheus"}

        assert warned(run(2, on_sleep, interval=1)) == ["Prometheus does not answer"]


class TestAServerThatIsSlow:
    """The newest slots take long, but it answers other questions meanwhile."""

    def test_is_told_of_with_figures_when_it_begins_and_when_it_is_over(self, run, engine):
        """It is not down: it is waited for."""

        def on_sleep(_: float) -> None:
            engine.slow = {"prometheus"} if len(engine.polls) == 1 else set()

        begun, over = run(6, on_sleep, interval=1)
        assert begun["log_level"] == "warning"
        assert begun["event"].startswith("Prometheus is slow")
        figures = {name: begun[name] for name in ("waited", "interval", "slowest_query", "queries")}
        assert figures == {
            "waited": "0.5s",
            "interval": "1s",
            "slowest_query": "1.2s",
            "queries": 7,
        }
        assert (over["log_level"], over["event"]) == ("info", "Prometheus is no longer slow")

    def test_is_not_waited_for_by_the_smallest_question_once_its_poll_is_done(self, run, engine):
        """The poll is answer enough, and the evaluation is due."""

        def on_sleep(_: float) -> None:
            engine.slow = engine.deaf = {"prometheus"}

        assert warned(run(3, on_sleep, interval=1)) == []

    def test_is_not_told_of_while_there_is_much_to_ask(self, run, engine, observed):
        """The first poll, and those that catch up, take their time on any server."""
        engine.slow = {"prometheus"}
        assert warned(run(2, interval=1)) == []
        assert observed.answered[0]


def test_a_poll_that_waits_for_this_process_is_not_the_servers_fault():
    """As on a machine that has too much to do."""
    with capture_logs() as logs:
        DatasourceLog(30, lambda: 0.0).slow("a", 15.0, Pace(2, 0.1, 7.4))
    assert logs == []


def test_the_pace_counts_queries_under_way_too():
    """The time in which any was waited for, overlapping ones once."""
    moments = iter([0.0, 0.0, 1.0, 4.0, 6.0, 7.0, 10.0, 12.0])
    pacer = Pacer(lambda: next(moments))  # restart at 0
    with pacer.query(), pacer.query():  # from 0 to 6, and from 1 to 4
        pass
    assert pacer.pace() == Pace(2, 6.0, 6.0)  # at 7
    with pacer.query():  # from 10 on
        assert pacer.pace() == Pace(2, 6.0, 8.0)  # at 12
        moments = iter([99.0])


def test_a_poll_between_slow_and_fast_tells_nothing():
    """Neither that it is slow, once that is known, nor that it is over."""
    moments = iter([0.0, 90.0])
    pace = Pace(12, 6.25, 14.0)
    with capture_logs() as logs:
        log = DatasourceLog(30, lambda: next(moments))
        log.slow("a", 15.0, pace)
        log.slow("a", 15.0, pace)
        log.polled("a", 16.0, pace)
        log.polled("a", 7.6, pace)
        assert len(logs) == 1
        log.polled("a", 7.4, pace)
    over = logs[1]
    assert (over["took"], over["lasted"]) == ("7.4s", "1m30s")


def test_trouble_with_history_is_none_with_the_newest_slots():
    """They are waited for as ever."""
    log = DatasourceLog(30, lambda: 0.0)
    log.fails("a", "history", "reset")
    assert not log.in_trouble("a")
    log.fails("a", NEWEST, "reset")
    assert log.in_trouble("a")
