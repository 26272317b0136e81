"""What the dashboards are put together from: variables, queries, links, colours, panels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Protocol, TypeVar

from grafana_foundation_sdk.builders import common as build_common
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

TAG: Final = "error-budget"
OVERVIEW_UID: Final = "error-budget-overview"
DETAIL_UID: Final = "error-budget-slo"
EXPORTER_UID: Final = "error-budget-exporter"

DATASOURCE: Final = common.DataSourceRef("prometheus", "${datasource}")

TIER_COLOURS: Final = {
    "normal": "green",
    "slow_down": "yellow",
    "freeze": "orange",
    "incident": "red",
    "exhausted": "dark-red",
}
"""Those of the default policy; tiers of other names get a colour of the palette."""

STATE_COLOURS: Final = {
    "ok": "green",
    "no_traffic": "blue",
    "no_data": "red",
    "stale": "orange",
    "invalid": "purple",
}

SEVERITY_COLOURS: Final = {"page": "red", "ticket": "orange"}

CENTURY: Final = 100 * 365 * 86_400.0


Panels = tuple[Builder[dashboard.Panel], ...]


class Panel(Protocol):
    """What all builders of panels have; the library has no name for it."""

    def title(self, title: str) -> object: ...
    def description(self, description: str) -> object: ...
    def datasource(self, datasource: common.DataSourceRef) -> object: ...
    def with_target(self, target: prometheus.Dataquery) -> object: ...
    def height(self, h: int) -> object: ...
    def span(self, w: int) -> object: ...
    def color_scheme(self, color: build.FieldColor) -> object: ...
    def override_by_name(
        self, name: str, properties: list[dashboard.DynamicConfigValue]
    ) -> object: ...
    def override_by_regexp(
        self, regexp: str, properties: list[dashboard.DynamicConfigValue]
    ) -> object: ...


P = TypeVar("P", bound=Panel)


def put(panel: P, title: str, description: str, size: tuple[int, int]) -> P:
    """Name a panel and give it its width (of 24) and height."""
    width, height = size
    panel.title(title)
    panel.description(description)
    panel.datasource(DATASOURCE)
    panel.span(width)
    panel.height(height)
    return panel


def ask(panel: P, *queries: prometheus.Dataquery) -> P:
    """Give a panel its queries, named A, B, ..."""
    for number, query in enumerate(queries):
        panel.with_target(query.ref_id(chr(ord("A") + number)).datasource(DATASOURCE))
    return panel


def over_time(expr: str, legend: str = "__auto") -> prometheus.Dataquery:
    """A query over the time that is shown; by itself the legend has the labels that differ."""
    return prometheus.Dataquery().expr(expr).legend_format(legend).range()


def now(expr: str, legend: str = "__auto") -> prometheus.Dataquery:
    """A query of the newest values."""
    return prometheus.Dataquery().expr(expr).legend_format(legend).instant()


def rows(expr: str) -> prometheus.Dataquery:
    """A query of the newest values, with labels as a table's columns."""
    return prometheus.Dataquery().expr(expr).format(PromQueryFormat.TABLE).instant()


def figure(title: str, description: str, width: int, *queries: prometheus.Dataquery) -> stat.Panel:
    """A number to be seen from afar."""
    newest = build_common.ReduceDataOptions().calcs(["lastNotNull"])
    panel = stat.Panel().reduce_options(newest).thresholds(thresholds(*PLAIN))
    panel.color_mode(common.BigValueColorMode.VALUE).graph_mode(common.BigValueGraphMode.NONE)
    panel.unit("none")
    return ask(put(panel, title, description, (width, 5)), *queries)


def chart(
    title: str, description: str, width: int, *queries: prometheus.Dataquery
) -> timeseries.Panel:
    """Lines over time, with the newest values in the legend."""
    legend = (
        build_common.VizLegendOptions().show_legend(True).placement(common.LegendPlacement.BOTTOM)
    )
    legend.display_mode(common.LegendDisplayMode.LIST)
    tooltip = build_common.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI)
    panel = timeseries.Panel().legend(legend).tooltip(tooltip).line_width(2)
    panel.show_points(common.VisibilityMode.NEVER).unit("none")
    return ask(put(panel, title, description, (width, 9)), *queries)


def on_or_off(
    title: str, description: str, width: int, *queries: prometheus.Dataquery
) -> statetimeline.Panel:
    """A row for each series, filled while it is 1."""
    panel = statetimeline.Panel().show_value(common.VisibilityMode.NEVER).merge_values(True)
    nothing = dashboard.ValueMappingResult("no", "transparent")
    panel.mappings([dashboard.ValueMap({"0": nothing, "1": dashboard.ValueMappingResult("yes")})])
    panel.legend(build_common.VizLegendOptions().show_legend(False))
    return ask(put(panel, title, description, (width, 6)), *queries)


def columns(
    panel: table.Panel,
    order: Iterable[str],
    titles: Mapping[str, str],
    hidden: Iterable[str],
    sort_by: str = "",
) -> table.Panel:
    """Join a table's queries by their labels; further labels, such as groups, are columns, too.

    Rows are in the order of the column `sort_by`, which may be a hidden one.
    """
    options = {
        "indexByName": {name: index for index, name in enumerate(order)},
        "renameByName": dict(titles),
        "excludeByName": dict.fromkeys(("Time", *hidden), True),
    }
    panel.with_transformation(dashboard.DataTransformerConfig("merge", options={}))
    if sort_by:
        in_order_of(panel, sort_by)
    return panel.with_transformation(dashboard.DataTransformerConfig("organize", options=options))


