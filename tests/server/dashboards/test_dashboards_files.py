"""The shipped dashboards: how they are built and written, and that Grafana can read them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest
from click.testing import CliRunner, Result
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from dev.dashboards.build import build
from dev.dashboards.parts import DETAIL_UID
from exporter.cli import main
from exporter.web.pages.detail import DASHBOARD
from tests.helpers.dashboards.grafana import FILES, FOLDER, load, names, queries, variables
from tests.helpers.dashboards.schema import mistakes
from tests.helpers.paths import ROOT

UIDS = {"error-budget-overview", "error-budget-slo", "error-budget-exporter"}
NAMES = sorted(UIDS)
WIDTH = 24

UNITS = {"none", "short", "percentunit", "s", "bytes", "eps", "cps", "ops", "reqps"} | {
    *("suffix:x", "dtdurations", "dateTimeFromNow", "dateTimeAsIso")
}
"""Units that Grafana has."""


def command(*arguments: object) -> Result:
    """The command's result."""
    return CliRunner().invoke(main, ["dashboards", *map(str, arguments)])


def test_what_is_shipped_is_what_the_builder_makes():
    """`make dashboards` writes them."""
    assert {file.name: file.read_text() for file in FOLDER.iterdir()} == build()


def test_the_command_writes_what_is_shipped(tmp_path):
    """Into a folder that it creates, and it names every file."""
    folder = tmp_path / "new/dashboards"
    result = command("--output", folder)
    assert result.exit_code == 0, result.output
    written = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert written == {file.name: file.read_bytes() for file in FOLDER.iterdir()}
    assert sorted(result.output.split()) == sorted(str(folder / name) for name in written)


@pytest.mark.parametrize("seed", ["1", "2"])
def test_another_process_builds_the_same_bytes(seed):
    """Whatever order its sets and hashes have."""
    code = "import json; from dev.dashboards.build import build; print(json.dumps(build()))"
    line = [sys.executable, "-c", code]
    env = {**os.environ, "PYTHONHASHSEED": seed}
    built = subprocess.run(line, cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE)
    assert json.loads(built.stdout) == build()


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    """One line, and exit code 1."""
    (tmp_path / "taken").write_text("")
    result = command("--output", tmp_path / "taken/dashboards")
    assert result.exit_code == 1
    assert result.output == f"{tmp_path / 'taken/dashboards'}: Not a directory\n"


def test_the_folder_has_to_be_named():
    """Files are not written just anywhere."""
    result = command()
    assert result.exit_code == 2
    assert "--output" in result.output


def test_uids_stay_as_they_are():
    """Links, bookmarks and updates go by them; a file is named for its own."""
    assert {file.stem for file in FILES} == UIDS
    assert {load(name)["uid"] for name in NAMES} == UIDS


@pytest.mark.parametrize("name", NAMES)
def test_grafanas_own_library_reads_every_field(name):
    """What its models do not know would be lost on the way through them."""
    register_default_plugins()
    content = load(name)
    again = json.loads(JSONEncoder().encode(Dashboard.from_json(content)))
    for control in (*again["links"], *again.get("annotations", {}).get("list", [])):
        assert control.pop("placement") == "inControlsMenu", "its default, left out on purpose"
    assert again == content


@pytest.mark.parametrize("name", NAMES)
def test_every_value_is_what_grafanas_schema_says(name):
    """Of the type and among the words that its library has for the field."""
    assert mistakes(load(name)) == []


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("refresh",), 5),
        (("panels", 0, "title"), 3),
        (("panels", 0, "gridPos", "w"), "3"),
        (("panels", 0, "options", "colorMode"), "rainbow"),
        (("panels", 0, "fieldConfig", "defaults", "thresholds", "mode"), "relative"),
        (("panels", 2, "targets", 0, "format"), "tables"),
        (("panels", 2, "transformations", 0, "id"), 3),
        (("panels", -1, "fieldConfig", "defaults", "custom", "drawStyle"), "waves"),
        (("templating", "list", 1, "type"), "queries"),
    ],
    ids=str,
)
def test_what_is_not_as_the_schema_says_is_found(where, value):
    """However deep it is."""
    content = load("error-budget-overview")
    part = content
    for step in where[:-1]:
        part = part[step]
    part[where[-1]] = value
    assert len(mistakes(content)) == 1


@pytest.mark.parametrize("name", NAMES)
def test_conventions_of_grafana_are_kept(name):
    """Of those that its linter checks: units, descriptions, `$__rate_interval`, variables."""
    dashboard = load(name)
    assert dashboard["description"].endswith(".")
    for panel in dashboard["panels"]:
        settings = panel["fieldConfig"]
        units = [settings["defaults"].get("unit")] + [
            each["value"]
            for override in settings.get("overrides", [])
            for each in override["properties"]
            if each["id"] == "unit"
        ]
        assert set(units) - {None} <= UNITS
        assert panel["type"] == "state-timeline" or units != [None], panel["title"]
        assert panel["targets"], panel["title"]
    for query in queries(dashboard):
        ranges = re.findall(r"\b(?:rate|increase|irate)\([^()]*?\[([^\]]*)\]", query.expr)
        assert set(ranges) <= {"$__rate_interval"}, query.expr
        assert query.ref.isupper()
    for variable in variables(dashboard):
        assert variable["refresh"] == 2, "on every change of the time range"
        assert variable["label"]


