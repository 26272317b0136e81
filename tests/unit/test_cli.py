"""The command line: help, exit codes, what `check` says, and signals."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.metadata import version
from typing import ClassVar
from urllib.parse import parse_qs

import click
import httpx
import pytest
import respx

from exporter.cli import COMMANDS, SUMMARIES, main
from tests.helpers.command_line import (
    FIVE_MISTAKES,
    GOOD,
    cli,
)


class TestUsage:
    @pytest.mark.parametrize(
        ("command", "texts"),
        [
            ((), ["run", "check", "demo", "--version"]),
            (
                ("run",),
                [
                    "--config.file",
                    "--web.listen-address",
                    ":9098",
                    "--web.config.file",
                    "--log.level",
                    "--log.format",
                ],
            ),
            (("check",), ["--config.file", "--web.config.file", "--live"]),
            (("demo",), ["--duration"]),
            (("rules",), ["--format", "--aliases", "--starter", "--runbook-url", "--job"]),
        ],
    )
    @pytest.mark.parametrize("flag", ["--help", "-h"])
    def test_help_of_every_command(self, command, texts, flag):
        """Exit code 0, and all of its flags with their defaults."""
        result = cli(*command, flag)
        assert result.exit_code == 0
        for text in texts:
            assert text in result.stdout

    def test_help_of_every_command_needs_no_files(self, tmp_path, monkeypatch):
        """Commands of commands, too, wherever it is typed."""
        monkeypatch.chdir(tmp_path)
        context = click.Context(main)
        names = []
        for name in COMMANDS:
            command = main.get_command(context, name)
            names.append([name])
            if isinstance(command, click.Group):
                names += [[name, each] for each in command.list_commands(click.Context(command))]
        for each in names:
            result = cli(*each, "--help")
            assert (result.exit_code, result.stderr) == (0, ""), each
            assert result.stdout.startswith(f"Usage: main {' '.join(each)} ")
        assert ["ledger", "verify"] in names

    def test_the_list_says_of_each_command_what_its_help_says(self):
        """Written down a second time, so that the list imports none of them."""
        context = click.Context(main)
        assert {
            name: main.get_command(context, name).get_short_help_str(limit=1_000)
            for name in COMMANDS
        } == SUMMARIES

    def test_the_version(self):
        """Of the package that is installed."""
        result = cli("--version")
        assert result.exit_code == 0
        assert result.stdout == (
            f"error-budget-exporter, version {version('error-budget-exporter')}\n"
        )

    @pytest.mark.parametrize(
        ("arguments", "text"),
        [
            (["run", "--web.listen-address=nowhere"], "write host:port or :port, as in :9098"),
            (["run", "--web.listen-address=::1:80"], "write IPv6 in brackets, as in [::1]:9098"),
            (["run", "--log.level=loud"], "loud"),
            (["run", "--log.format=xml"], "xml"),
            (["run", "--no-such-flag"], "--no-such-flag"),
            (["check", "surplus"], "surplus"),
            (["demo", "--duration=5"], "--duration"),
            (["fly"], "fly"),
            ([], "Usage"),
        ],
    )
    def test_wrong_usage_is_exit_code_2(self, arguments, text):
        """The message names what is wrong, on stderr."""
        result = cli(*arguments)
        assert result.exit_code == 2
        assert text in result.stderr
        assert result.stdout == ""


class TestCheck:
    def test_a_file_without_mistakes(self, config):
        """Exit code 0 and one line."""
        path = config(GOOD)
        result = cli("check", f"--config.file={path}")
        assert (result.exit_code, result.stdout) == (0, f"{path}: 1 SLOs, no mistakes\n")
        assert result.stderr == ""

    @pytest.mark.parametrize("command", ["check", "run"])
    def test_all_mistakes_are_named_at_once(self, config, command):
        """A line each, with file, line and key, on stderr; exit code 1."""
        path = config(FIVE_MISTAKES)
        result = cli(command, f"--config.file={path}")
        assert result.exit_code == 1
        assert result.stdout == ""
        places = [line.split(": ")[:2] for line in result.stderr.splitlines()]
        assert places == [
            [f"{path}:2", "prometheus.url"],
            [f"{path}:4", "evaluation.interval"],
            [f"{path}:8", "slos[0].objective"],
            [f"{path}:9", "slos[0].sli.events.bad"],
            [f"{path}:13", "slos[1].colour"],
        ]

    @pytest.mark.parametrize("command", ["check", "run"])
    def test_a_file_that_is_not_there(self, tmp_path, command):
        """Named with the reason; exit code 1."""
        path = tmp_path / "none.yaml"
        result = cli(command, f"--config.file={path}")
        assert result.exit_code == 1
        assert result.stderr == f"{path}: cannot be read: No such file or directory\n"


class TestLiveCheck:
    """What is found of real series is in tests/server/review."""

    URL = "http://prometheus.test:9090/api/v1"
    EMPTY: ClassVar[dict[str, object]] = {"status": "success", "data": {"result": []}}

    @pytest.fixture
    def routes(self) -> Iterator[respx.MockRouter]:
        with respx.mock(assert_all_called=False) as router:
            for path in ("labels", "label/__name__/values"):
                router.get(f"{self.URL}/{path}").respond(json={"status": "success", "data": []})
            router.get(f"{self.URL}/metadata").respond(404)
            yield router

    @pytest.fixture
    def instant(self, routes) -> respx.Route:
        return routes.post(f"{self.URL}/query").mock(side_effect=self.count)

    @pytest.fixture
    def query(self, routes, instant) -> respx.Route:
        return routes.post(f"{self.URL}/query_range")

    def check(self, config, text: str = GOOD) -> tuple[int, list[str]]:
        result = cli("check", "--live", f"--config.file={config(text)}")
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result.exit_code, result.stdout.splitlines()[1:]

    def count(self, request: httpx.Request) -> httpx.Response:
        """Every series is there, and none is outside of another."""
        [text] = parse_qs(request.content.decode())["query"]
        there = text.startswith("count(") and "unless" not in text
        result = [{"metric": {}, "value": [0, "2"]}] if there else []
        return httpx.Response(200, json={"status": "success", "data": {"result": result}})

    def answer(self, request: httpx.Request) -> httpx.Response:
        """One event a second, of which one in a thousand is bad, for the first SLO asked for."""
        form = parse_qs(request.content.decode())
        start, end, step = (int(form[name][0]) for name in ("start", "end", "step"))
        result = [
            {
                "metric": {"slo_query_part": part},
                "values": [[at, str(step * share)] for at in range(start, end + 1, step)],
            }
            for part, share in (("0", 1), ("1", 0.0001))
            if f'"slo_query_part", "{part}"' in form["query"][0]
        ]
        return httpx.Response(200, json={"status": "success", "data": {"result": result}})

    def test_an_slo_with_data_is_well(self, query, config):
        """Line by line; warnings leave the exit code at 0."""
        query.side_effect = self.answer
        code, lines = self.check(config)
        assert (code, lines[0]) == (0, "auth/availability")
        assert lines[1:3] == ["  ok    total: 2 series", "  ok    bad: 2 series"]
        assert "  ok    retention: 100% of the period is known" in lines
        assert lines[-1] == "1 SLOs reviewed: 0 ok, 1 with warnings, 0 failed"

    def test_one_slo_that_is_not_well_is_enough(self, query, instant, config):
        """Exit code 1."""
        query.side_effect = self.answer
        instant.side_effect = [httpx.Response(200, json=self.EMPTY)] * 200
        code, lines = self.check(config)
        assert code == 1
        assert "  FAIL  total: there is no metric requests_total: is it scraped?" in lines

    def test_as_json_for_programs(self, query, config):
        """Nothing else is on the standard output."""
        query.side_effect = self.answer
        result = cli("check", "--live", "--output=json", f"--config.file={config(GOOD)}")
        assert result.exit_code == 0
        told = json.loads(result.stdout)
        assert told["unavailable"] == {}
        [found] = told["slos"]
        assert (found["service"], found["slo"], found["level"]) == ("auth", "availability", "WARN")
        assert found["findings"][0] == {
            "level": "ok",
            "about": "total",
            "text": "2 series",
            "advice": "",
        }

    @pytest.mark.parametrize("refused", [("query",), ("query", "instant")])
    def test_a_refusal_is_told_in_prometheus_words(self, query, instant, config, refused):
        """Exit code 1, whichever of the queries it is that are refused."""
        error = {"status": "error", "errorType": "bad_data", "error": "no such tenant"}
        for route in refused:
            {"query": query, "instant": instant}[route].mock(
                side_effect=lambda _: httpx.Response(400, json=error)
            )
        code, lines = self.check(config)
        assert code == 1
        assert lines[1] == "  FAIL  data: no such tenant"

    def test_an_absent_prometheus_is_told(self, query, instant, config):
        """Exit code 1, with the URL; what is there is not judged."""
        query.side_effect = instant.side_effect = httpx.ConnectError("connection refused")
        reason = "http://prometheus.test:9090 cannot be reached: connection refused"
        assert self.check(config) == (
            1,
            [
                f"datasource prometheus: {reason}",
                "0 SLOs reviewed: 0 ok, 0 with warnings, 0 failed",
            ],
        )

    def test_a_url_that_is_no_prometheus_is_told(self, query, instant, config):
        """With what is often forgotten."""
        query.side_effect = instant.side_effect = lambda _: httpx.Response(404, text="not found")
        code, lines = self.check(config)
        assert code == 1
        assert lines[0] == (
            "datasource prometheus: http://prometheus.test:9090 has no query API (HTTP 404): is it "
            "the URL of a Prometheus? That of Mimir ends in /prometheus"
        )


class TestWebConfig:
    @pytest.mark.parametrize("command", ["check", "run"])
    def test_every_mistake_of_it_is_told(self, config, tmp_path, command):
        """Exit code 1, before anything else is tried."""
        web = tmp_path / "web.yaml"
        web.write_text("basic_auth_users: {ada: plain}\nrate_limit: {burst: many}\n")
        result = cli(command, f"--config.file={config(GOOD)}", f"--web.config.file={web}")
        assert result.exit_code == 1
        lines = [line.partition(": ")[2] for line in result.stderr.splitlines()]
        assert [line.partition(":")[0] for line in lines] == [
            "basic_auth_users.ada",
            "rate_limit.burst",
        ]

    def test_certificates_are_tried(self, config, tmp_path):
        """A file that can be read need not be one."""
        web = tmp_path / "web.yaml"
        web.write_text("tls_server_config: {cert_file: web.yaml, key_file: web.yaml}")
        result = cli("check", f"--config.file={config(GOOD)}", f"--web.config.file={web}")
        assert result.exit_code == 1
        assert "cannot be used as certificate and key: not in PEM form" in result.stderr

    def test_one_without_mistakes_is_passed_over(self, config, tmp_path):
        """What is said of the configuration is said as ever."""
        web = tmp_path / "web.yaml"
        web.write_text("http_server_config: {http2: false}")
        result = cli("check", f"--config.file={config(GOOD)}", f"--web.config.file={web}")
        assert (result.exit_code, result.stderr) == (0, "")
