"""Commands that ask running daemons: which of them, and what they tell all of them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest
import respx

from exporter.slo.incident_ids import incident_id
from tests.helpers.command_line import cli
from tests.helpers.tcp_servers import EndlessServer

pytestmark = pytest.mark.lengthy

A, B = "http://a.test:9098", "http://b.test:9098"
STARTS = (1_700_000_100, 1_700_009_000)


def incident(start: int, **more: object) -> dict[str, object]:
    return {"start": start, "share": 0.34, "postmortem": True, "acknowledged": None, **more}


AT = 1_700_000_100


def slo(name: str, groups: dict[str, str], *incidents: dict[str, object]) -> dict[str, object]:
    return {"service": "auth", "slo": name, "groups": groups, "incidents": list(incidents)}


SLOS = [
    slo("availability", {}, incident(STARTS[0]), incident(STARTS[1], postmortem=False)),
    slo("latency", {"region": "eu"}, incident(STARTS[1]), incident(50, acknowledged={"by": "x"})),
]
LATEST = incident_id("auth", "latency", {"region": "eu"}, STARTS[1])
OLDER = incident_id("auth", "availability", {}, STARTS[0])


def page(request: httpx.Request) -> httpx.Response:
    """The SLOs, one a page."""
    offset = int(request.url.params.get("offset", "0"))
    data = {"total": len(SLOS), "offset": offset, "slos": SLOS[offset : offset + 1]}
    return httpx.Response(200, json={"status": "success", "data": data})


@pytest.fixture
def routes() -> Iterator[respx.MockRouter]:
    """Two daemons: the second answers, and takes acknowledgements; the first is away."""
    with respx.mock(assert_all_called=False) as router:
        router.route(host="a.test").mock(side_effect=httpx.ConnectError("refused"))
        router.get(f"{B}/api/v1/slos").mock(side_effect=page)
        router.get(f"{B}/api/v1/status").respond(json={"status": "success", "data": {}})
        router.post(f"{B}/api/v1/postmortems/acknowledge").respond(
            json={"status": "success", "data": {"incident": {}, "stored": True}}
        )
        yield router


def told(routes: respx.MockRouter) -> list[dict[str, object]]:
    """What was acknowledged."""
    posts = [call.request for call in routes.calls if call.request.method == "POST"]
    return [json.loads(request.content) for request in posts if request.url.host == "b.test"]


class TestOtherPrograms:
    """Any address may be given by mistake."""

    def test_an_answer_that_does_not_end_is_not_waited_for(self):
        """Nor held in memory."""
        with EndlessServer() as server:
            result = cli("postmortem", "list", "--server", server.url)
            assert server.sent < 100_000_000
        assert result.exit_code == 1
        assert f"{server.url} answers with more than 64 MB" in result.stderr

    def test_words_without_end_are_cut(self, routes):
        """And what a terminal would take for orders is not printed."""
        body = {"status": "error", "error": "\x1b[2J" + "x" * 100_000}
        routes.get(f"{A}/api/v1/slos").respond(400, json=body)
        result = cli("postmortem", "list", "--server", A)
        assert result.exit_code == 1
        assert len(result.stderr) < 3_000
        assert "\x1b" not in result.stderr

    def test_json_nested_too_deep_is_none_of_this_api(self, routes):
        """It is no reason for a traceback."""
        routes.get(f"{B}/api/v1/slos").respond(content=b"[" * 200_000)
        result = cli("postmortem", "list", "--server", B)
        assert result.exit_code == 1
        assert "not in this API's format" in result.stderr


class TestServers:
    def test_a_question_is_asked_of_the_first_that_answers(self, routes):
        """The others are not needed."""
        result = cli("postmortem", "list", "--server", A, "--server", B)
        assert (result.exit_code, result.stderr) == (0, "")

    @pytest.mark.parametrize("written", [f"{A} {B}", f"{A},{B}", f" {A}, {B} "])
    def test_they_may_stand_in_the_environment(self, routes, monkeypatch, written):
        """With spaces or commas between them."""
        monkeypatch.setenv("ERROR_BUDGET_EXPORTER_SERVER", written)
        assert cli("postmortem", "list").exit_code == 0

    def test_without_any_it_is_said_where_they_go(self):
        """The variable's name is in the help and in the message."""
        result = cli("overrides", "list")
        assert result.exit_code == 2
        assert "Missing option '--server' (env var: 'ERROR_BUDGET_EXPORTER_SERVER')" in (
            result.stderr.replace("\n", " ")
        )

    def test_if_none_answers_all_are_told_of(self, routes):
        """With what each of them said."""
        result = cli("postmortem", "list", "--server", A, "--server", "http://a.test:1")
        assert result.exit_code == 1
        assert result.stderr.splitlines() == [
            f"{A} cannot be reached: refused",
            "http://a.test:1 cannot be reached: refused",
        ]

    def test_the_gate_goes_on_where_one_knows_nothing(self, routes):
        """A replica that has just started has no decision; the other one has."""
        nothing = {"service": "auth", "decision": "unknown", "why": "not yet", "slos": []}
        yes = {"service": "auth", "decision": "allow", "why": "well", "slos": []}
        for host, data in ((B, nothing), ("http://c.test", yes)):
            routes.get(f"{host}/api/v1/gate").respond(json={"status": "success", "data": data})
        result = cli("gate", "auth", "--server", A, "--server", B, "--server", "http://c.test")
        assert (result.exit_code, result.stdout.splitlines()[0]) == (
            0,
            "allow: auth may be deployed.",
        )
        result = cli("gate", "auth", "--server", A, "--server", B)
        assert result.exit_code == 3
        assert "not yet" in result.stdout


