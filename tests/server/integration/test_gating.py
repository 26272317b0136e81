"""The gate and overrides of a running daemon, as pipelines and people use them."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator

import httpx
import pytest
from click.testing import CliRunner, Result

from exporter.cli import main
from exporter.demo.servers import PrometheusServer
from tests.helpers.integration.exporters import Exporter
from tests.helpers.integration.gated import gating, services, start


@pytest.fixture(scope="module")
def past_and_future(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusServer]:
    """A Prometheus with the services."""
    with services(tmp_path_factory.mktemp("services")) as server:
        yield server


@pytest.fixture(scope="module")
def daemon(past_and_future, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    """A daemon that knows them."""
    with gating(tmp_path_factory.mktemp("gating"), past_and_future.url) as daemon:
        start(daemon)
        yield daemon


def cli(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


def gate(server: str, service: str, *more: str) -> Result:
    return cli("gate", "--server", server, *more, service)


def api(daemon: Exporter, path: str) -> dict:
    answer = httpx.get(f"{daemon.child.url}/api/v1/{path}", trust_env=False)
    return answer.json()["data"]


class TestGate:
    @pytest.mark.parametrize(
        ("service", "more", "code", "decision"),
        [
            ("well", (), 0, "allow"),
            ("well", ("--strict",), 0, "allow"),
            ("slow", (), 0, "caution"),
            ("slow", ("--strict",), 1, "caution"),
            ("spent", (), 2, "block"),
            ("spent", ("--strict", "--on-unknown", "allow"), 2, "block"),
            ("spent", ("--reason", "security"), 0, "allow"),
            ("spent", ("--reason", "feature"), 2, "block"),
            ("absent", (), 3, "unknown"),
            ("absent", ("--on-unknown", "allow"), 0, "unknown"),
            ("nobody", (), 3, "unknown"),
            ("well", ("--slo", "latency"), 3, "unknown"),
        ],
    )
    def test_the_exit_code_is_the_decision(self, daemon, service, more, code, decision):
        """In text and in JSON."""
        text = gate(daemon.child.url, service, *more)
        assert text.exit_code == code, text.output
        assert text.output.startswith(f"{decision}: ")
        found = gate(daemon.child.url, service, *more, "--output", "json")
        assert found.exit_code == code
        assert json.loads(found.output)["decision"] == decision

    def test_a_block_says_why_and_what_to_do(self, daemon):
        """Since when, for which figures, guidance and exemptions."""
        output = gate(daemon.child.url, "spent").output
        assert output.startswith("block: spent must not be deployed.\n  availability: In tier exha")
        assert "freeze at once, roll back recent changes" in output
        assert "Passes with --reason p0 or security." in output
        assert gate(daemon.child.url, "well").output == "allow: well may be deployed.\n"

    def test_what_passes_by_exemption_says_so(self, daemon):
        """It must be seen in the pipeline's log."""
        output = gate(daemon.child.url, "spent", "--reason", "p0").output
        assert output.startswith("allow: spent may be deployed.\n  availability: In tier exhausted")
        assert "The tier exempts 'p0'." in output

    def test_an_exporter_that_is_down_is_unknown(self):
        """With the reason said."""
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            server = f"http://127.0.0.1:{bound.getsockname()[1]}"
            found = gate(server, "auth")
            assert found.exit_code == 3
            assert f"  {server} cannot be reached: " in found.output
            found = gate(server, "auth", "--on-unknown", "allow")
            assert found.exit_code == 0
            assert found.output.endswith("The deploy is allowed: --on-unknown allow.\n")
            found = gate(server, "auth", "--output", "json")
            assert json.loads(found.output)["decision"] == "unknown"

    def test_what_is_no_exporter_is_unknown(self, past_and_future):
        """Prometheus, say: its address is easily mistaken for ours."""
        found = gate(past_and_future.url, "auth")
        assert found.exit_code == 3
        assert "answered with status 404, but not in this API's format" in found.output

    @pytest.mark.parametrize("server", ["localhost:9098", "http://ada:secret@localhost", "http://"])
    def test_an_address_that_is_none_is_refused(self, server):
        """Neither is one with a password, which others would see."""
        found = gate(server, "auth")
        assert found.exit_code == 2
        assert "is not an address" in found.output


