"""Every dashboard asks what a real Prometheus answers, of two real replicas of the exporter."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.demo.servers import http_get
from tests.helpers.dashboards.grafana import (
    ALL,
    FILES,
    ROOT,
    Query,
    interpolate,
    load,
    queries,
    variables,
)
from tests.helpers.dashboards.watched_shop import SLOS, Watched, watched_shop

OF_TROUBLE = {
    "slo_incident_budget_share_ratio",
    "slo_policy_tier_recovery_timestamp_seconds",
    "slo_policy_override_until_timestamp_seconds",
}
"""Metrics that an SLO has only while it is not well: checkout is not, auth is."""

NAMES = [file.stem for file in FILES]
EVERYTHING = dict.fromkeys(("owner", "tier", "job", "instance"), ALL)
VALUES = {
    "error-budget-overview": {**EVERYTHING, "service": ALL, "slo": ALL},
    "error-budget-slo": {**EVERYTHING, "service": "checkout", "slo": "availability"},
    "error-budget-exporter": EVERYTHING,
}
"""What the variables are when a dashboard is opened."""

GROUPED = {**EVERYTHING, "service": "auth", "slo": "availability"}
MAINTAINED = {**EVERYTHING, "service": "search", "slo": "latency"}

QUERIES = [
    pytest.param(name, query, id=f"{name}-{query.panel}-{query.ref}")
    for name in NAMES
    for query in queries(load(name))
]
ANNOTATIONS = [
    pytest.param(name, each, id=each["name"])
    for name in NAMES
    for each in load(name).get("annotations", {}).get("list", [])
]


def metrics(expr: str) -> set[str]:
    """The metrics that an expression names."""
    return set(re.findall(r"\b(?:slo|error_budget_exporter|process)_\w+", expr))


def answer(shop: Watched, query: Query, values: dict[str, str]) -> list[dict]:
    """What a panel is given."""
    expr = interpolate(query.expr, values)
    return shop.now(expr) if query.instant else shop.over_time(expr)


def slo_rows(result: list[dict]) -> list[tuple[str, str, str]]:
    """Service, SLO and region of every series."""
    return [
        tuple(each["metric"].get(label, "") for label in ("service", "slo", "region"))
        for each in result
    ]


@pytest.fixture(scope="module")
def shop(prometheus_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """Everything runs, and Prometheus has seen the outage."""
    with watched_shop(tmp_path_factory.mktemp("dashboards")) as watched:
        yield watched


@pytest.mark.parametrize(("name", "query"), QUERIES)
def test_every_panel_has_data(shop, name, query):
    """Prometheus accepts the expression and has an answer, also for an SLO that has groups."""
    assert answer(shop, query, VALUES[name])
    if name == "error-budget-slo":
        of_trouble = query.panel == "What fires" or bool(metrics(query.expr) & OF_TROUBLE)
        assert bool(answer(shop, query, GROUPED)) is not of_trouble


@pytest.mark.parametrize(("name", "annotation"), ANNOTATIONS)
def test_every_annotation_is_valid_and_has_its_moment(shop, name, annotation):
    """The outage pages, and a maintenance window is on."""
    values = MAINTAINED if annotation["name"] == "Maintenance" else VALUES[name]
    result = shop.over_time(interpolate(annotation["expr"], values))
    assert result
    for series in result:
        used = annotation["titleFormat"] + annotation["textFormat"]
        assert set(re.findall(r"\{\{(\w+)\}\}", used)) <= series["metric"].keys()
        assert all(float(value) > 0 for _, value in series["values"])


@pytest.mark.parametrize("name", NAMES)
def test_every_variable_has_values(shop, name):
    """Also those whose query depends on others."""
    for variable in variables(load(name)):
        assert shop.options(variable, VALUES[name]), variable["name"]


def test_the_variables_offer_what_there_is(shop):
    """Services, owners, SLOs and tiers, narrowed by those before them."""
    offered = {variable["name"]: variable for variable in variables(load("error-budget-overview"))}
    everything = VALUES["error-budget-overview"]
    assert shop.options(offered["service"], everything) == ["auth", "checkout", "search"]
    assert shop.options(offered["owner"], everything) == ["identity", "payments"]
    assert shop.options(offered["slo"], {**everything, "service": "search"}) == ["latency"]
    assert "freeze" in shop.options(offered["tier"], everything)


@pytest.mark.parametrize(
    ("service", "slo", "days"),
    [("checkout", "availability", {"30"}), ("auth", "availability", {"7"})],
)
def test_the_budget_is_shown_over_the_slos_own_period(shop, service, slo, days):
    """In days, as the panels' own time range takes them."""
    (period,) = [
        variable for variable in variables(load("error-budget-slo")) if variable["name"] == "period"
    ]
    assert set(shop.options(period, {"service": service, "slo": slo})) == days


def test_two_replicas_are_one_row_in_every_table(shop):
    """The overview's table has each SLO and group once, whatever the column."""
    for query in queries(load("error-budget-overview")):
        if query.panel == "SLOs" and query.table:
            rows = slo_rows(answer(shop, query, VALUES["error-budget-overview"]))
            assert sorted(rows) == sorted(SLOS), query.expr


def test_the_figures_count_each_slo_once(shop):
    """Two replicas see the outage, of one SLO; nothing at all is shown as 0."""
    wanted = {"SLOs", "Paging", "Tickets", "Exhausted", "Without data", "Postmortems"}
    figures = {
        query.panel: query
        for query in queries(load("error-budget-overview"))
        if query.panel in wanted and not query.table
    }
    shown = {
        title: float(answer(shop, query, VALUES["error-budget-overview"])[0]["value"][1])
        for title, query in figures.items()
    }
    assert shown == {
        "Paging": 1,
        "Tickets": 0,
        "SLOs": 4,
        "Exhausted": 1,
        "Without data": 0,
        "Postmortems": 1,
    }