class TestPostmortems:
    def test_those_that_are_required_are_listed(self, routes):
        """Newest first, with what they are called; of all pages."""
        result = cli("postmortem", "list", "--server", B)
        assert result.stdout.splitlines() == [
            f"{LATEST}  auth/latency region=eu  2023-11-15T00:43:20Z  took 34% of the budget",
            f"{OLDER}  auth/availability  2023-11-14T22:15:00Z  took 34% of the budget",
        ]

    @pytest.mark.parametrize(
        ("more", "line"),
        [
            ({}, "lasted 14m30s, peak 47.3%, paged after 1m30s"),
            ({"state": "burning"}, "lasted 14m30s, peak 47.3%, paged after 1m30s; ongoing"),
            (
                {"state": "quiet", "time_to_detect": None},
                "lasted 14m30s, peak 47.3%, no page; may go on",
            ),
            (
                {"start_about": 300, "time_to_detect": None, "followed": False},
                "lasted about 14m30s, peak at least 47.3%",
            ),
            (
                {"start_about": 300, "end_about": 300, "peak_error_ratio": None},
                "lasted about 14m30s, paged after about 1m30s",
            ),
        ],
    )
    def test_what_is_known_of_an_incident_is_told(self, routes, more, line):
        """Times from coarse slots are about; one that has ended is not ongoing."""
        incident = {"start": AT, "end": AT + 870, "share": 0.34, "postmortem": True}
        incident |= {"acknowledged": None, "state": "ended", "start_about": 0, "end_about": 0}
        incident |= {"peak_error_ratio": 0.473, "time_to_detect": 90, "followed": True} | more
        data = {"total": 1, "offset": 0, "slos": [slo("x", {}, incident)]}
        routes.get(f"{B}/api/v1/slos").respond(json={"status": "success", "data": data})
        began = f"{'about ' if more.get('start_about') else ''}2023-11-14T22:15:00Z"
        [found] = cli("postmortem", "list", "--server", B).stdout.splitlines()
        assert found.endswith(f"  auth/x  {began}  took 34% of the budget, {line}")

    def test_if_none_is_required_that_is_said(self, routes):
        """Rather than nothing."""
        empty = {"total": 0, "offset": 0, "slos": []}
        routes.get(f"{B}/api/v1/slos").respond(json={"status": "success", "data": empty})
        assert cli("postmortem", "list", "--server", B).stdout == "no postmortem is required\n"

    @pytest.mark.parametrize(
        ("arguments", "name", "start"),
        [
            (("latest",), "latency", STARTS[1]),
            ((LATEST,), "latency", STARTS[1]),
            ((OLDER,), "availability", STARTS[0]),
            (("auth/availability",), "availability", STARTS[0]),
            (("auth/latency", "--group", "region=eu"), "latency", STARTS[1]),
            (("auth/latency", "--start", "1700009000"), "latency", 1_700_009_000),
            (("auth/x", "--start", "2023-11-14T22:15:00Z"), "x", STARTS[0]),
            (("auth/x", "--start", "2023-11-14T23:15:00+01:00"), "x", STARTS[0]),
        ],
    )
    def test_one_is_acknowledged_by_what_it_is_called(self, routes, arguments, name, start):
        """On every server; the one that is away makes the exit code 1."""
        words = ("--by", "ada", "--note", "there", "--server", A, "--server", B)
        result = cli("postmortem", "ack", *arguments, *words)
        assert result.exit_code == 1
        assert result.stdout == f"{B}: the postmortem of auth/{name} is acknowledged\n"
        [body] = told(routes)
        assert (body["slo"], body["start"], body["by"], body["note"]) == (
            name,
            start,
            "ada",
            "there",
        )

    @pytest.mark.parametrize("word", ["00000000", "auth/none", "auth/latency?"])
    def test_one_that_is_not_there_is_told(self, routes, word):
        """And nothing is acknowledged."""
        words = ("--by", "ada", "--note", "there", "--server", B)
        result = cli("postmortem", "ack", word, *words)
        assert result.exit_code == 1
        assert result.stderr == (
            f"none is required of {word!r}: `postmortem list` shows those that are\n"
        )
        assert told(routes) == []

    def test_a_time_that_is_none_is_told(self, routes):
        """With how one is written."""
        words = ("--by", "ada", "--note", "there", "--server", B, "--start", "02:03")
        result = cli("postmortem", "ack", "auth/latency", *words)
        assert result.exit_code == 2
        assert "such as 2026-11-25T02:03:00Z" in result.stderr
