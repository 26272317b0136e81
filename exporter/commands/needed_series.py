"""Which series rules and dashboards use that a configuration leaves out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.resources import files

import click

from exporter.exposition.selection import NAMES, PERIOD, WINDOWED, Selection
from exporter.rules.rule import RuleOptions
from exporter.rules.writing import groups

_USED = re.compile(r"\b(slo_[a-z_]+)(?:\{([^}]*)\})?")
_WINDOW = re.compile(r'\bwindow=~?\\?"([^"\\]*)')


def rule_texts(options: RuleOptions) -> dict[str, str]:
    """The expressions of every rule, by its name."""
    return {
        f"rule {rule.get('alert') or rule['record']}": str(rule)
        for group in groups(options)["groups"]
        for rule in group["rules"]
    }


def dashboard_texts() -> dict[str, str]:
    """The dashboards that are shipped, by their names."""
    shipped = files("exporter").joinpath("dashboards").iterdir()
    return {
        f"dashboard {file.name.removesuffix('.json')}": file.read_text()
        for file in shipped
        if file.name.endswith(".json")
    }


def all_texts() -> dict[str, str]:
    """All that is shipped, but for other tools' names, which few record."""
    return rule_texts(RuleOptions(starter=True)) | dashboard_texts()


def lacks(texts: Mapping[str, str], selection: Selection) -> list[str]:
    """A line for each that uses what is left out."""
    found = []
    for name, text in texts.items():
        missing = sorted(set(_missing(text, selection)))
        if missing:
            found.append(f"{name} uses {', '.join(missing)}, which `metrics` leaves out")
    return found


def warn(texts: Mapping[str, str], selection: Selection) -> None:
    """Say on stderr what lacks series."""
    for line in lacks(texts, selection):
        click.echo(f"warning: {line}", err=True)


def _missing(text: str, selection: Selection) -> Iterator[str]:
    for series, matchers in _USED.findall(text):
        if series not in NAMES:
            continue
        if series in selection.left_out:
            yield series
        elif series in WINDOWED and selection.windows is not None:
            for window in _windows(matchers):
                if window not in selection.windows:
                    yield f'{series}{{window="{window}"}}'


def _windows(matchers: str) -> list[str]:
    """The windows that matchers name; periods, as `28d`, go by the word for any."""
    names = [name for group in _WINDOW.findall(matchers) for name in group.split("|") if name]
    return [PERIOD if re.fullmatch(r"\d{2,}d", name) else name for name in names]
