"""`report` asks a daemon for documents."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
import respx
from click.testing import CliRunner, Result

from exporter.cli import main
from exporter.commands import report
from exporter.web.reports.asked import KINDS

SERVER = "http://b.test:9098"


@pytest.fixture
def daemon() -> Iterator[respx.MockRouter]:
    """One that answers every report with its own name; another is away."""

    def answer(request: httpx.Request) -> httpx.Response:
        name, form = request.url.path.rpartition("/")[2], request.url.params["format"]
        if request.url.params.get("service") == "nobody":
            error = {"status": "error", "errorType": "not_found", "error": "no such SLO"}
            return httpx.Response(404, json=error)
        if form == "json":
            return httpx.Response(200, json={"status": "success", "data": {"name": name}})
        headers = {"content-type": f"text/{form}; charset=utf-8"}
        return httpx.Response(200, text=f"# {name}\r\n", headers=headers)

    with respx.mock(assert_all_called=False) as router:
        router.route(host="a.test").mock(side_effect=httpx.ConnectError("refused"))
        router.get(url__startswith=f"{SERVER}/api/v1/reports/").mock(side_effect=answer)
        yield router


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["report", *arguments, f"--server={SERVER}"])


def asked(daemon: respx.MockRouter) -> dict[str, str]:
    return dict(daemon.calls.last.request.url.params)


@pytest.mark.parametrize(
    ("arguments", "query"),
    [
        (["budget"], {}),
        (["budget", "shop"], {"service": "shop"}),
        (
            ["budget", "shop/latency", "--month"],
            {"service": "shop", "slo": "latency", "month": "current"},
        ),
        (["budget", "--month", "2026-10", "--owner=a"], {"month": "2026-10", "owner": "a"}),
        (["budget", "--quarter", "2026-Q4"], {"quarter": "2026-Q4"}),
        (["budget", "--last", "30d", "--time-zone=UTC"], {"last": "30d", "time_zone": "UTC"}),
        (["postmortem", "a/b"], {"service": "a", "slo": "b"}),
        (["postmortem", "a/b/c", "--incident=x"], {"service": "a", "slo": "b/c", "incident": "x"}),
        (["incident", "a", "--next=15m"], {"service": "a", "next": "15m"}),
        (["slo", "a/b"], {"service": "a", "slo": "b"}),
        (["handoff", "--shard=2"], {"shard": "2"}),
        (["handoff", "--since=7d", "--owner=me"], {"since": "7d", "owner": "me"}),
    ],
)
def test_what_is_asked(daemon, arguments, query):
    """The options are the parameters of the API."""
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    assert asked(daemon) == {**query, "format": "markdown"}
    assert result.stdout == f"# {arguments[0]}\n"


def test_it_may_be_written_to_a_file(daemon, tmp_path):
    """As it was sent; a file that cannot be written is an error."""
    file = tmp_path / "budget.csv"
    assert run("budget", "--format=csv", f"--output={file}").stdout == ""
    assert file.read_bytes() == b"# budget\r\n"
    refused = run("budget", f"--output={tmp_path / 'no' / 'file'}")
    assert refused.exit_code == 1
    assert "cannot be written: No such file or directory" in refused.output


def test_json_is_the_data(daemon):
    """Without the envelope."""
    assert run("slo", "a/b", "--format=json").stdout == '{\n  "name": "slo"\n}\n'


def test_another_replica_is_asked_if_one_is_away(daemon):
    """And if none answers, what each said is shown."""
    result = CliRunner().invoke(
        main, ["report", "handoff", "--server=http://a.test:9098," + SERVER]
    )
    assert result.stdout == "# handoff\n"
    result = run("slo", "nobody/b")
    assert (result.exit_code, result.output) == (1, f"{SERVER}: no such SLO\n")


def test_an_older_daemon_is_told():
    """One that answers with a page has no reports."""
    with respx.mock() as router:
        router.get(url__startswith=SERVER).respond(404, text="Not Found")
        result = run("handoff")
    assert result.exit_code == 1
    assert "answered with status 404, but not in this API's format" in result.output


@pytest.mark.parametrize("arguments", [["slo", "a"], ["postmortem", "a"], ["budget", "/b"]])
def test_names_are_checked(daemon, arguments):
    """Before anybody is asked."""
    result = run(*arguments)
    assert result.exit_code == 2
    assert "write SERVICE" in result.output


def test_there_is_a_command_for_every_report():
    """By the same name, and its formats."""
    commands = report.report.commands
    assert set(commands) == {kind.name for kind in KINDS}
    for kind in KINDS:
        [form] = [option for option in commands[kind.name].params if option.name == "form"]
        assert tuple(form.type.choices) == kind.formats
