"""From configuration files to settings, or to everything that is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from exporter.collection.settings import EvaluationSettings
from exporter.config.errors import ConfigError, Mistake
from exporter.config.models import MainFile, SloFile
from exporter.config.reading.documents import Part, parts_of, take
from exporter.config.reading.files import matching, nothing_found, read_text
from exporter.config.reading.mistakes import mistakes_of
from exporter.config.reading.source import Document, parse
from exporter.config.sections.alerting_section import AlertingSection
from exporter.config.sections.maintenance_section import MaintenanceSection
from exporter.config.sections.slo_section import SloSection
from exporter.config.settings import PlacedWindow, Settings
from exporter.config.types.composites import wrong_parts
from exporter.config.types.fields import Interval, Surroundings
from exporter.config.types.names import (
    no_slos,
    same_names,
    same_policies,
    unknown_datasources,
    unknown_names,
    unknown_policies,
)
from exporter.config.types.section import Section
from exporter.marked import Mapping, Sequence
from exporter.prometheus.settings import PrometheusSettings
from exporter.slo.maintenance import MaintenanceWindow
from exporter.slo.model import Slo
from exporter.specs.options import DEFAULT_INTERVAL, Options

AnySection = TypeVar("AnySection", bound=Section)


def load_file(path: Path) -> Settings:
    """Read the configuration from a file and from the `slo_files` that it names.

    Raises:
        ConfigError: with every mistake of all files.
    """
    return load(read_text(path), path)


def load(text: str, path: Path) -> Settings:
    """Read the configuration from a text that stands at `path`, and from its `slo_files`.

    Relative paths in it start at the folder of `path`.

    Raises:
        ConfigError: with every mistake of all files.
    """
    mistakes: list[Mistake] = []
    parts = parts_of(text, path)
    main, main_text = _main(parts, path, text)
    surroundings = Surroundings(folder=path.parent, interval=_interval(main))
    slo_paths = list(_slo_files(main, mistakes))
    parts = [part for part in parts if part.document is not main]
    all_read = True
    for slo_path in slo_paths:
        try:
            parts += parts_of(read_text(slo_path), slo_path)
        except ConfigError as error:
            mistakes += error.mistakes
            all_read = False
    taken = take(parts, _options(main, surroundings.interval))
    mistakes += taken.mistakes
    main_file = _validate(MainFile, main, surroundings, mistakes)
    documents = [main, *(document for document, _ in taken.documents)]
    files: list[MainFile | SloFile | None] = [
        main_file,
        *(_validate(SloFile, document, surroundings, mistakes) for document in documents[1:]),
    ]
    mistakes += same_names(documents)
    mistakes += unknown_names(documents, all_read=all_read)
    mistakes += unknown_datasources(documents)
    mistakes += same_policies(main)
    mistakes += wrong_parts(documents, all_read=all_read)
    mistakes += unknown_policies(documents, all_read=all_read)
    none = list(no_slos(documents, mistakes)) if not taken.mistakes else []
    mistakes += [*none, *taken.notices] if none else []
    if mistakes or main_file is None:
        order = {file: place for place, file in enumerate([path, *slo_paths])}
        raise ConfigError(
            sorted(mistakes, key=lambda mistake: (order[mistake.file], mistake.line or 0))
        )
    settings = _settings(main_file, list(zip(documents, filter(None, files), strict=True)))
    texts = [(main.file, main_text), *((each.file, own) for each, own in taken.documents)]
    return replace(settings, files=tuple(texts), notices=tuple(map(str, taken.notices)))


def _main(parts: list[Part], path: Path, text: str) -> tuple[Document, str]:
    """The document that is the main configuration; one without keys beside specs alone.

    Raises:
        ConfigError: there are several, or the file is empty.
    """
    own = [part for part in parts if part.found is None]
    if len(own) > 1:
        message = "begins a second document of the main file: put its keys into the first"
        raise ConfigError([Mistake(path, own[1].document.first_line, "", message)])
    if own:
        return own[0].document, own[0].text
    if parts:
        return Document(path, Mapping(), 1), "{}\n"
    return parse(text, path), text


def _options(main: Document, interval: int | None) -> Options:
    """What the main file says of specs; what is wrong with it, the models say."""
    datasources, specs = main.values.get("datasources"), main.values.get("specs")
    alerting = main.values.get("alerting")
    period = specs.get("sloth_period") if isinstance(specs, Mapping) else None
    return Options(
        sloth_period=period if isinstance(period, str) else None,
        datasources=frozenset(datasources if isinstance(datasources, Mapping) else ()),
        own_windows=isinstance(alerting, Mapping) and bool(alerting.get("windows")),
        interval=interval or DEFAULT_INTERVAL,
    )


def checked(documents: list[Document]) -> list[Mistake]:
    """What is wrong with documents of `slos` by themselves, with all else at its defaults."""
    surroundings = Surroundings(folder=Path(), interval=EvaluationSettings().interval)
    mistakes: list[Mistake] = []
    for document in documents:
        _validate(SloFile, document, surroundings, mistakes)
    return [*mistakes, *same_names(documents)]


def prometheus_settings(section: str) -> PrometheusSettings:
    """Read a text that has the section `prometheus` alone, as options of commands make it.

    Raises:
        ConfigError: with every mistake.
    """
    path = Path("options")
    mistakes: list[Mistake] = []
    file = _validate(MainFile, parse(section, path), Surroundings(path.parent, None), mistakes)
    if file is None or mistakes:
        raise ConfigError(mistakes)
    return file.prometheus.settings()


def _settings(main: MainFile, files: list[tuple[Document, MainFile | SloFile]]) -> Settings:
    slos: dict[str, Slo] = {}
    sections: dict[str, tuple[SloSection, tuple[MaintenanceWindow, ...]]] = {}
    windows = [_windows(document, file) for document, file in files]
    # Most SLOs say nothing of these, and share them.
    usual = AlertingSection().over(main.alerting)
    policy_of = main.policies_in_use()
    for (_, file), own in zip(files, windows, strict=True):
        reaching = windows[0] if file is main else windows[0] + own
        for slo in file.slos:
            maintenance = tuple(
                placed.window
                for section, placed in reaching
                if section.reaches(slo.service, slo.name)
            )
            sections[f"{slo.service}/{slo.name}"] = slo, maintenance
    # A composite comes after its parts, which exist and make no circle.
    parts = {
        name: [each.slo for each in slo.composite.of] if slo.composite else []
        for name, (slo, _) in sections.items()
    }
    for name in TopologicalSorter(parts).static_order():
        slo, maintenance = sections[name]
        alerting = usual if slo.alerting is None else slo.alerting.over(main.alerting)
        slos[name] = slo.slo(policy_of(slo), alerting, maintenance, slos)
    used = {slo.datasource for slo in slos.values()}
    if main.changes:
        used.add(main.changes.datasource)
    return Settings(
        slos=tuple(slos[name] for name in sections),
        datasources=main.used_datasources(used),
        evaluation=main.evaluation.settings(),
        maintenance=tuple(placed for of_file in windows for _, placed in of_file),
        storage=main.storage.place(files[0][0].file.parent),
        overrides=main.policy.overrides.limits(),
        grafana=main.grafana.url,
        change_query=main.changes.settings() if main.changes else None,
        metrics=main.metrics.selection(),
        templates=main.reports.templates,
    )


def _windows(
    document: Document, file: MainFile | SloFile
) -> list[tuple[MaintenanceSection, PlacedWindow]]:
    return [
        (section, PlacedWindow(document.place(("maintenance", index)), section.window()))
        for index, section in enumerate(file.maintenance)
    ]


def _validate(
    model: type[AnySection],
    document: Document,
    surroundings: Surroundings,
    mistakes: list[Mistake],
) -> AnySection | None:
    mistakes += document.mistakes
    try:
        return model.model_validate(document.values, context=surroundings)
    except ValidationError as error:
        mistakes += mistakes_of(error, model, document)
        return None


def _interval(main: Document) -> int | None:
    # Periods are checked against the interval even if something else in its section is wrong.
    section = main.values.get("evaluation")
    text = section.get("interval") if isinstance(section, Mapping) else None
    if text is None:
        return EvaluationSettings().interval
    try:
        interval: int = TypeAdapter(Interval).validate_python(text)
    except ValidationError:
        return None
    return interval


def _slo_files(main: Document, mistakes: list[Mistake]) -> Iterator[Path]:
    """The files that `slo_files` names, each once, in the order of the patterns."""
    seen = {main.file.resolve()}
    patterns = main.values.get("slo_files")
    for index, pattern in enumerate(patterns if isinstance(patterns, Sequence) else []):
        if not isinstance(pattern, str) or not pattern.isprintable():
            continue  # reported by the model
        place = ("slo_files", index)
        found = matching(pattern, main.file.parent)
        if not found:
            mistakes.extend(
                main.mistake(place, message) for message in nothing_found(pattern, main.file.parent)
            )
        for path in found:
            if path.resolve() == main.file.resolve():
                message = (
                    "matches this file itself: move the SLOs to other files, or narrow the pattern"
                )
                mistakes.append(main.mistake(place, message))
            elif path.resolve() not in seen and not path.is_dir():
                seen.add(path.resolve())
                yield path
