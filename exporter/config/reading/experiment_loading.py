"""From the file of a chaos experiment to the experiment, or to everything wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path

from pydantic import ValidationError

from exporter.config.errors import LONGEST_KEY, ConfigError, Mistake, quoted
from exporter.config.reading.files import read_text
from exporter.config.reading.mistakes import mistakes_of
from exporter.config.reading.source import Document, parse
from exporter.config.sections.experiment_section import ExperimentFile
from exporter.config.settings import Settings
from exporter.config.types.fields import Surroundings
from exporter.experiment.plan import Experiment
from exporter.marked import KeyPath, Mapping, Sequence
from exporter.slo.model import DEFAULT_DATASOURCE, Slo

_NEEDED = ("title", "hypothesis", "method")

MOST_LISTED = 5
"""Names that a message has."""


def load_experiment_file(path: Path, settings: Settings) -> Experiment:
    """Read the file of an experiment with SLOs of a configuration.

    Raises:
        ConfigError: with every mistake.
    """
    return load_experiment(read_text(path), path, settings)


def load_experiment(text: str, path: Path, settings: Settings) -> Experiment:
    """Read an experiment from a text that stands at `path`.

    Raises:
        ConfigError: with every mistake.
    """
    document = parse(text, path, needed=_NEEDED)
    mistakes = document.mistakes
    file = None
    try:
        surroundings = Surroundings(folder=path.parent, interval=None)
        file = ExperimentFile.model_validate(document.values, context=surroundings)
    except ValidationError as error:
        mistakes = [*mistakes, *mistakes_of(error, ExperimentFile, document)]
    mistakes = [*mistakes, *_unknown(document, document.values, (), settings)]
    if mistakes or file is None:
        raise ConfigError(sorted(mistakes, key=lambda mistake: mistake.line or 0))
    return file.experiment()


def _unknown(
    document: Document, value: object, path: KeyPath, settings: Settings
) -> Iterator[Mistake]:
    """SLOs, groups and datasources that the configuration does not have."""
    if isinstance(value, Sequence):
        for index, each in enumerate(value):
            yield from _unknown(document, each, (*path, index), settings)
    if not isinstance(value, Mapping):
        return
    known = {slo.full_name: slo for slo in settings.slos}
    for key, each in value.items():
        place = (*path, key)
        if key == "slo" and isinstance(each, str):
            if each not in known:
                close = get_close_matches(each[:LONGEST_KEY], known, n=1)
                advice = f"did you mean {close[0]}?" if close else f"known are {listed(known)}"
                yield document.mistake(place, f"{quoted(each)} is not configured: {advice}")
            else:
                yield from _unknown_groups(document, value.get("groups"), path, known[each])
        elif key == "datasource" and isinstance(each, str) and each not in settings.datasources:
            # Those that no SLO uses are not asked, and not known here.
            advice = listed(settings.datasources) or DEFAULT_DATASOURCE
            message = f"{quoted(each)} is none that SLOs are measured by: those are {advice}"
            yield document.mistake(place, message)
        elif key != "groups":
            yield from _unknown(document, each, place, settings)


def _unknown_groups(
    document: Document, groups: object, path: KeyPath, slo: Slo
) -> Iterator[Mistake]:
    for label in groups if isinstance(groups, Mapping) else ():
        if label not in slo.shown_groups:
            has = listed(slo.shown_groups) if slo.group_by else "none: it has no group_by"
            message = f"{slo.full_name} is not grouped by it: its labels are {has}"
            yield document.mistake((*path, "groups", label), message)


def listed(names: Iterable[str]) -> str:
    """Some names, and how many more there are."""
    known = sorted(names)
    more = len(known) - MOST_LISTED
    return ", ".join(known[:MOST_LISTED]) + (f" and {more} more" if more > 0 else "")
