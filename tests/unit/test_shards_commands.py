"""Which shard a daemon is told to be, and commands that ask several."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
import respx

from tests.helpers.command_line import cli

ONE, TWO = "http://one.test:9098", "http://two.test:9098"
SERVERS = ("--server", ONE, "--server", TWO)


class TestFlags:
    @pytest.mark.parametrize(
        ("flags", "message"),
        [
            (["--shard=3"], "--shard is 3, which needs --total-shards=4 or more"),
            (
                ["--shard=3", "--total-shards=3"],
                "--shard is 3, but with --total-shards=3 shards are 0 to 2",
            ),
            (["--shard=-1"], "-1 is not in the range x>=0"),
            (["--total-shards=0"], "0 is not in the range 1<=x<=1000"),
            (
                ["--total-shards=3"],
                "--total-shards=3 needs to be told which of them this is: --shard, or --pod",
            ),
            (
                ["--pod=exporter", "--total-shards=3"],
                "'exporter' is no pod of a StatefulSet: its name ends with a number, as exporter-0",
            ),
            (
                ["--pod=exporter-3", "--total-shards=3"],
                "--pod says 3, but with --total-shards=3 shards are 0 to 2",
            ),
            (
                ["--pod=exporter-1", "--shard=1", "--total-shards=3"],
                "--shard and --pod say the same: give one of them",
            ),
            (["--web.shard-url-template=http://exporter:9098"], "is not a template: write http://"),
        ],
    )
    def test_what_cannot_be_is_refused(self, flags, message):
        """With what would be right."""
        result = cli("run", *flags)
        assert result.exit_code == 2
        assert message in " ".join(re.sub(r"[│\s]+", " ", result.stderr).split())


def answer(data: object) -> httpx.Response:
    return httpx.Response(200, json={"status": "success", "data": data})


def override(id_: int, service: str, start: int) -> dict[str, object]:
    known = {"slo": None, "by": "ada", "why": "a hotfix", "until": start + 60, "in_force": False}
    return {"id": id_, "service": service, "start": start, **known}


def elsewhere(_: httpx.Request) -> httpx.Response:
    error = {"status": "error", "errorType": "misdirected_request", "error": "it is on shard 1"}
    return httpx.Response(421, json=error)


class TestShardsThatDoNotLead:
    @pytest.fixture
    def routes(self) -> Iterator[respx.MockRouter]:
        """Two of three, each with an override of its own; the second has what is asked for."""
        with respx.mock(assert_all_called=False) as router:
            for number, (server, service) in enumerate(((ONE, "auth"), (TWO, "shop"))):
                shard = {"number": number, "total": 3, "leads": False}
                router.get(f"{server}/api/v1/status").mock(return_value=answer({"shard": shard}))
                listed = {"overrides": [override(1, service, 1_700_000_000 + number)]}
                router.get(f"{server}/api/v1/overrides").mock(return_value=answer(listed))
            router.post(f"{ONE}/api/v1/overrides").mock(side_effect=elsewhere)
            made = {"override": override(2, "shop", 1_700_000_000), "stored": True}
            router.post(f"{TWO}/api/v1/overrides").mock(return_value=answer(made))
            yield router

    def test_all_that_are_named_are_asked_and_the_others_missed(self, routes):
        """A list that leaves out a third of the services must not pass for all."""
        result = cli("overrides", "list", *SERVERS)
        assert result.exit_code == 1
        assert [line.split()[1] for line in result.stdout.splitlines()[1:]] == ["shop", "auth"]
        assert result.stderr.startswith("shard 2 of 3 is at none of the servers that answer")

    def test_what_is_not_its_business_is_no_failure_of_a_shard(self, routes):
        """As long as one of them has done it."""
        words = ("shop", "--by", "ada", "--why", "a hotfix", "--for", "1h")
        result = cli("override", *words, *SERVERS)
        assert (result.exit_code, result.stderr) == (0, "")
        assert result.stdout.startswith(f"{TWO}: override 2 holds until ")
        result = cli("override", *words, "--server", ONE)
        assert (result.exit_code, result.stderr) == (1, f"{ONE}: it is on shard 1\n")

    def test_the_gate_finds_the_one_that_knows(self, routes):
        """The others say unknown; of several services the worst counts."""
        unknown = {"decision": "unknown", "why": "it is on shard 1", "slos": []}
        routes.get(f"{ONE}/api/v1/gate").mock(return_value=answer(unknown))
        routes.get(f"{TWO}/api/v1/gate", params={"service": "shop"}).mock(
            return_value=answer({"decision": "allow", "why": "well", "slos": []})
        )
        routes.get(f"{TWO}/api/v1/gate", params={"service": "auth"}).mock(
            return_value=answer(unknown)
        )
        assert cli("gate", "shop", *SERVERS).exit_code == 0
        assert cli("gate", "shop", "auth", *SERVERS).exit_code == 3
        assert cli("gate", "shop", "auth", "--on-unknown", "allow", *SERVERS).exit_code == 0


class TestShardsThatLead:
    def test_each_is_asked_for_by_its_number(self):
        """Of the first server that answers."""
        with respx.mock() as router:
            router.route(host="one.test").mock(side_effect=httpx.ConnectError("refused"))
            shard = {"number": 1, "total": 2, "leads": True}
            router.get(f"{TWO}/api/v1/status").mock(return_value=answer({"shard": shard}))
            for number, service in enumerate(("auth", "shop")):
                listed = {"overrides": [override(1, service, 1_700_000_000)]}
                router.get(f"{TWO}/api/v1/overrides", params={"shard": str(number)}).mock(
                    return_value=answer(listed)
                )
            result = cli("overrides", "list", *SERVERS)
            assert (result.exit_code, result.stderr) == (0, "")
            assert len(result.stdout.splitlines()) == 3
            result = cli("overrides", "end", "1", *SERVERS)
            assert result.exit_code == 1
            assert result.stderr == ("override 1 is of auth and of shop: say which by --service\n")
