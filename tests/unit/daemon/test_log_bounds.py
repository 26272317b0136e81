"""How much of one kind the log takes."""

from __future__ import annotations

import json
import logging

import pytest
import structlog

from exporter.daemon import logs
from exporter.daemon.log_bounds import MOST_LINES, LogBounds


@pytest.fixture
def over(monkeypatch, capsys):
    """Configured logging; calling ends every span that has begun."""
    root, spans = logging.getLogger(), []
    handlers, level = root.handlers[:], root.level
    bounds = LogBounds(lambda _, tell: spans.append(tell))
    monkeypatch.setattr(logs, "LogBounds", lambda: bounds)
    logs.configure("debug", "json")

    def end() -> list[dict]:
        while spans:
            spans.pop()()
        return [json.loads(line) for line in capsys.readouterr().err.splitlines()]

    yield end
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


class TestLogBounds:
    def test_a_flood_is_cut_and_counted(self, over):
        """Other kinds are not touched; the next span begins with nothing."""
        log = structlog.get_logger()
        for i in range(MOST_LINES + 70):
            log.info("data state changed", group=i)
        log.info("another kind")
        said = over()
        assert [line["msg"] for line in said].count("data state changed") == MOST_LINES
        assert said[-2]["msg"] == "another kind"
        told = {key: said[-1][key] for key in ("msg", "kind", "lines", "within")}
        assert told == {
            "msg": "lines were left out",
            "kind": "data state changed",
            "lines": 70,
            "within": "60s",
        }
        log.info("data state changed")
        assert [line["msg"] for line in over()] == ["data state changed"]

    def test_what_libraries_say_is_bounded_by_logger(self):
        """Their texts are all different."""
        bounds = LogBounds(lambda *_: None)
        lines = [
            logging.LogRecord("asyncio", logging.ERROR, "", 0, f"fault {i}", (), None)
            for i in range(MOST_LINES + 5)
        ]
        assert [bounds.filter(line) for line in lines] == [True] * MOST_LINES + [False] * 5
        assert bounds.filter(logging.LogRecord("h11", logging.ERROR, "", 0, "", (), None))

    def test_debug_lines_are_not_bounded(self, over):
        """Whoever asks for them wants them."""
        for _ in range(MOST_LINES + 5):
            structlog.get_logger().debug("query")
        assert len(over()) == MOST_LINES + 5
