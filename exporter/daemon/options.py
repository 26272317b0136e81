"""What the command line sets beyond the configuration."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from exporter.config.sections.storage_section import storage_folder
from exporter.config.settings import Settings
from exporter.store.settings import Place
from exporter.web.server.admin import AUTHENTICATED_ONLY, AdminAccess
from exporter.web.server.sharding import UNSHARDED, Sharding


@dataclass(frozen=True, slots=True)
class Options:
    """The flags of `run`; `admin` says who may change state by the web,
    `sharding` which of the configuration's services are this daemon's.

    `auto_reload_interval` is in seconds, 0 to reload only when told to.

    `storage` overrides the configuration's `storage`; like its `path` it may be `none`.
    """

    config_file: Path = Path("config.yaml")
    listen_address: str = ":9098"
    web_config_file: Path | None = None
    storage: str | None = None
    auto_reload_interval: float = 0.0
    admin: AdminAccess = AUTHENTICATED_ONLY
    sharding: Sharding = UNSHARDED

    def store_place(self, settings: Settings) -> Place | None:
        """Where the store is; None to keep the ledger only in memory."""
        if self.storage is None:
            return settings.storage
        return storage_folder(self.storage, Path())