def test_columns_are_joined_by_labels_that_all_of_them_have(shop):
    """A label that one column has alone (but for owner, tier and state) would part the rows.

    What fires has labels of its condition in all columns.
    """
    labels = [
        {
            label
            for each in answer(shop, query, VALUES["error-budget-overview"])
            for label in each["metric"]
        }
        for query in queries(load("error-budget-overview"))
        if query.panel == "SLOs" and query.table
    ]
    assert len(labels) == 8
    assert {frozenset(each - {"owner", "tier", "state"}) for each in labels} - {
        frozenset({"service", "slo", "region"}),
        frozenset({"service", "slo", "region", "__name__"}),
    } == set()


def test_what_fires_is_the_pages_sentence(shop):
    """A row of the worst condition of each severity, whose figures are those of the API."""
    rows = {
        query.ref: answer(shop, query, VALUES["error-budget-overview"])
        for query in queries(load("error-budget-overview"))
        if query.panel == "What fires"
    }
    labels = {
        frozenset((each["metric"] | {"severity": ""}).items())
        for row in rows.values()
        for each in row
    }
    assert len(labels) == 1, "else they would not be joined"
    order = {each["metric"]["severity"]: float(each["value"][1]) for each in rows["F"]}
    assert order["page"] < order["ticket"]
    pages = [
        [each for each in row if each["metric"]["severity"] == "page"] for row in rows.values()
    ]
    shown = [float(each["value"][1]) for [each] in pages]
    [told] = [slo for slo in shop.slos() if slo["service"] == "checkout"]
    since = min(
        each["start"] for each in told["firings"] if each["open"] and each["severity"] == "page"
    )
    window = told["windows"]["5m"]
    assert shown[0] == pytest.approx(window["error_ratio"], rel=0.2)
    assert shown[1] == pytest.approx(0.001)
    assert shown[2] == pytest.approx(told["budget"]["remaining"], rel=0.2)
    assert shown[3] == pytest.approx(window["burn_rate"] / 30 / 24, rel=0.2)
    assert shown[4] == since * 1000


def test_the_order_is_that_of_the_page(shop):
    """Whatever has a page or a ticket, which gate, and how much is left."""
    (query,) = [
        each
        for each in queries(load("error-budget-overview"))
        if each.panel == "SLOs" and each.ref == "H"
    ]
    result = answer(shop, query, VALUES["error-budget-overview"])
    result.sort(key=lambda each: float(each["value"][1]))
    page = http_get(shop.exporters[0].port, "/")[1].decode()
    urls = re.findall(r'<th scope="row"><a href="/slo/([^"]*)"', page)
    assert urls[0] == "checkout/availability"
    assert [
        f"{service}/{slo}" + (f"?region={region}" if region else "")
        for service, slo, region in slo_rows(result)
    ] == urls


@pytest.mark.parametrize(
    ("chosen", "services"),
    [
        ({"owner": "payments"}, ["checkout"]),
        ({"owner": "(payments|identity)"}, ["auth", "checkout"]),
        ({"service": "search"}, ["search"]),
        ({"slo": "latency"}, ["search"]),
        ({"tier": "exhausted"}, ["checkout"]),
        ({"tier": "exhausted", "owner": "identity"}, []),
    ],
    ids=str,
)
def test_what_is_chosen_is_all_that_is_shown(shop, chosen, services):
    """In each column of the table, and in the chart."""
    for query in queries(load("error-budget-overview")):
        wanted = set(services)
        if query.panel == "What fires":
            wanted &= {"checkout"}
        elif (query.panel, query.table) not in {("SLOs", True), ("Least budgets over time", False)}:
            continue
        result = answer(shop, query, {**VALUES["error-budget-overview"], **chosen})
        assert {each["metric"]["service"] for each in result} == wanted, query.expr


def test_a_legend_names_what_differs_and_no_more(shop):
    """Without a label Grafana would show the expression, with several a list in braces."""
    for query in queries(load("error-budget-slo")):
        if query.legend == "__auto":
            for series in answer(shop, query, VALUES["error-budget-slo"]):
                assert len(series["metric"]) == 1, query.expr
            grouped = answer(shop, query, GROUPED)
            regions = {series["metric"].get("region") for series in grouped}
            assert regions >= {"eu", "us"}, query.expr


def test_the_budgets_colour_is_that_of_the_tier(shop):
    """The chart has a line for each tier that the SLO was in, and they make up the whole budget."""
    (query,) = [each for each in queries(load("error-budget-slo")) if "colour" in each.panel]
    result = answer(shop, query, VALUES["error-budget-slo"])
    assert "exhausted" in {each["metric"]["tier"] for each in result}
    assert all(each["metric"].keys() == {"tier"} for each in result)


def test_every_metric_is_one_that_the_documents_name():
    """A panel on a metric that does not exist stays empty for ever."""
    named = set(re.findall(r"`(\w+)`", (ROOT / "docs/metrics.md").read_text()))
    texts = [query.values[1].expr for query in QUERIES]
    texts += [annotation.values[1]["expr"] for annotation in ANNOTATIONS]
    used = {name for text in texts for name in metrics(text) if not name.startswith("process_")}
    used = {re.sub(r"(_seconds)_(bucket|count)$", r"\1", name) for name in used}
    assert len(used) > 30
    assert used <= named