class TestOverrides:
    def test_one_changes_the_decision_at_once_and_is_a_metric(self, daemon):
        """Until it is ended; the tier stays."""
        url = daemon.child.url
        assert gate(url, "auth").exit_code == 2
        made = cli(
            *("override", "--server", url, "--by", "ada", "--why", "the hotfix", "--for", "2h"),
            "auth",
        )
        assert (made.exit_code, "holds until" in made.output) == (0, True), made.output
        assert "restart" not in made.output
        passed = gate(url, "auth")
        assert passed.exit_code == 0
        assert "ada overrides it until " in passed.output
        until = daemon.value("slo_policy_override_until_timestamp_seconds", service="auth")
        assert until == pytest.approx(time.time() + 7_200, abs=120)
        assert daemon.value("slo_policy_overrides_total", service="auth") == 1
        assert daemon.value("slo_policy_overrides_total", service="well") == 0
        assert daemon.value("slo_policy_tier", service="auth", tier="freeze") == 1
        assert api(daemon, "slos?service=auth")["slos"][0]["override"]["by"] == "ada"
        listed = cli("overrides", "list", "--server", url)
        assert "auth  in force until" in listed.output
        assert "ada: the hotfix" in listed.output
        [number] = [each["id"] for each in api(daemon, "overrides?service=auth")["overrides"]]
        ended = cli("overrides", "end", "--server", url, str(number))
        assert ended.exit_code == 0, ended.output
        assert gate(url, "auth").exit_code == 2
        assert daemon.value("slo_policy_override_until_timestamp_seconds", service="auth") is None
        assert daemon.value("slo_policy_overrides_total", service="auth") == 1
        assert "auth  ended" in cli("overrides", "list", "--server", url).output

    def test_they_outlive_a_restart_a_crash_and_a_reload(self, past_and_future, tmp_path):
        """So does the quota, for each service; limits are those of the configuration now."""
        with gating(tmp_path / "one", past_and_future.url) as daemon:
            start(daemon)
            url = daemon.child.url
            word = ("override", "--server", url, "--by", "ada", "--why", "x", "--for", "1h")
            assert cli(*word, "--slo", "availability", "auth").exit_code == 0
            before = api(daemon, "overrides")
            assert before["stored"] is True
            daemon.stop()
            daemon.start()
            assert api(daemon, "overrides") == before
            daemon.kill()
            daemon.start()
            assert api(daemon, "overrides") == before
            assert gate(url, "auth").exit_code == 0
            text = daemon.config.read_text()
            daemon.config.write_text(text.replace("per_quarter: 20", "per_quarter: 1"))
            assert httpx.post(f"{url}/-/reload", trust_env=False).status_code == 200
            assert api(daemon, "overrides")["overrides"] == before["overrides"]
            refused = cli(*word, "auth")
            assert refused.exit_code == 1
            assert "auth has had its 1 overrides of this quarter" in refused.output
            assert cli(*word, "spent").exit_code == 0

    def test_without_a_store_that_is_said(self, past_and_future, tmp_path):
        """A restart forgets them."""
        with gating(tmp_path, past_and_future.url, "--storage.path=none") as daemon:
            start(daemon)
            made = cli(
                *("override", "--server", daemon.child.url, "--by", "ada", "--why", "x"),
                *("--for", "1h", "auth"),
            )
            assert (made.exit_code, "lost in a restart" in made.output) == (0, True)
            assert api(daemon, "overrides")["stored"] is False
            assert gate(daemon.child.url, "auth").exit_code == 0

    @pytest.mark.parametrize(
        ("more", "message"),
        [
            (("nobody",), "nobody is not configured: known are "),
            (("--slo", "latency", "well"), "well/latency is not configured: "),
            (("--for", "73h", "well"), "an override may last 3d at the most"),
        ],
    )
    def test_one_that_cannot_be_is_refused(self, daemon, more, message):
        """With the reason, and exit code 1."""
        refused = cli(
            *("override", "--server", daemon.child.url, "--by", "ada", "--why", "x"),
            *("--for", "1h", *more),
        )
        assert (refused.exit_code, message in refused.output) == (1, True), refused.output

    def test_every_replica_is_told(self, daemon):
        """One that is down makes the command fail, the others have it all the same."""
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            down = f"http://127.0.0.1:{bound.getsockname()[1]}"
            told = cli(
                *("override", "--server", down, "--server", daemon.child.url, "--by", "ada"),
                *("--why", "x", "--for", "1m", "slow"),
            )
        assert told.exit_code == 1
        assert f"{down} cannot be reached: " in told.output
        assert f"{daemon.child.url}: override " in told.output


def test_a_postmortem_is_acknowledged_for_good(past_and_future, tmp_path):
    """It is required no longer, neither after a crash; another incident is not there."""
    with gating(tmp_path, past_and_future.url) as daemon:
        start(daemon)
        url = daemon.child.url
        daemon.until(lambda: daemon.value("slo_postmortem_required", service="spent") == 1)
        [incident] = api(daemon, "slos?service=spent")["slos"][0]["incidents"]
        ack = ("postmortem", "ack", "--server", url, "--by", "ada", "--note", "wiki/7")
        wrong = cli(*ack, "--start", str(incident["start"] + 1), "spent/availability")
        assert wrong.exit_code == 1
        assert "spent/availability has no incident from " in wrong.output
        right = cli(*ack, "--start", str(incident["start"]), "spent/availability")
        assert right.exit_code == 0, right.output
        daemon.kill()
        daemon.start()
        daemon.until(lambda: daemon.value("slo_postmortem_required", service="spent") == 0)
        [found] = api(daemon, "slos?service=spent")["slos"][0]["incidents"]
        assert found["acknowledged"]["by"] == "ada"