def test_the_top_row_is_what_fires():
    """As on the page: what pages, then tickets, then how each burns."""
    panels = load("error-budget-overview")["panels"]
    top = [panel["title"] for panel in panels if panel["gridPos"]["y"] == 0]
    assert top == ["Paging", "Tickets", "What fires"]
    what = panels[2]["fieldConfig"]["defaults"]
    assert what["noValue"] == "Nothing fires."


@pytest.mark.parametrize("name", NAMES)
def test_panels_are_numbered_named_and_side_by_side(name):
    """None has another's id or title, none lies on another or beyond the edge."""
    panels = load(name)["panels"]
    assert [panel["id"] for panel in panels] == list(range(1, len(panels) + 1))
    kinds = [(panel["type"], panel["title"]) for panel in panels]
    assert len(set(kinds)) == len(kinds)
    assert all(panel["description"].endswith(".") for panel in panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert max(x for x, _ in cells) < WIDTH
        assert not cells & taken, panel["title"]
        taken |= cells


@pytest.mark.parametrize("name", NAMES)
def test_everything_asks_the_datasource_that_is_chosen(name):
    """A datasource of a fixed name would be wrong in every other Grafana."""
    dashboard = load(name)
    (source,) = variables(dashboard, "datasource")
    assert (source["name"], source["query"]) == ("datasource", "prometheus")
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    asking = [*dashboard["panels"], *variables(dashboard), *variables(dashboard, "adhoc")]
    asking += [target for panel in dashboard["panels"] for target in panel["targets"]]
    asking += dashboard.get("annotations", {}).get("list", [])
    assert all(each["datasource"] == chosen for each in asking)


@pytest.mark.parametrize("name", NAMES)
def test_every_variable_that_is_named_is_there_and_none_in_vain(name):
    """In expressions, in the queries of other variables, in annotations, links and time ranges."""
    text = json.dumps(load(name))
    known = {each["name"] for each in load(name)["templating"]["list"]}
    used = names(text)
    assert used - known == set()
    assert known - used <= {"group"}, "which Grafana adds to every query by itself"


def test_the_variables_are_those_that_users_know():
    """The overview narrows by all of them; the detail is of one SLO."""
    shown = [
        [each["name"] for each in load(name)["templating"]["list"] if each.get("hide") != 2]
        for name in ("error-budget-overview", "error-budget-slo")
    ]
    assert shown == [
        ["datasource", "service", "owner", "slo", "tier"],
        ["datasource", "owner", "service", "slo", "group"],
    ]


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_to_dashboards_and_variables_that_exist(name):
    """With the service and the SLO of the row."""
    for uid, parameters in re.findall(r'"/d/([\w-]+)\?([^"]*)"', json.dumps(load(name))):
        known = {each["name"] for each in load(uid)["templating"]["list"]}
        assert set(re.findall(r"var-(\w+)=", parameters)) <= known
        assert "${datasource:queryparam}" in parameters
    assert name != "error-budget-overview" or "/d/error-budget-slo?" in json.dumps(load(name))


OF_SLOS = (
    *("service", "slo", "owner", "Objective", "Remaining", "Burn 1h", "Burn 6h"),
    *("tier", "Exhausted in", "state"),
)
OF_FIRING = (
    *("severity", "service", "slo", "Fails", "Allowed", "Budget left", "Goes every hour", "Since"),
)


@pytest.mark.parametrize(("title", "columns"), [("SLOs", OF_SLOS), ("What fires", OF_FIRING)])
def test_tables_of_slos_have_their_columns_in_order(title, columns):
    """The worst first, by a column that is not shown; what a label says has no column of ones."""
    (table,) = [
        each
        for each in load("error-budget-overview")["panels"]
        if each["title"] == title and each["type"] == "table"
    ]
    merge, sort, organize = table["transformations"]
    assert (merge["id"], sort["id"], organize["id"]) == ("merge", "sortBy", "organize")
    last = f"Value #{table['targets'][-1]['refId']}"
    assert sort["options"]["sort"] == [{"field": last, "desc": False}]
    assert organize["options"]["excludeByName"][last]
    order, hidden = organize["options"]["indexByName"], organize["options"]["excludeByName"]
    titles = organize["options"]["renameByName"]
    shown = [titles.get(name, name) for name in sorted(order, key=order.get)]
    assert shown == list(columns)
    values = {f"Value #{query['refId']}" for query in table["targets"]}
    assert values == {name for name in {*order, *hidden} if name.startswith("Value")}
    assert hidden.keys() & order.keys() == set()


def test_thresholds_are_those_of_the_policy():
    """The burn rates' lines are a series, so no number of ours can be out of step."""
    (panel,) = [
        query
        for query in queries(load("error-budget-slo"))
        if "thresholds" in query.panel and query.ref == "B"
    ]
    assert "slo_burn_rate_threshold" in panel.expr


def test_the_status_pages_link_leads_to_the_detail():
    """The page knows the dashboard by its uid alone."""
    assert DASHBOARD == DETAIL_UID
