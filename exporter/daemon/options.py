"""What the command line sets beyond the configuration."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from exporter.config.errors import ConfigError
from exporter.config.reading.web_loading import load_web_file
from exporter.config.sections.storage_section import storage_folder
from exporter.config.settings import Settings
from exporter.web.server.reloading_config import ReloadingConfig
from exporter.web.server.settings import WebSettings, WebSettingsError


@dataclass(frozen=True, slots=True)
class Options:
    """The flags of `run`.

    `storage` overrides the configuration's `storage.path`; like that it may be `none`.
    """

    config_file: Path = Path("config.yaml")
    listen_address: str = ":9098"
    web_config_file: Path | None = None
    storage: str | None = None

    def storage_folder(self, settings: Settings) -> Path | None:
        """Where the store is; None to keep the ledger only in memory."""
        if self.storage is None:
            return settings.storage
        return storage_folder(self.storage, Path())


def watched_web_settings(file: Path | None) -> ReloadingConfig:
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
