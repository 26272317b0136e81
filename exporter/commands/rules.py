"""`rules`: writes the alerting rules."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from exporter.commands.options import config_option
from exporter.rules.aliases import ALIASES
from exporter.rules.joins import OfSlos
from exporter.rules.per_slo import SloAlert, by_service
from exporter.rules.rule import RuleOptions
from exporter.rules.tool_labels import own_name
from exporter.rules.writing import FORMATS, write

if TYPE_CHECKING:
    from exporter.slo.model import Slo


def _address(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"https?://[^\s{}]+", value):
        raise click.BadParameter(f"{value!r} is not an address: write http://... or https://...")
    return value


def _job(_: click.Context, __: click.Parameter, value: str) -> str:
    if not re.fullmatch(r"[\w./:-]+", value):
        raise click.BadParameter(
            f"{value!r} is not the name of a job: write letters, digits and . / : _ -"
        )
    return value


def _labels(_: click.Context, __: click.Parameter, value: Sequence[str]) -> dict[str, str]:
    found = {}
    for text in value:
        name, equals, content = text.partition("=")
        if not equals or not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", name, re.ASCII):
            raise click.BadParameter(f"{text!r} is not a label: write name=value")
        if name == "severity":
            raise click.BadParameter("severity is each alert's own")
        if "{{" in content:
            raise click.BadParameter("a label's value must not be a template")
        found[name] = content
    return found


def _namespace(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", value):
        raise click.BadParameter(f"{value!r} is not a namespace: write a-z, 0-9 and -")
    return value


@click.command()
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default=FORMATS[0],
    show_default=True,
    help="A rule file, or a PrometheusRule for the Prometheus operator.",
)
@click.option(
    "--aliases",
    type=click.Choice(list(ALIASES)),
    multiple=True,
    help="Also record our series under another tool's names, for its dashboards. Repeatable.",
)
@click.option("--starter", is_flag=True, help="Also alert on any breach of an SLO over 5 minutes.")
@click.option(
    "--runbook-url",
    "runbooks",
    callback=_address,
    help="Where you keep docs/operating.md, if not as pages of the exporter.",
)
@click.option(
    "--dashboard-url",
    "dashboard",
    callback=_address,
    help="A dashboard with the variables service and slo, for alerts on SLOs to link to.",
)
@click.option(
    "--page-url",
    "page",
    callback=_address,
    help="Where people find the exporter's status page, for alerts on SLOs to link to.",
)
@click.option(
    "--label",
    "labels",
    multiple=True,
    callback=_labels,
    help="name=value for every alert, as routes of Alertmanager may need. Repeatable.",
)
@click.option(
    "--namespace",
    callback=_namespace,
    help="Namespace of the PrometheusRule, with --format operator.",
)
@click.option(
    "--job",
    default=RuleOptions().job,
    show_default=True,
    callback=_job,
    help="The job by which Prometheus scrapes the exporter.",
)
@click.option(
    "--per-slo",
    is_flag=True,
    help="Write one burn-rate alert per SLO and severity, from the configuration.",
)
@config_option
def rules(
    *,
    form: str,
    aliases: tuple[str, ...],
    starter: bool,
    runbooks: str | None,
    dashboard: str | None,
    page: str | None,
    labels: Mapping[str, str],
    namespace: str | None,
    job: str,
    per_slo: bool,
    config_file: Path,
) -> None:
    """Write alerting rules for Prometheus to the standard output.

    They are the same for every configuration: thresholds and states are the exporter's series. With
    --per-slo the burn-rate alerts follow the configuration, and are to be written again with it.
    Where a configuration is given, rules that need series which it leaves out are named on stderr.
    """
    if namespace and form != "operator":
        raise click.UsageError("--namespace needs --format operator")
    options = RuleOptions(
        runbooks, dashboard, job, tuple(dict.fromkeys(aliases)), starter, page, labels, namespace
    )
    source = click.get_current_context().get_parameter_source("config_file")
    if not per_slo and source is ParameterSource.DEFAULT:
        click.echo(write(options, form), nl=False)
        return
    # Only now: to read a configuration takes more than to write rules.
    from exporter.commands.needed_series import rule_texts, warn  # noqa: PLC0415
    from exporter.config.reading.loading import load_file  # noqa: PLC0415

    settings = load_file(config_file)
    options = replace(options, of_slos=_of(settings.slos))
    alerts = by_service(_alerts(settings.slos), options.aliases) if per_slo else None
    click.echo(write(options, form, alerts), nl=False)
    warn(rule_texts(options), settings.metrics)


def _alerts(slos: Iterable[Slo]) -> Iterator[SloAlert]:
    """The burn-rate alerts that SLOs may have."""
    from exporter.slo.alerting import SEVERITIES  # noqa: PLC0415  # as above

    for slo in slos:
        for severity in SEVERITIES:
            if any(each.severity == severity for each in slo.alerting.enabled):
                yield SloAlert(
                    slo.service,
                    slo.name,
                    severity,
                    slo.alerting.name,
                    slo.alerting.of(severity).labels,
                    slo.alert_annotations(severity),
                    slo.labels,
                )


def _of(slos: Iterable[Slo]) -> OfSlos:
    """What aliases need to know of all SLOs."""
    from exporter.slo.durations import format_duration  # noqa: PLC0415  # as above
    from exporter.slo.period import RollingPeriod  # noqa: PLC0415  # as above

    groups, own, lengths = set[str](), set[str](), set[int]()
    for slo in slos:
        groups.update(slo.group_as or slo.group_by)
        own.update(filter(None, map(own_name, slo.labels)))
        lengths.update(slo.alerting.windows)
        if isinstance(slo.period, RollingPeriod):
            lengths.add(slo.period.seconds)
    windows = tuple(map(format_duration, sorted(lengths)))
    return OfSlos(tuple(sorted(groups)), tuple(sorted(own)), windows)
