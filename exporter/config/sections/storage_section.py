"""The `storage` section of the configuration file."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from exporter.config.types.fields import Text
from exporter.config.types.section import Section


def storage_folder(text: str, beside: Path) -> Path | None:
    """The folder that a storage path means: relative ones are `beside`, `none` is none at all."""
    return None if text == "none" else beside / text


class StorageSection(Section):
    """Where the ledger is stored, so that it outlives restarts and Prometheus's retention."""

    path: Text = Field(
        default="ledger",
        description=(
            "Folder of the store, created if it does not exist; `none` to keep the "
            "ledger only in memory. `--storage.path` takes precedence."
        ),
        examples=["/var/lib/error-budget-exporter"],
    )

    def folder(self, beside: Path) -> Path | None:
        """The folder, relative ones being `beside` the file; None to store nothing."""
        return storage_folder(self.path, beside)
