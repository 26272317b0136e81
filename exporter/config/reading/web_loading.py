"""From the web configuration file to the server's settings, or to everything wrong with it."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from exporter.config.errors import ConfigError
from exporter.config.reading.files import read_text
from exporter.config.reading.mistakes import mistakes_of
from exporter.config.reading.source import parse
from exporter.config.sections.web_section import WebFile
from exporter.config.types.fields import Surroundings
from exporter.web.server.settings import WebSettings

_NEEDED = ("tls_server_config", "basic_auth_users")
"""Of an empty file: one that is just being written would otherwise open the server to all."""


def load_web_file(path: Path) -> WebSettings:
    """Read the file that `--web.config.file` names.

    Raises:
        ConfigError: with every mistake.
    """
    return load_web(read_text(path), path)


def load_web(text: str, path: Path) -> WebSettings:
    """Read the web configuration from a text that stands at `path`.

    Relative paths in it start at the folder of `path`.

    Raises:
        ConfigError: with every mistake.
    """
    document = parse(text, path, needed=_NEEDED)
    mistakes = document.mistakes
    try:
        surroundings = Surroundings(folder=path.parent, interval=None)
        file = WebFile.model_validate(document.values, context=surroundings)
    except ValidationError as error:
        mistakes = [*mistakes, *mistakes_of(error, WebFile, document)]
    if mistakes:
        raise ConfigError(sorted(mistakes, key=lambda mistake: mistake.line or 0))
    return file.settings(path)