def thresholds(*steps: tuple[float | None, str]) -> build.ThresholdsConfig:
    """Colours from a value upwards, ascending; the first has none."""
    config = build.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE)
    return config.steps([dashboard.Threshold(value, colour) for value, colour in steps])


PLAIN: Final = ((None, "text"),)
"""No colour: a number alone does not say what is good."""

MULTIPLES: Final = "suffix:x"
"""The unit of burn rates, as on the status page: `14.4x`."""

BURN_COLOURS: Final = ((None, "green"), (1.0, "orange"))
"""Above 1 the budget does not last; what is too much is the policy's to say."""


def budget_colours() -> build.FieldColor:
    """From red to green by the value between the panel's `min` and `max`.

    No steps: those of the policy are the user's own, and the tier shows them.
    """
    return build.FieldColor().mode(dashboard.FieldColorModeId.CONTINUOUS_RD_YL_GR)


def in_order_of(panel: table.Panel, column: str) -> table.Panel:
    """Begin with a column's smallest values, whether it is shown or not; users may sort again."""
    options = {"fields": {}, "sort": [{"field": column, "desc": False}]}
    return panel.with_transformation(dashboard.DataTransformerConfig("sortBy", options=options))


def ascending(column: str) -> list[Builder[common.TableSortByFieldState]]:
    """A table that begins with a column's smallest values."""
    return [build_common.TableSortByFieldState().display_name(column).desc(False)]


def property_(name: str, value: object) -> dashboard.DynamicConfigValue:
    """One setting of an override, by its path in the panel's field configuration."""
    return dashboard.DynamicConfigValue(name, value)


COLOURED: Final = property_("custom.cellOptions", {"type": "color-text"})
"""Cells of a table whose text has its value's colour."""


def fixed(colour: str) -> dashboard.DynamicConfigValue:
    """A colour that depends on nothing."""
    return property_("color", {"mode": "fixed", "fixedColor": colour})


def steps(colours: Iterable[tuple[float | None, str]]) -> dashboard.DynamicConfigValue:
    """Thresholds as a setting of an override."""
    return property_("thresholds", thresholds(*colours).build())


def by_label(panel: P, label: str, colours: Mapping[str, str]) -> P:
    """Give series the colour of their label's value; grouped ones have more labels in the name."""
    panel.color_scheme(build.FieldColor().mode(dashboard.FieldColorModeId.PALETTE_CLASSIC_BY_NAME))
    for value, colour in colours.items():
        panel.override_by_regexp(f'/(^|{label}="){value}("|$)/', [fixed(colour)])
        if "_" in value:
            panel.override_by_name(value, [property_("displayName", value.replace("_", " "))])
    return panel


def words(colours: Mapping[str, str]) -> list[dashboard.DynamicConfigValue]:
    """A column's words as people read them, and their colours; further ones have none."""
    results = {
        value: dashboard.ValueMappingResult(text=value.replace("_", " "), color=colour)
        for value, colour in colours.items()
    }
    return [property_("mappings", [dashboard.ValueMap(results)]), steps(PLAIN), COLOURED]


def budget() -> list[dashboard.DynamicConfigValue]:
    """How a column of remaining budgets looks."""
    shown = {"unit": "percentunit", "decimals": 1, "min": 0, "max": 1}
    settings = [property_(name, value) for name, value in shown.items()]
    return [*settings, property_("color", budget_colours().build()), COLOURED]


def never() -> list[dashboard.ValueMapping]:
    """A time to exhaustion that is infinite, or might as well be."""
    result = dashboard.ValueMappingResult("not at this rate", "green")
    options = dashboard.DashboardRangeMapOptions(CENTURY, None, result)
    return [dashboard.RangeMap(options)]


def link(title: str, url: str) -> dashboard.DynamicConfigValue:
    """A column's cells as links."""
    return property_("links", [{"title": title, "url": url}])


def datasource_variable() -> build.DatasourceVariable:
    """The Prometheus that has scraped the exporter."""
    return build.DatasourceVariable("datasource").label("Datasource").type("prometheus")


def one_of(name: str, label: str, query: str) -> build.QueryVariable:
    """A variable with one value, of those that Prometheus has."""
    variable = build.QueryVariable(name).label(label).datasource(DATASOURCE)
    variable.query({"query": query, "refId": name}).definition(query)
    variable.refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED)
    return variable.sort(dashboard.VariableSort.ALPHABETICAL_ASC)


def any_of(name: str, label: str, query: str) -> build.QueryVariable:
    """A variable with any number of values; all of them at first, and series without the label."""
    everything = dashboard.VariableOption(selected=True, text=["All"], value=["$__all"])
    variable = one_of(name, label, query).multi(True).include_all(True)
    return variable.all_value(".*").current(everything)


def annotation(name: str, expr: str, colour: str, title: str, text: str) -> build.AnnotationQuery:
    """Marks in all charts while an expression is above 0."""
    query = build.AnnotationQuery().name(name).datasource(DATASOURCE).enable(True)
    query.expr(expr).step("60s").icon_color(colour)
    return query.title_format(title).text_format(text)


def page(uid: str, title: str, description: str, begin: str) -> build.Dashboard:
    """A dashboard without panels; `begin` is where its time range begins, e.g. `now-6h`."""
    others = build.DashboardLink("Error budgets").type(dashboard.DashboardLinkType.DASHBOARDS)
    others.tags([TAG]).as_dropdown(True).keep_time(True)
    shell = build.Dashboard(title).uid(uid).description(description).tags([TAG]).editable()
    shell.time(begin, "now").refresh("1m").tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
    return shell.link(others).with_variable(datasource_variable())
