"""Logs: one record a line, in logfmt and in JSON, of this program and of its libraries."""

from __future__ import annotations

import io
import json
import logging
import re
import sys
from collections.abc import Iterator
from contextlib import suppress

import pytest
import structlog

from exporter.daemon.log_settings import FORMATS
from exporter.daemon.logs import configure
from tests.helpers.logfmt import logfmt


class TestLogs:
    @pytest.fixture(autouse=True)
    def restored(self) -> Iterator[None]:
        """Logging as it was before."""
        root = logging.getLogger()
        handlers, level = root.handlers[:], root.level
        yield
        structlog.reset_defaults()
        root.handlers[:] = handlers
        root.setLevel(level)

    def lines(self, form: str, capsys) -> list[dict[str, str]]:
        read = json.loads if form == "json" else logfmt
        captured = capsys.readouterr()
        assert captured.out == ""
        return [read(line) for line in captured.err.splitlines()]

    def test_a_full_disk_is_no_matter(self, monkeypatch):
        """What cannot be logged is left out; whoever logs does not notice."""
        with io.FileIO("/dev/full", "w") as full:
            monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(full, write_through=True))
            configure("info", "logfmt")
            structlog.get_logger().error("the store fails", error="no space")
            with suppress(OSError):
                sys.stderr.detach()

    @pytest.mark.parametrize("form", FORMATS)
    def test_every_line_is_one_record(self, form, capsys):
        """Quotes, blanks, equal signs and line breaks of messages break no line."""
        configure("info", form)
        hostile = 'parse error: "x" = 1\nlevel=error msg=evil\\'
        structlog.get_logger().warning("SLO has a problem", error=hostile, slo="a b", empty="")
        [line] = self.lines(form, capsys)
        assert (line["level"], line["msg"], line["slo"]) == ("warning", "SLO has a problem", "a b")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", line["ts"])
        assert "evil" in line["error"]

    @pytest.mark.parametrize("form", FORMATS)
    def test_a_traceback_is_part_of_its_line(self, form, capsys):
        """A fault is one record, too."""
        configure("info", form)
        try:
            _ = 1 // 0
        except ZeroDivisionError:
            structlog.get_logger().exception("evaluation failed")
        [line] = self.lines(form, capsys)
        assert line["level"] == "error"
        assert "ZeroDivisionError: " in line["exception"]

    @pytest.mark.parametrize("form", FORMATS)
    def test_libraries_log_in_the_same_form(self, form, capsys):
        """Warnings and worse of theirs, with their traceback."""
        configure("debug", form)
        logging.getLogger("httpcore").info("Started server process [%d]", 1)
        logging.getLogger("httpcore").warning("Exceeded %s limit", "concurrency")
        try:
            _ = 1 // 0
        except ZeroDivisionError:
            logging.getLogger("asyncio").exception("task failed")
        first, second = self.lines(form, capsys)
        assert (first["level"], first["msg"]) == ("warning", "Exceeded concurrency limit")
        assert "ZeroDivisionError: " in second["exception"]

    @pytest.mark.parametrize(
        ("level", "shown"),
        [
            ("debug", ["debug", "info", "warning", "error"]),
            ("info", ["info", "warning", "error"]),
            ("warn", ["warning", "error"]),
            ("error", ["error"]),
        ],
    )
    def test_the_level_is_the_least_that_is_shown(self, level, shown, capsys):
        """As Prometheus names them."""
        configure(level, "json")
        log = structlog.get_logger()
        for name in ("debug", "info", "warning", "error"):
            getattr(log, name)("something")
        assert [line["level"] for line in self.lines("json", capsys)] == shown
