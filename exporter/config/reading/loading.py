"""From configuration files to settings, or to everything that is wrong with them."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from exporter.collection.settings import EvaluationSettings
from exporter.config.errors import ConfigError, Mistake
from exporter.config.models import MainFile, SloFile
from exporter.config.reading.mistakes import mistakes_of
from exporter.config.reading.source import Document, Mapping, Sequence, parse
from exporter.config.sections.maintenance_section import MaintenanceSection
from exporter.config.settings import PlacedWindow, Settings
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
from exporter.slo.model import Slo

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
    main = parse(text, path)
    documents = [main]
    texts = [(path, text)]
    surroundings = Surroundings(folder=path.parent, interval=_interval(main))
    mistakes: list[Mistake] = []
    main_file = _validate(MainFile, main, surroundings, mistakes)
    files: list[MainFile | SloFile | None] = [main_file]
    slo_paths = list(_slo_files(main, mistakes))
    for slo_path in slo_paths:
        try:
            slo_text = read_text(slo_path)
            document = parse(slo_text, slo_path)
        except ConfigError as error:
            mistakes += error.mistakes
            continue
        documents.append(document)
        texts.append((slo_path, slo_text))
        files.append(_validate(SloFile, document, surroundings, mistakes))
    all_read = len(documents) == 1 + len(slo_paths)
    mistakes += same_names(documents)
    mistakes += unknown_names(documents, all_read=all_read)
    mistakes += unknown_datasources(documents)
    mistakes += same_policies(main)
    mistakes += unknown_policies(documents, all_read=all_read)
    mistakes += no_slos(documents, mistakes)
    if mistakes or main_file is None:
        order = {file: place for place, file in enumerate([path, *slo_paths])}
        raise ConfigError(
            sorted(mistakes, key=lambda mistake: (order[mistake.file], mistake.line or 0))
        )
    settings = _settings(main_file, list(zip(documents, filter(None, files), strict=True)))
    return replace(settings, files=tuple(texts))


def _settings(main: MainFile, files: list[tuple[Document, MainFile | SloFile]]) -> Settings:
    slos: list[Slo] = []
    windows = [_windows(document, file) for document, file in files]
    for (_, file), own in zip(files, windows, strict=True):
        reaching = windows[0] if file is main else windows[0] + own
        for slo in file.slos:
            maintenance = tuple(
                placed.window
                for section, placed in reaching
                if section.reaches(slo.service, slo.name)
            )
            slos.append(slo.slo(main.policy_of(slo), main.alerting, maintenance))
    return Settings(
        slos=tuple(slos),
        datasources=main.used_datasources({slo.datasource for slo in slos}),
        evaluation=main.evaluation.settings(),
        maintenance=tuple(placed for of_file in windows for _, placed in of_file),
        storage=main.storage.folder(files[0][0].file.parent),
        overrides=main.policy.overrides.limits(),
        grafana=main.grafana.url,
    )


def _windows(
    document: Document, file: MainFile | SloFile
) -> list[tuple[MaintenanceSection, PlacedWindow]]:
    return [
        (section, PlacedWindow(document.place(("maintenance", index)), section.window()))
        for index, section in enumerate(file.maintenance)
    ]


def read_text(path: Path) -> str:
    """What a file holds.

    Raises:
        ConfigError: it cannot be read, or is not UTF-8.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        message = f"cannot be read: {error.strerror}"
        raise ConfigError([Mistake(path, None, "", message)]) from error
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError([Mistake(path, line, "", "is not UTF-8 text")]) from error


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
        full_pattern = str(Path(glob.escape(str(main.file.parent))) / pattern)
        found = sorted(map(Path, glob.glob(full_pattern, recursive=True)))  # noqa: PTH207  (absolute patterns)
        if not found and not any(wildcard in pattern for wildcard in "*?["):
            mistakes.append(main.mistake(place, f"no such file: {main.file.parent / pattern}"))
        for path in found:
            if path.resolve() == main.file.resolve():
                message = (
                    "matches this file itself: move the SLOs to other files, or narrow the pattern"
                )
                mistakes.append(main.mistake(place, message))
            elif path.resolve() not in seen and not path.is_dir():
                seen.add(path.resolve())
                yield path
