"""From configuration files to settings, or to everything that is wrong with them."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from exporter.config.errors import ConfigError, Mistake, key_text, quoted
from exporter.config.fields import Interval, Surroundings
from exporter.config.models import MainFile, SloFile
from exporter.config.section import Section
from exporter.config.settings import Settings
from exporter.config.source import Document, Mapping, Sequence, parse
from exporter.config.wording import mistakes_of
from exporter.evaluation.settings import EvaluationSettings

AnySection = TypeVar("AnySection", bound=Section)


def load_file(path: Path) -> Settings:
    """Read the configuration from a file and from the `slo_files` that it names.

    Raises:
        ConfigError: with every mistake of all files.
    """
    return load(_read(path), path)


def load(text: str, path: Path) -> Settings:
    """Read the configuration from a text that stands at `path`, and from its `slo_files`.

    Relative paths in it start at the folder of `path`.

    Raises:
        ConfigError: with every mistake of all files.
    """
    main = parse(text, path)
    documents = [main]
    surroundings = Surroundings(folder=path.parent, interval=_interval(main))
    mistakes: list[Mistake] = []
    main_file = _validate(MainFile, main, surroundings, mistakes)
    sections = list(main_file.slos) if main_file else []
    slo_paths = list(_slo_files(main, mistakes))
    for slo_path in slo_paths:
        try:
            document = parse(_read(slo_path), slo_path)
        except ConfigError as error:
            mistakes += error.mistakes
            continue
        documents.append(document)
        slo_file = _validate(SloFile, document, surroundings, mistakes)
        sections += slo_file.slos if slo_file else []
    mistakes += _same_names(documents)
    mistakes += _no_slos(documents, mistakes)
    if mistakes or main_file is None:
        order = {file: place for place, file in enumerate([path, *slo_paths])}
        raise ConfigError(
            sorted(mistakes, key=lambda mistake: (order[mistake.file], mistake.line or 0))
        )
    return Settings(
        slos=tuple(section.slo() for section in sections),
        prometheus=main_file.prometheus.settings(),
        evaluation=main_file.evaluation.settings(),
    )


def _read(path: Path) -> str:
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
    # Periods are judged by the interval even where something else in its section is wrong.
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
                message = "takes in this file itself: move the SLOs to other files or narrow it"
                mistakes.append(main.mistake(place, message))
            elif path.resolve() not in seen and not path.is_dir():
                seen.add(path.resolve())
                yield path


def _same_names(documents: list[Document]) -> Iterator[Mistake]:
    # Judged on what is written, so that entries with other mistakes are judged too.
    first: dict[tuple[str, str], str] = {}
    for document in documents:
        slos = document.values.get("slos")
        for index, slo in enumerate(slos if isinstance(slos, Sequence) else []):
            service, name = (
                (slo.get("service"), slo.get("name")) if isinstance(slo, Mapping) else (None, None)
            )
            if not isinstance(service, str) or not isinstance(name, str):
                continue
            path = ("slos", index)
            place = f"{document.file}:{document.line(path)}: {key_text(path)}"
            taken_by = first.setdefault((service, name), place)
            if taken_by != place:
                message = f"{quoted(name)} is already the name of an SLO of {quoted(service)}: "
                yield document.mistake((*path, "name"), message + taken_by)


def _no_slos(documents: list[Document], mistakes: list[Mistake]) -> Iterator[Mistake]:
    main = documents[0]
    explained = any(
        mistake.file != main.file or mistake.key.startswith("slo") for mistake in mistakes
    )
    if not explained and not any(document.values.get("slos") for document in documents):
        yield main.mistake((), "no SLO is defined: give slos, or slo_files that hold some")
