"""The web configuration: from its file to what the server reads again and again."""

from __future__ import annotations

from pathlib import Path

from exporter.config.errors import ConfigError
from exporter.config.reading.web_loading import load_web_file
from exporter.web.server.reloading_config import ReloadingConfig
from exporter.web.server.settings import WebSettings, WebSettingsError


def reloading_web_config(file: Path | None) -> ReloadingConfig:
    """The web configuration, read again whenever its files change; without a file it is empty.

    Raises:
        WebSettingsError: it has mistakes; the text lists them, a line each.
    """

    def read() -> WebSettings:
        if file is None:
            return WebSettings()
        try:
            return load_web_file(file)
        except ConfigError as error:
            raise WebSettingsError(str(error)) from error

    return ReloadingConfig(read)
